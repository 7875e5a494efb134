"""A test of a job takes no longer for what the job sleeps, and starts no server where there is one.

What is asserted is what holds on a machine that is busy with other tests: `python -m benchmarks testing` measures.
"""

from __future__ import annotations

import time

import pytest

from terse_temporal.testing import Jobs
from terse_temporal.testing.loop_thread import LoopThread

from . import jobs_kit as kit


async def timed(jobs: Jobs, duration: str) -> float:
    """How long a test of a sleep takes."""
    began = time.perf_counter()
    run = await jobs.start(kit.sleeps, {"durations": [duration]})
    await run.sleeping()
    await jobs.skip(duration)
    await run.result()
    return time.perf_counter() - began


async def test_a_sleep_of_three_days(jobs: Jobs) -> None:
    """A sleep of three days is over in far less than that."""
    assert await timed(jobs, "3d") < 60


async def test_start(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a server that is there already nothing is started."""
    monkeypatch.delattr("subprocess.Popen")
    loop_thread = LoopThread(jobs.address)
    loop_thread.start()
    try:
        assert loop_thread.address == jobs.address
    finally:
        loop_thread.stop()
