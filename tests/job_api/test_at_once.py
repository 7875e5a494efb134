"""A map holds no more than what is open, whatever goes through it, and stops where it has to."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from typing import Any

import anyio
import pytest

from terse_temporal import job_map
from terse_temporal.errors import DurableOnlyError, StepError
from terse_temporal.jobs.at_once import map_at_once


async def mapped(call: Any, items: Any, at_once: int = 2, max_failures: int | None = 0) -> list[Any]:
    return await map_at_once(
        call, items, at_once=at_once, max_failures=max_failures, failures=StepError, what="the map"
    )


async def test_ten_thousand_inputs_are_fifty_tasks() -> None:
    """There are as many tasks as calls at once, and inputs are taken as calls end."""
    most, ahead, taken = 0, 0, 0

    def numbers() -> Iterator[int]:
        nonlocal taken
        for taken in range(1, 10_001):  # noqa: UP028  # how far it has come is looked at
            yield taken

    async def call(number: int) -> int:
        nonlocal most, ahead
        ahead = max(ahead, taken - number)
        if number % 1_000 == 0:
            most = max(most, len(asyncio.all_tasks()))
        await asyncio.sleep(0)
        return -number

    before = len(asyncio.all_tasks())
    assert await mapped(call, numbers(), at_once=50) == [-number for number in range(1, 10_001)]
    assert most - before <= 50
    assert ahead <= 50


async def test_what_is_no_failure_ends_it() -> None:
    """Any other exception is raised as it is, of a call or of the iterable, once the open calls have ended."""
    ended = []

    async def call(number: int) -> int:
        if number == 1:
            raise KeyError("one")
        await asyncio.sleep(0.01)
        ended.append(number)
        return number

    with pytest.raises(KeyError, match="one"):
        await mapped(call, range(9), max_failures=None)
    assert ended == [0]
    with pytest.raises(ZeroDivisionError):
        await mapped(call, (1 // (4 - number) for number in (9, 8, 4)), at_once=1)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
async def test_an_iterable_that_ends_the_process(error: type[BaseException]) -> None:
    """What it raises goes on as it is, once the calls that were made before have ended."""
    ended = []

    async def call(number: int) -> None:
        ended.append(number)

    def items() -> Iterator[int]:
        yield 1
        raise error

    before = asyncio.all_tasks()
    with pytest.raises(error):
        await mapped(call, items())
    assert asyncio.all_tasks() == before
    assert ended == []


async def test_a_call_that_is_cancelled_by_itself() -> None:
    """Is no result: the map is cancelled."""

    async def call(number: int) -> int:
        if number == 1:
            raise asyncio.CancelledError
        return number

    with pytest.raises(asyncio.CancelledError):
        await mapped(call, range(4))


async def test_cancelled_by_a_scope_of_anyio() -> None:
    """The open calls have ended before it goes on, though the scope cancels it again and again."""
    ended = []

    async def call(number: int) -> None:
        try:
            await asyncio.sleep(5)
        finally:
            await asyncio.sleep(0.01)
            ended.append(number)

    with anyio.move_on_after(0.01) as scope:
        await mapped(call, range(9))
    assert scope.cancelled_caught
    assert ended == [0, 1]
    gc.collect()


async def test_outside_of_a_durable_handler() -> None:
    """It is refused by the call."""
    with pytest.raises(DurableOnlyError, match="job_map"):
        job_map(run=len, inputs=["a"])  # type: ignore[unused-coroutine]  # it raises
