"""A job that starts runs of another, with points at which its worker is killed (see `jobs_crash.py`)."""

from __future__ import annotations

import asyncio
from typing import Any

from terse_temporal import Event, create_job, job_step

from .jobs_crash import Work, act, crash


@create_job(name="called", durable=True)
async def called(event: Event) -> str:
    """One effect, named by the event."""
    crash(f"called {event.name}")
    return await job_step(run=act, name=event.name, input={"effects": event.effects}, input_schema=Work)


@create_job(name="caller", durable=True)
async def caller(event: Event) -> list[Any]:
    """A run that is waited for beside one that is started, and one more when both are there."""

    def named(name: str) -> dict[str, str]:
        return {"effects": event.effects, "name": name}

    first = asyncio.create_task(called.run(named("first")))
    starting = asyncio.create_task(called.start(named("second")))
    for _ in range(20):
        await asyncio.sleep(0)
    crash("asked for")  # both commands are made, and nothing of them has been sent
    second = await starting
    crash("second: started")
    done = [await first, await second.result()]
    crash("both: recorded")
    return [*done, await called.run(named("third"))]
