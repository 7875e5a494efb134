"""Calls that run at most once, and what they leave each time that they run."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from temporalio import activity

from terse_temporal import Event, Retry, create_job, current_step, job_step
from terse_temporal.errors import StepInterruptedError
from tests.effects import record


async def once(data: dict[str, Any]) -> str:
    """Raise in the attempts that are told; otherwise wait for the file, if there is one to wait for."""
    attempt = current_step().attempt
    record(data["effects"], f"attempt {attempt}")
    if attempt in data.get("raising", []):
        raise ConnectionError("not yet")
    while "go" in data and not Path(data["go"]).exists():  # noqa: ASYNC240  a file, as other tests do
        activity.heartbeat()
        await asyncio.sleep(0.02)
    return "done"


@create_job(name="once", durable=True)
async def step_once(event: Event) -> str:
    try:
        result: str = await job_step(
            run=once, input=dict(event), on_interrupt="fail", retry=Retry(max_attempts=5, initial="10ms")
        )
    except StepInterruptedError as err:
        return f"interrupted: {err}"
    return result


@create_job(name="once-plain")
def plain_once(event: Event) -> str:
    record(event.effects, "attempt 1")
    return "done"
