"""Whoever was refused comes back later each time, at a moment of its own, and gives up when its time is over."""

import asyncio
import random

import pytest

from terse_temporal.execution.backoff import Backoff


async def test_pauses_grow_up_to_the_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pause may be twice as long as the one before, and none is longer than the longest."""
    most: list[float] = []

    def uniform(least: float, longest: float) -> float:
        most.append(longest)
        return least

    monkeypatch.setattr(random, "uniform", uniform)
    pauses = Backoff(first=0.01, longest=0.05)
    assert [await pauses.wait() for _ in range(5)] == [True] * 5
    assert most == [0.01, 0.02, 0.04, 0.05, 0.05]


async def test_no_attempt_begins_after_the_time_is_over() -> None:
    """Where the pause may be longer than what is left, nothing is waited for, and no other attempt is made."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert not await Backoff(first=30, until=began + 20).wait()
    assert loop.time() - began < 10
    assert await Backoff(first=0.001, until=began + 60).wait()
