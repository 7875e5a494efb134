"""Time that a test skips passes for the runs that a run has started, and a sleep of days among them takes no time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from terse_temporal.errors import JobTestError
from terse_temporal.testing import Jobs

from . import jobs_calling as calling

#: A sleep begins a moment after what comes before it, longer on a busy machine.
MOMENT = timedelta(seconds=20)


async def test_to_the_end(jobs: Jobs) -> None:
    """`result` waits for no sleep, of a run that was there before or that is started meanwhile."""
    run = await jobs.start(calling.follow_up, {"after": "2d"})
    assert (await run.result())[1] == "followed up"
    (child,) = run.children
    assert (child.status, [step.state for step in child.steps]) == ("completed", ["done"])
    assert "2 days" in child.timeline()
    assert child.id in run.timeline()


async def test_step_by_step(jobs: Jobs) -> None:
    """The run that is waited for comes to the end of its sleep, and only then does the sleep behind it begin."""
    run = await jobs.start(calling.follow_up, {"after": "2d"})
    await jobs.skip("1d")
    (child,) = run.children
    assert (await child.sleeping()).until - child.now() < (await child.sleeping()).duration
    assert (run.status, child.status) == ("running", "running")
    await jobs.skip("36h")  # a day of its sleep, and half of that behind it
    assert child.status == "completed"
    assert run.status == "running"
    await run.sleeping()
    await jobs.skip(timedelta(hours=12) + MOMENT)
    assert run.status == "completed"


async def test_side_by_side(jobs: Jobs) -> None:
    """Of several runs those end whose time has come."""
    run = await jobs.start(calling.fan_out, {"after": ["3d", "1d", "2d"]})
    await jobs.skip(timedelta(days=2) + MOMENT)
    assert [child.status for child in run.children] == ["running", "completed", "completed"]
    await jobs.skip("1d")
    assert await run.result() == [f"reminded after {after}" for after in ("3d", "1d", "2d")]


async def test_beside_one_that_goes_on(jobs: Jobs) -> None:
    """The server skips no sleep while a run that was started is open, and the kit says so, and what to do."""
    run = await jobs.start(calling.starts)
    await run.sleeping()
    with pytest.raises(
        JobTestError, match=r"the server skips none while a run that it has started is open, and kit-remind"
    ):
        await jobs.skip("1d")
    await run.children[0].cancel()
    await jobs.skip("1d")
    assert run.status == "completed"


async def test_one_that_outlives_the_run(jobs: Jobs) -> None:
    """A run that has ended still shows how those stand that it has started."""
    run = await jobs.start(calling.leaves)
    await run.result()
    (child,) = run.children
    await child.result()
    assert child.id in run.timeline()
    assert "running" not in run.timeline()


async def test_crashes(jobs: Jobs) -> None:
    """`survives_crashes` does not wait for the sleeps of child runs, and jobs have their test doubles there."""
    jobs.jobs[calling.fan_out].returns(["from the test"])
    report = await jobs.survives_crashes(calling.then_sleeps)
    assert report.passed
    assert "asleep for 1 day" in str(report)
    assert "reminded after 2d, ['from the test']" in str(report)
