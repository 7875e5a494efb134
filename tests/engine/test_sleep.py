"""A sleep is a durable timer: as long as it says, over at once on a skipped clock, refused when it makes no sense."""

from __future__ import annotations

import pytest

from ..bench import Bench, cache_on, scheduled, timers
from .jobs_time import refused, sleep_and_go_on, sleeps

DAY = 86_400.0


@pytest.mark.parametrize(
    ("case", "seconds"),
    [("text", 3 * DAY), ("timedelta", 3 * DAY), ("until", 3 * DAY), ("long", 14 * DAY), ("short", 0.15)],
)
async def test_a_sleep_is_a_timer(bench: Bench, case: str, seconds: float) -> None:
    """A string, a timedelta and an aware datetime are slept; `now()` has advanced by that much, and is in UTC."""
    async with bench.worker(sleeps):
        run = await bench.start(sleeps, case=case)
        slept, utc, monotonic = await bench.result(run)
    assert seconds <= slept < seconds + 10
    assert utc
    assert monotonic
    assert await timers(run) == [pytest.approx(seconds, abs=0.001)]


@cache_on
@pytest.mark.parametrize(
    ("case", "names"),
    [
        ("unparsable", "'abc' is not a duration"),
        ("compound", "'1h30m' is not a duration"),
        ("empty", "'' is not a duration"),
        ("zero", "'0s' is not longer than zero"),
        ("negative", "'-1h' is not longer than zero"),
        ("int", "5 is not a duration: a bare number has no unit"),
        ("float", "1.5 is not a duration"),
        ("naive", "datetime.datetime(2100, 1, 1, 0, 0): it has no timezone"),
        ("past", "cannot sleep until 2020-01-01T00:00:00+00:00: it is not after"),
        ("now", "it is not after"),
        ("nothing", "None is not a duration"),
    ],
)
async def test_what_cannot_be_slept(bench: Bench, case: str, names: str) -> None:
    """A sleep that makes no sense is a DurationError when it is called, that shows the value; no timer is started."""
    async with bench.worker(refused):
        run = await bench.start(refused, case=case)
        failure = await bench.failure(run)
    assert failure.type == "DurationError"
    assert names in failure.message
    assert '"30s", "5m", "1.5h", "3d"' in failure.message
    assert await timers(run) == []


async def test_a_run_of_three_days_ends_in_seconds(bench: Bench) -> None:
    """On a clock that is skipped, a job that sleeps three days ends within the test's patience, its steps run once."""
    async with bench.worker(sleep_and_go_on):
        run = await bench.start(sleep_and_go_on)
        assert await bench.result(run) == 1
    assert bench.effects.lines() == ["before", "after"]
    assert await scheduled(run) == ["leave", "leave"]
