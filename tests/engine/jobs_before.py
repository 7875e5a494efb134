"""A job as it was when its runs were started."""

from __future__ import annotations

from typing import Any

from terse_temporal import Event, create_job, job_step, sleep
from tests.effects import record


def leave(data: dict[str, str]) -> str:
    record(data["effects"], data["text"])
    return data["text"]


@create_job(name="renewed", durable=True)
async def job(event: Event) -> Any:
    await job_step(run=leave, input={"effects": event.effects, "text": "first"}, name="charge")
    await sleep("3d")
    return await job_step(run=leave, input={"effects": event.effects, "text": "last"}, name="thank")
