"""A test of a job takes no longer for what the job sleeps, and an environment is there at once.

What is asserted is what holds on a machine that is busy with other tests: `python -m benchmarks testing` measures.
"""

from __future__ import annotations

import time

from terse_temporal.testing import JobEnvironment, Jobs
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
    """A sleep of three days takes two seconds at most, and not much longer than one of three seconds."""
    await timed(jobs, "3s")  # starts the worker
    short = min([await timed(jobs, "3s") for _ in range(3)])
    long = min([await timed(jobs, "3d") for _ in range(3)])
    assert long < 2
    assert long < 3 * short + 0.2


async def test_start(jobs: Jobs) -> None:
    """An environment is there at once, and on a server that is there already nothing is started."""
    took = []
    for _ in range(3):
        began = time.perf_counter()
        async with JobEnvironment():
            took.append(time.perf_counter() - began)
    assert min(took) < 3  # 0.3 on a quiet machine
    began = time.perf_counter()
    loop_thread = LoopThread(jobs.address)
    loop_thread.start()
    try:
        assert loop_thread.address == jobs.address
        assert time.perf_counter() - began < 3
    finally:
        loop_thread.stop()
