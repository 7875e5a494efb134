"""Jobs that end in every way, for what the worker's log says of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from temporalio import workflow

from terse_temporal import Event, create_job, job_step, log, sleep
from tests.effects import record


class Declined(Exception):
    pass


async def nothing() -> None: ...


async def decline() -> None:
    raise Declined("by the bank")


def not_there() -> None:
    raise KeyError("what is done then")


async def wait(path: str) -> None:
    record(path, "waits")
    await asyncio.sleep(30)


async def wait_for_end(path: str) -> None:
    record(path, "waits")
    while not Path(path).with_name("end").exists():  # noqa: ASYNC110  a file, as in other tests
        await asyncio.sleep(0.01)


@create_job(name="ending", durable=True)
async def ending(event: Event) -> str | None:
    match event.how:
        case "returns":
            await job_step(run=nothing)
        case "step":
            await job_step(run=decline)
        case "raises":
            raise Declined("by hand")
        case "while handling":
            try:
                await job_step(run=decline)
            except Declined as error:
                raise KeyError("what is done then") from error
        case "while handling, unsaid":
            try:
                await job_step(run=decline)
            except Declined:
                not_there()
        case "in a group":
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(job_step(run=decline))
            except* Declined:
                not_there()
        case "waits":
            await job_step(run=wait, input=event.effects)
        case "sleeps":
            await sleep("30d")
        case "continues":
            await job_step(run=nothing)
            workflow.continue_as_new({"how": "returns"})
    return str(event.how)


@create_job(name="ending-in-its-task", durable=True)
async def ending_in_its_task(event: Event) -> None:
    await job_step(run=wait_for_end, input=event.effects, local=True)
    await sleep("30d")


@create_job(name="cleaning-up", durable=True)
async def cleaning_up(event: Event) -> str:
    """Waits, beside another task, and cleans up when that is over."""

    async def another() -> None:
        try:
            await sleep("30d")
        except BaseException as error:
            log(f"another: {type(error).__name__}")
            raise

    beside = asyncio.create_task(another())
    try:
        await sleep("1500ms")
    finally:
        log("cleans up")
        await job_step(run=record_cleaning, input=event.effects)
    return "cleaned up" if not beside.done() else "too late"


def record_cleaning(path: str) -> None:
    record(path, "cleaned")
