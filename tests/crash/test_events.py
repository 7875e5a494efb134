"""Events by key are taken once, in order, while the workers of runs and of keys are killed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from terse_temporal import send_event

from .processes import Case, result

NewCase = Callable[..., Case]

RUNS = 8
EVENTS = 3


async def test_while_workers_are_killed(new_case: NewCase) -> None:
    """None is lost, and none comes twice, whether it was sent before a wait, between two, or without a worker."""
    await storm(new_case, RUNS, EVENTS, kills=3)


async def storm(new_case: NewCase, runs: int, events: int, kills: int) -> None:
    """Send events by key to so many runs, half of them before there is a worker, and kill it so often."""
    queue = new_case(jobs="tests/crash/jobs_events.py")
    cases = [queue.another() for _ in range(runs)]
    started = [await case.start("takes-events", {"key": case.name, "count": events}) for case in cases]

    async def send(number: int) -> None:
        for case in cases:
            await send_event("order", number, key=case.name, client=queue.client, task_queue=queue.task_queue)

    sending = [send(number) for number in range(events)]
    await sending.pop(0)
    for _ in range(kills):
        async with queue.worker() as worker:
            if sending:
                await sending.pop(0)
            else:
                await asyncio.sleep(0.2)  # at whatever it is by then
            worker.kill()
            await worker.ended()
    async with queue.worker():
        for each in sending:
            await each
        assert await asyncio.gather(*map(result, started)) == [list(range(events))] * runs
