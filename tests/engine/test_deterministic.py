"""Clock and randomness in a durable handler are the same on every replay, and fresh in every run."""

from __future__ import annotations

import random
import time
from datetime import datetime, timedelta

from ..bench import Bench
from .jobs_deterministic import COARSE, READS, in_a_step, pinned, seeded, types


async def test_the_same_on_every_replay_and_fresh_in_every_run(bench: Bench) -> None:
    """What a handler read before a step is what it reads when it is replayed after it; another run reads otherwise."""
    async with bench.worker(pinned):
        # One after the other: two that begin at the same moment rightly read the same time.
        one, other = [await bench.result(await bench.start(pinned)) for _ in range(2)]
    for result in (one, other):
        assert result["now"] == result["first"]
        assert result["later"] == result["second"]
        for name in READS:
            assert result["now"][name] != result["later"][name], name
        for name in COARSE:
            assert result["now"][name] == one["now"][name], name
    for name in READS:
        assert one["now"][name] != other["now"][name], name


async def test_the_clock_of_a_run_is_the_time(bench: Bench) -> None:
    """The deterministic clock shows the time, and advances with sleeps."""
    read = await bench.run(pinned)
    assert abs(read["now"]["time.time"] - time.time()) < 60
    assert abs(datetime.fromisoformat(read["now"]["datetime.now"]) - datetime.now()) < timedelta(minutes=1)
    assert 7200 <= read["later"]["time.time"] - read["now"]["time.time"] < 7300
    assert 7200 <= read["later"]["time.monotonic"] - read["now"]["time.monotonic"] < 7300


async def test_types_stay_what_they_are(bench: Bench) -> None:
    """`isinstance`, arithmetic, derived classes and models go on working with deterministic classes."""
    assert await bench.run(types) == [True] * 24


async def test_a_step_reads_the_clock_on_the_wall(bench: Bench) -> None:
    """In a step the clock and randomness are the real ones."""
    before = time.time()
    assert before <= await bench.run(in_a_step) <= time.time()


async def test_seeding(bench: Bench) -> None:
    """`random.seed(n)` gives the known sequence in a handler, and leaves the process, UUIDs and other runs alone."""
    random.seed(99)
    expected = random.random()
    random.seed(99)
    async with bench.worker(seeded):
        one, other = [await bench.result(await bench.start(seeded)) for _ in range(2)]
    assert random.random() == expected
    assert one[0] == other[0] == random.Random(7).random()
    assert not set(one[1:]) & set(other[1:])
