"""A handler that waits without `sleep` sleeps for a test, and its time can be skipped."""

from __future__ import annotations

from datetime import timedelta

import pytest

from terse_temporal.testing import Jobs

from . import jobs_children as kit


@pytest.mark.parametrize("how", ["asyncio.sleep", "workflow.sleep", "wait_condition"])
async def test_waits(jobs: Jobs, how: str) -> None:
    """`asyncio.sleep`, `workflow.sleep` and a condition that has a limit are sleeps to `run.sleeping()`."""
    run = await jobs.start(kit.waits, {"how": how})
    assert (await run.sleeping()).duration == timedelta(hours=2)
    await jobs.skip("1h")
    assert run.status == "running"
    await jobs.skip("1h")
    assert await run.result() == f"hello {how}"


async def test_a_limit_is_no_sleep(jobs: Jobs) -> None:
    """Beside a sleep, the timer of `asyncio.timeout` is none."""
    run = await jobs.start(kit.waits, {"how": "beside a sleep"})
    assert (await run.sleeping()).duration == timedelta(minutes=30)
    await jobs.skip("30m")
    assert (await run.sleeping()).duration == timedelta(hours=2)
    assert await run.result() == "hello beside a sleep"
