"""Jobs with a timeout, and with something to do when they have failed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from temporalio import workflow

from terse_temporal import Event, Retry, RunFailure, create_job, current_step, job_step, sleep, step, toolbox
from tests.effects import record


class Declined(Exception):
    pass


class Kept(Exception):
    """Says what an `on_failure` was told."""


async def write(data: dict[str, Any]) -> str:
    record(data["effects"], data["text"])
    return current_step().idempotency_key


async def decline(text: str) -> None:
    raise Declined(text)


async def wait(data: dict[str, Any]) -> None:
    record(data["effects"], "waits")
    try:
        await asyncio.sleep(30)
    finally:
        record(data["effects"], "step cancelled")


def note(event: Event, text: str) -> Any:
    return job_step(run=write, input={"effects": event.effects, "text": text}, name="note")


async def tell(event: Event, failure: RunFailure) -> None:
    """A step, a sleep, a tool, and branches: whatever a handler may have."""
    print(f"on_failure of {event.how}")
    await sleep("1h")
    async with asyncio.TaskGroup() as group:
        group.create_task(note(event, f"{failure.type}: {failure.message} [{failure.step}]"))
        group.create_task(job_step(run=told, input=failure))
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(job_step(run=decline, input="in a group"))
    except* Declined:
        await note(event, "a group in it fails by itself")
    await toolbox.ends.page(text="page")
    if "and again" in event.how:
        await job_step(run=decline, input="by the pager", name="page")


async def told(failure: RunFailure) -> str:
    return failure.type


@toolbox.tool("ends.page", idempotent=True)
async def page(text: str) -> str:
    return text


async def end(event: Event) -> str:  # noqa: PLR0912  # the ways
    """End in the way that the event says."""
    how = event.how.removesuffix(" and again")
    try:
        match how:
            case "raises":
                raise Declined("by hand")
            case "step":
                await job_step(run=decline, input="by the bank", name="charge")
            case "after a step":
                try:
                    await job_step(run=decline, input="by the bank", name="charge")
                except Declined:
                    raise KeyError("no other card") from None
            case "in a group":
                async with asyncio.TaskGroup() as group:
                    group.create_task(job_step(run=decline, input="by the bank", name="charge"))
            case "while handling":
                try:
                    await job_step(run=decline, input="by the bank", name="charge")
                except Declined:
                    raise KeyError("no other card")  # noqa: B904  # as people write it
            case "waits":
                await job_step(run=wait, input={"effects": event.effects})
            case "sleeps":
                await sleep("30d")
            case "swallows":
                try:
                    await sleep("30d")
                except asyncio.CancelledError:
                    return "swallowed"
            case "raises in finally":
                try:
                    await sleep("30d")
                finally:
                    raise KeyError("in finally")
            case "continues":
                await note(event, "first")
                workflow.continue_as_new({**dict(event), "how": "returns"})
            case "returns late" | "only sleeps":
                await sleep("59m")
    finally:
        if how not in ("continues", "only sleeps"):
            await note(event, "cleanup")
    return "returned"


@create_job(name="ends", durable=True, timeout="1h", on_failure=tell, filter=lambda event: event.how != "skipped")
async def ends(event: Event) -> str:
    return await end(event)


@create_job(name="ends-in-any-time", durable=True, on_failure=tell)
async def ends_in_any_time(event: Event) -> str:
    return await end(event)


@create_job(name="ends-in-time", durable=True, timeout="1h")
async def ends_in_time(event: Event) -> str:
    return await end(event)


def fails_once(path: str) -> None:
    record(path, "charged")
    if len(Path(path).read_text().split()) == 1:
        raise Declined("at first")


@create_job(name="ends-after-a-reset", durable=True, timeout="1500ms")
async def ends_after_a_reset(event: Event) -> str:
    await sleep("1s")
    await job_step(run=fails_once, input=event.effects)
    await sleep("1s")
    return "in time"


def told_in_place(event: Event, failure: RunFailure) -> None:
    record(event.effects, f"{failure.type}: {failure.message} [{failure.step}]")
    if event.get("again"):
        raise KeyError("the pager")


@create_job(name="ends-in-place", on_failure=told_in_place)
async def ends_in_place(event: Event) -> None:
    record(event.effects, "runs")
    raise Declined("by hand")


@create_job(name="ends-in-place-in-time", timeout="1s")
async def ends_in_place_in_time(event: Event) -> None:
    await wait({"effects": event.effects})


@step
async def fails_at_first(path: str) -> int:
    record(path, f"step {current_step().attempt}")
    if current_step().attempt < 3:
        raise ConnectionError("not yet")
    return current_step().attempt


@create_job(name="retries-its-steps", durable=True, retry=Retry(max_attempts=3, initial="1ms", on=ConnectionError))
async def retries(event: Event) -> list[Any]:
    found: list[Any] = [await fails_at_first(event.effects)]
    found.append(await job_step(run=fails_at_first, input=event.effects))
    for rule in (Retry.never(), Retry(max_attempts=2, initial="1ms")):
        try:
            await job_step(run=fails_at_first, input=event.effects, retry=rule)
        except ConnectionError as error:
            found.append(str(error))
    return found
