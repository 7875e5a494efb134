"""Jobs that end in every way, for what the worker's log says of it."""

from __future__ import annotations

import asyncio

from temporalio import workflow

from terse_temporal import Event, create_job, job_step, sleep
from tests.effects import record


class Declined(Exception):
    pass


async def nothing() -> None: ...


async def decline() -> None:
    raise Declined("by the bank")


async def wait(path: str) -> None:
    record(path, "waits")
    await asyncio.sleep(30)


@create_job(name="ending", durable=True)
async def ending(event: Event) -> str | None:
    match event.how:
        case "returns":
            await job_step(run=nothing)
        case "step":
            await job_step(run=decline)
        case "raises":
            raise Declined("by hand")
        case "waits":
            await job_step(run=wait, input=event.effects)
        case "sleeps":
            await sleep("30d")
        case "continues":
            await job_step(run=nothing)
            workflow.continue_as_new({"how": "returns"})
    return str(event.how)
