"""The jobs of a worker that somebody with access to its namespace tries to misuse."""

from __future__ import annotations

from typing import Any

from terse_temporal import Event, create_job, job_step
from tests.effects import record


def known(value: Any) -> Any:
    return value


def leave(path: str) -> None:
    record(path, "left")


@create_job(name="victim", durable=True)
async def victim(event: Event) -> Any:
    return await job_step(run=known, input=1)
