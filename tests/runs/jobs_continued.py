"""Jobs whose runs continue in new histories: that fail until a file is there, and that make each kind of call."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from terse_temporal import (
    Event,
    InputOption,
    Retry,
    create_job,
    current_step,
    job_step,
    sleep,
    wait_for_event,
    wait_for_input,
)
from tests.effects import record


class NotYet(Exception):
    pass


def count(given: dict[str, str]) -> int:
    record(given["effects"], given["line"])
    return 1


def open_gate(gate: str) -> None:
    if not Path(gate).exists():
        raise NotYet


@create_job(name="continued-and-looked-at", durable=True)
async def continues(event: Event) -> int:
    total = 0
    for number in range(10):
        given = {"effects": event.effects, "line": f"n{number}"}
        total += await job_step(run=count, input=given, name=f"count-{number}", local=number % 3 == 0)
    await sleep("1ms")
    await wait_for_event("go")
    await job_step(run=open_gate, input=event.gate, name="gate", retry=Retry(max_attempts=1))
    return total


@create_job(name="continued-and-failed-before", durable=True)
async def fails_late(event: Event) -> None:
    """Fail with what a step failed with in an earlier history."""
    kept: list[Exception] = []
    try:
        await job_step(run=open_gate, input=event.gate, name="gate", retry=Retry(max_attempts=1))
    except NotYet as error:
        kept.append(error)
    for number in range(6):
        await job_step(run=count, input={"effects": event.effects, "line": f"n{number}"}, name=f"count-{number}")
    raise kept[0]


@create_job(name="continued-after-a-sleep", durable=True)
async def fails_after_a_sleep(event: Event) -> None:
    """Sleep, continue in a new history, and fail."""
    await sleep("3d")
    for number in range(6):
        await job_step(run=count, input={"effects": event.effects, "line": f"n{number}"}, name=f"count-{number}")
    await wait_for_event("go")
    raise NotYet


class Flaky(Exception):
    pass


def waver(given: dict[str, Any]) -> str:
    """Fail as often as is said."""
    if current_step().attempt <= given["failing"]:
        raise Flaky(f"attempt {current_step().attempt}")
    return str(given["line"])


@create_job(name="continued-alike-child", durable=True)
async def small(event: Event) -> str:
    return str(await job_step(run=waver, input={"failing": 0, "line": event.line}, name="of the child"))


@create_job(name="continued-alike", durable=True)
async def does_all(event: Event) -> list[Any]:
    """Make each kind of call, some of which fail or are cancelled."""

    async def step(name: str, failing: int = 0, attempts: int = 3, **options: Any) -> Any:
        retry = Retry(max_attempts=attempts, initial="1ms")
        return await job_step(run=waver, input={"failing": failing, "line": name}, name=name, retry=retry, **options)

    found: list[Any] = [await step("first", label="a label"), await step("second", 1), await step("local", local=True)]
    found.append(await step("third", 2, local=True))
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(wait_for_input(prompt="?", options=[InputOption("yes", "Yes")]))
        for number in range(3):
            group.create_task(step(f"beside-{number}", number % 2))
        with pytest.raises(Flaky):
            await step("failing", 9)
        with pytest.raises(Flaky):
            await step("failing locally", 9, local=True)
        await sleep("10ms")
        found.append(await small.run({"line": "child"}))
        child = await small.start({"line": "started"})
        with suppress(TimeoutError):
            async with asyncio.timeout(0.01):
                await sleep("1h")
        found += [await step(f"later-{number}", number % 2) for number in range(8)]
        found.append(await child.result())
        found.append((await wait_for_event("told")).number)
        await sleep("2ms")
    return [*found, (await asked).choice, await step("last", 1)]
