"""Jobs in which steps, sleeps and branches race each other."""

from __future__ import annotations

import asyncio
from typing import Any

from terse_temporal import Event, create_job, job_step, sleep

from .jobs_parallel import branch


@create_job(name="races", durable=True)
async def races(event: Event) -> Any:
    """The first wins, the others are withdrawn; what is done next depends on which it was."""
    quick: asyncio.Task[Any] = asyncio.create_task(branch(event, "quick", gives=1))
    slow: asyncio.Task[Any] = asyncio.create_task(branch(event, "slow", seconds=20))
    late: asyncio.Task[Any] = asyncio.create_task(sleep("30d"))
    done, others = await asyncio.wait([late, slow, quick], return_when=asyncio.FIRST_COMPLETED)
    for task in others:
        task.cancel()
    # Each has ended before the handler goes on.
    await asyncio.gather(*others, return_exceptions=True)
    assert [each is quick for each in done] == [True]
    return [quick.result(), slow.cancelled(), late.cancelled(), await branch(event, "after", gives=2)]


@create_job(name="races-a-sleep", durable=True)
async def races_a_sleep(event: Event) -> Any:
    """A sleep wins over a step, a step over a sleep, each in `asyncio.timeout` and within a group."""
    found: list[Any] = []
    try:
        async with asyncio.timeout(1):
            async with asyncio.TaskGroup() as group:
                group.create_task(branch(event, "too slow", seconds=20))
                group.create_task(sleep("30d"))
    except TimeoutError:
        found.append("over")
    async with asyncio.timeout(3600):
        found.append(await branch(event, "in time", gives=3))
    wins = asyncio.as_completed([sleep("30d"), branch(event, "first", gives=4)])
    found.append(await next(wins))
    try:
        await asyncio.wait_for(job_step(run=forever, name="forever"), 0.5)
    except TimeoutError:
        found.append("stopped")
    # The sleep of as_completed goes on by itself, and is no matter of the run's end.
    return found


async def forever() -> None:
    await asyncio.sleep(3600)
