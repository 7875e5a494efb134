"""Time is skipped on the clocks of the test's runs, through sleeps and retries, as far as the test says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from terse_temporal.durations import parse_duration
from terse_temporal.errors import DurationError
from terse_temporal.testing import Jobs, Run

from . import jobs_kit as kit


def names(run: Run) -> list[str]:
    """The steps so far."""
    return [step.name for step in run.steps if step.state == "done"]


@pytest.mark.parametrize(
    ("duration", "done", "status"),
    [
        ("59m", [], "running"),
        ("1h", ["after 1h"], "running"),
        ("179m", ["after 1h"], "running"),
        ("3h", ["after 1h", "after 2h"], "running"),
        ("2d", ["after 1h", "after 2h", "after 1d"], "completed"),
    ],
)
async def test_as_far_as_it_says(jobs: Jobs, duration: str, done: list[str], status: str) -> None:
    """A skip goes over as many sleeps and steps as there are in it, and what they begin is done when it returns."""
    run = await jobs.start(kit.sleeps)
    await run.sleeping()
    before = run.now()
    # A sleep begins a moment after the step before it has ended.
    skipped = parse_duration(duration) + timedelta(seconds=20 if done else 0)
    await jobs.skip(skipped)
    assert names(run) == done
    assert run.status == status
    if status == "running":
        assert skipped <= run.now() - before < skipped + timedelta(minutes=1)


async def test_exactly_to_the_end(jobs: Jobs) -> None:
    """A sleep that ends exactly with the skip is over; one that is longer is not."""
    run = await jobs.start(kit.sleeps, {"durations": ["3d", "3d"]})
    await run.sleeping()
    await jobs.skip("3d")
    assert names(run) == ["after 3d"]
    await run.sleeping()
    await jobs.skip(timedelta(days=3, seconds=-20))  # the clock goes on by itself, too
    assert names(run) == ["after 3d"]
    await jobs.skip("20s")
    assert names(run) == ["after 3d", "after 3d"]


async def test_a_sleep_that_is_over_in_this_moment(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its run has something to do from then on: the server comes to a timer after its time, later if it is busy."""
    run = await jobs.start(kit.sleeps)
    await run.sleeping()
    (sleep,) = (await run._loop_thread.run(run._watched.snapshot())).sleeps
    for clock, has_something_to_do in ((sleep.until - timedelta(microseconds=1), False), (sleep.until, True)):
        monkeypatch.setattr("terse_temporal.testing.snapshot.clock_of", lambda _, clock=clock: clock)
        assert (await run._loop_thread.run(run._watched.snapshot())).has_pending_work is has_something_to_do


async def test_two_runs(jobs: Jobs) -> None:
    """All open runs skip, each on its own clock."""
    short = await jobs.start(kit.sleeps, {"durations": ["1h"]})
    long = await jobs.start(kit.sleeps, {"durations": ["5h"]})
    await short.sleeping()
    await long.sleeping()
    await jobs.skip("1h")
    assert (short.status, long.status) == ("completed", "running")
    assert await short.result() == ["1:00"]
    await jobs.skip("4h")
    assert await long.result() == ["5:00"]


async def test_before_the_sleep_begins(jobs: Jobs) -> None:
    """A skip right after the start is a skip from there: the sleep that begins in it is over as well."""
    run = await jobs.start(kit.sleeps, {"durations": ["1h"]})
    await jobs.skip("61m")
    assert names(run) == ["after 1h"]


async def test_nothing_is_open(jobs: Jobs) -> None:
    """A skip without a run that is open is an error of the test."""
    with pytest.raises(AssertionError, match="no run of this test is open"):
        await jobs.skip("1h")
    run = await jobs.start(kit.plain, {"number": 1})
    await run.result()
    with pytest.raises(AssertionError, match="no run of this test is open"):
        await jobs.skip_to(datetime.now(UTC) + timedelta(days=1))


async def test_to_a_moment(jobs: Jobs) -> None:
    """A moment may be said in any timezone."""
    until = (datetime.now(UTC) + timedelta(days=40)).replace(microsecond=0)
    run = await jobs.start(kit.sleeps_until, {"until": until.isoformat()})
    await run.sleeping()
    await jobs.skip_to(until - timedelta(minutes=1))
    assert run.status == "running"
    await jobs.skip_to(until.astimezone(timezone(timedelta(hours=5, minutes=30))))
    assert datetime.fromisoformat(await run.result()) - until < timedelta(minutes=1)


async def test_to_a_moment_that_is_none(jobs: Jobs) -> None:
    """A moment without a timezone, and one that is past, are refused."""
    run = await jobs.start(kit.sleeps)
    await run.sleeping()
    with pytest.raises(DurationError, match="timezone"):
        await jobs.skip_to(datetime(2040, 1, 1))
    with pytest.raises(DurationError, match="on the clock of the run"):
        await jobs.skip_to(datetime(2020, 1, 1, tzinfo=UTC))
    assert names(run) == []


@pytest.mark.parametrize("duration", ["abc", "0s", timedelta(), timedelta(hours=-1)])
async def test_no_duration(jobs: Jobs, duration: str | timedelta) -> None:
    """What a job could not sleep cannot be skipped."""
    await jobs.start(kit.sleeps)
    with pytest.raises(DurationError):
        await jobs.skip(duration)


async def test_retries(jobs: Jobs) -> None:
    """The waits between the attempts of a step are gone through one by one: here of 10, 20 and 40 minutes."""
    jobs.steps["try"].in_turn(OSError, OSError, OSError, 7)
    run = await jobs.start(kit.patient)
    await jobs.skip("35m")
    assert len(jobs.steps["try"].calls) == 3
    assert run.status == "running"
    await jobs.skip("1h")
    assert (run.status, await run.result()) == ("completed", 7)


async def test_a_long_time_is_short(jobs: Jobs) -> None:
    """Ten years are no longer than an hour."""
    assert await jobs.run(kit.sleeps, {"durations": ["10y"]}) == ["3652 days, 12:00"]
