"""Jobs whose events are as large, or as hostile, as the server lets them be."""

from __future__ import annotations

from typing import Any

from terse_temporal import Event, create_job, job_step


def count(fields: Any) -> int:
    return len(fields)


@create_job(name="large-durable", durable=True)
async def durable(event: Event) -> int:
    return await job_step(run=count, input=dict(event))


@create_job(name="large-plain")
async def plain(event: Event) -> int:
    return len(event)
