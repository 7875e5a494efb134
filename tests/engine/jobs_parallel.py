"""Jobs with parallel branches, and jobs that are cancelled."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import anyio

from terse_temporal import Event, Retry, create_job, current_step, job_step, sleep
from terse_temporal.errors import StepError
from tests.effects import record


class Declined(Exception):
    pass


async def work(data: dict[str, Any]) -> int:
    record(data["effects"], f"begin {data['name']}")
    try:
        await asyncio.sleep(data.get("seconds", 0))
    except asyncio.CancelledError:
        await asyncio.sleep(data.get("lingers", 0.05))
        record(data["effects"], f"cancelled {data['name']}")
        raise
    if data.get("fails"):
        raise Declined(data["name"])
    record(data["effects"], f"end {data['name']}")
    return int(data.get("gives", 0))


def branch(event: Event, name: object, **more: Any) -> Any:
    return job_step(run=work, input={"effects": event.effects, "name": str(name), **more}, name=f"work-{name}")


@create_job(name="gathers", durable=True)
async def gathers(event: Event) -> list[Any]:
    first = await asyncio.gather(*(branch(event, n, gives=n) for n in range(5)))
    mixed = await asyncio.gather(branch(event, "a", fails=True), branch(event, "b", gives=7), return_exceptions=True)
    return [first, [str(each) for each in mixed]]


@create_job(name="gathers-large-inputs", durable=True)
async def gathers_large(event: Event) -> list[int]:
    texts = await asyncio.gather(*(job_step(run=lambda text: len(text), input="x" * 1_500_000) for _ in range(6)))
    return list(texts)


@create_job(name="groups-tasks", durable=True)
async def groups(event: Event) -> list[Any]:
    async def chain(name: str) -> int:
        first = await branch(event, f"{name}1", gives=1)
        await sleep("10ms")
        return int(first + await branch(event, f"{name}2", gives=2))

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(chain(name)) for name in "abc"]
    return [task.result() for task in tasks]


@create_job(name="group-that-fails", durable=True)
async def group_fails(event: Event) -> Any:
    """One branch of many fails, so that all others are cancelled; each cleans up after itself with a step."""

    async def chain(name: int) -> None:
        try:
            if name % 2:
                await branch(event, name, seconds=20)
            else:
                await sleep("30d")
        finally:
            await job_step(run=work, input={"effects": event.effects, "name": f"clean {name}"}, name=f"clean-{name}")

    try:
        async with asyncio.TaskGroup() as group:
            for name in range(12):
                group.create_task(chain(name))
            group.create_task(branch(event, "x", fails=True, seconds=0.5))
    except* Declined as declined:
        caught = [str(error) for error in declined.exceptions]
    await branch(event, "after")
    return caught


@create_job(name="waits-for-tasks", durable=True)
async def waits(event: Event) -> list[int]:
    """The order of what `asyncio.wait` and `as_completed` give decides what happens next."""
    tasks = [asyncio.ensure_future(branch(event, n, gives=n)) for n in range(10)]
    done, _ = await asyncio.wait(tasks)
    order = [await branch(event, f"next-{task.result()}", gives=task.result()) for task in done]
    completed = asyncio.as_completed([branch(event, f"last-{n}", gives=n) for n in range(5)])
    order += [await branch(event, f"then-{await future}") for future in completed]
    # As from Python 3.13 on: the tasks themselves.
    named = {asyncio.create_task(branch(event, n, gives=n, seconds=1 - n)): n for n in (0.25, 0.75)}
    async for task in asyncio.as_completed(named):  # type: ignore[attr-defined]  # from 3.13 on
        order.append(named[task])
    return order


@create_job(name="waits-with-a-limit", durable=True)
async def limited(event: Event) -> list[Any]:
    quick = await asyncio.wait_for(branch(event, "quick", gives=1), 60)
    try:
        async with asyncio.timeout(1):
            await branch(event, "slow", seconds=20)
    except TimeoutError as error:
        return [quick, isinstance(error, StepError), await branch(event, "after", gives=2)]
    return []


@create_job(name="cancelled-in-a-step", durable=True)
async def cancelled(event: Event) -> None:
    try:
        await branch(event, "slow", seconds=20)
    finally:
        await branch(event, "cleanup")


@create_job(name="cancelled-in-a-thread", durable=True)
async def cancelled_in_a_thread(event: Event) -> None:
    def block(path: str) -> None:
        record(path, "begin block")
        time.sleep(2.5)
        record(path, "end block")

    try:
        await job_step(run=block, input=event.effects)
    finally:
        await branch(event, "cleanup")


@create_job(name="cancelled-in-a-sleep", durable=True)
async def cancelled_in_a_sleep(event: Event) -> None:
    await branch(event, "first")
    try:
        await asyncio.sleep(3600)
    finally:
        await branch(event, "cleanup")


@create_job(name="survives-cancellation", durable=True)
async def survives(event: Event) -> str:
    try:
        await branch(event, "slow", seconds=20)
    except asyncio.CancelledError:
        await branch(event, "cleanup")
    return "went on"


@create_job(name="cancelled-plain")
async def cancelled_plain(event: Event) -> None:
    await work({"effects": event.effects, "name": "plain", "seconds": 20})


@create_job(name="keys", durable=True)
async def keys(event: Event) -> list[str]:
    async def key() -> str:
        return current_step().idempotency_key

    def once_more(path: str) -> str:
        record(path, f"{current_step().attempt} {current_step().idempotency_key} {current_step().name}")
        if current_step().attempt < 3:
            raise Declined("again")
        return current_step().idempotency_key

    found = [
        await job_step(run=key),
        await job_step(run=key),
        await job_step(run=key, name="other"),
        await job_step(run=once_more, input=event.effects, retry=Retry(initial="20ms")),
    ]
    return found + list(await asyncio.gather(*(job_step(run=key) for _ in range(3))))


@create_job(name="cancels-a-step-again-and-again", durable=True)
async def cancelled_repeatedly(event: Event) -> str:
    """A task is cancelled three times while its step takes a moment to end; so is what stands in a scope of anyio."""
    how = "timed out"

    async def clean(name: str) -> None:
        await job_step(run=work, input={"effects": event.effects, "name": f"clean {name}"}, name=f"clean-{name}")

    async def branch_and_clean() -> None:
        try:
            await branch(event, "task", seconds=20, lingers=0.6)
        finally:
            await clean("task")

    task = asyncio.create_task(branch_and_clean())
    await sleep("200ms")
    for _ in range(3):
        task.cancel()
        await sleep("50ms")
    try:
        await task
    except asyncio.CancelledError:
        how = "cancelled"
    with anyio.move_on_after(0.2) as scope:
        await branch(event, "scope", seconds=20, lingers=0.3)
    await clean("scope")
    return f"{how}, {'moved on' if scope.cancelled_caught else 'came to its end'}"
