"""A job with a timeout, and something to do when that is over."""

from __future__ import annotations

from terse_temporal import Event, RunFailure, create_job, job_step, sleep


async def told(event: Event, failure: RunFailure) -> None:
    await job_step(run=lambda text: text, input=failure.type, name="tell")


@create_job(name="kit-in-time", durable=True, timeout="5d", on_failure=told)
async def in_time(event: Event) -> str:
    await sleep(event.duration)
    return "in time"
