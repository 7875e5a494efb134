"""A skip ends when the run is idle: neither before a slow step has ended, nor long after."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from terse_temporal.testing import Jobs

from .jobs_documents import pack_slowly, send_courier, send_courier_asleep

#: As the limit of a wait: what is not over at once is not over before the test's own timeout.
WHOLE_HOUR = 3600.0


async def test_a_slow_step(jobs: Jobs) -> None:
    """A step that takes longer than most is waited for."""
    run = await jobs.start(pack_slowly, {"seconds": 2})
    await run.sleeping()
    await jobs.skip("1h")
    assert [step.state for step in run.steps] == ["done"]


async def test_a_step_that_takes_too_long(jobs: Jobs) -> None:
    """One that takes longer than a wait may is an error that says so."""
    jobs._timeout = 2
    run = await jobs.start(pack_slowly, {"seconds": 60})
    await run.sleeping()
    with pytest.raises(AssertionError, match=r"is not idle .* a step takes that long"):
        await jobs.skip("1h")


async def test_a_step_that_the_test_holds_up(jobs: Jobs) -> None:
    """One that waits for the test is not waited for in turn."""
    go_on = asyncio.Event()

    async def pack(seconds: float) -> str:
        await go_on.wait()
        return "packed"

    jobs.steps.pack.does(pack)
    jobs._timeout = WHOLE_HOUR
    run = await jobs.start(pack_slowly, {"seconds": 0})
    await run.sleeping()
    await jobs.skip("1h")
    go_on.set()
    assert await run.result() == "packed"


async def test_a_step_that_is_tried_again_later(jobs: Jobs) -> None:
    """A run that waits for an attempt does not sleep, which is said, with what to do."""
    jobs.steps.call_courier.in_turn(ConnectionError("nobody there"), "called")
    run = await jobs.start(send_courier)
    with pytest.raises(AssertionError, match=r"a step waits for its next attempt, for another .* await jobs\.skip"):
        await run.sleeping()
    await jobs.skip("5m")
    assert (await run.sleeping()).duration == timedelta(hours=1)


async def test_a_sleep_beside_a_step_that_is_tried_again(jobs: Jobs) -> None:
    """A run sleeps also while a step in another branch waits for its next attempt."""
    jobs.steps.call_courier.in_turn(ConnectionError("nobody there"), "called")
    run = await jobs.start(send_courier_asleep)
    assert (await run.sleeping()).duration == timedelta(days=1)
    assert await run.result() == ["called", None]
