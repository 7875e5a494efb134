"""A job whose run continues as new by itself. Where its worker is killed, `worker_process.py` sees to."""

from __future__ import annotations

import asyncio
from typing import Any

from terse_temporal import Event, create_job, job_step, wait_for_event

from .jobs_crash import Work, act

#: Enough that its run continues twice.
ROUNDS = 20


@create_job(name="continuing", durable=True)
async def continuing(event: Event) -> list[Any]:
    """Steps that are done beside an event that is waited for all the while."""
    late = asyncio.create_task(wait_for_event("late"))
    data = {"effects": event.effects}
    done = [
        await job_step(run=act, name=f"step-{number}", input=data, input_schema=Work, local=number % 3 == 2)
        for number in range(ROUNDS)
    ]
    return [done, (await late).number]
