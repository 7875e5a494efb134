"""The same job with more after what its runs have behind them, and another length of its sleep."""

from __future__ import annotations

from typing import Any

from terse_temporal import Event, create_job, job_step, sleep
from tests.engine.jobs_before import leave


@create_job(name="renewed", durable=True)
async def job(event: Event) -> Any:
    await job_step(run=leave, input={"effects": event.effects, "text": "first"}, name="charge")
    await sleep("5d")
    return await job_step(run=leave, input={"effects": event.effects, "text": "other"}, name="praise")
