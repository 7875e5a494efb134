"""Crashes by the fixture `jobs`: what is waited for is skipped, and what keeps a job from being crashed is said."""

from __future__ import annotations

import pytest

from terse_temporal.errors import CrashTestError, TestDoubleError
from terse_temporal.testing import Jobs

from ...effects import Effects
from ..jobs_documents import approved, ask, send_courier_once
from ..jobs_events import waits_between_steps
from ..jobs_kit import counts
from .jobs_crashes import with_timeout


async def test_waits_for_attempts_are_skipped(jobs: Jobs) -> None:
    """A step that is tried again after minutes is crashed in seconds, before, in and after its attempts."""
    jobs.steps.call_courier.in_turn(ConnectionError("nobody there"), "called")
    report = await jobs.survives_crashes(send_courier_once)
    assert report.uncrashed.result == "called"
    assert len(report.boundaries) == 3
    assert max(boundary.seconds for boundary in report.boundaries) < 5 * 60  # the wait before the next attempt


async def test_a_job_with_a_timeout_and_children(jobs: Jobs, effects: Effects) -> None:
    """A timeout is no sleep; nor does a run sleep while it waits for a child run, but it may beside one that sleeps."""
    report = await jobs.survives_crashes(with_timeout, {"effects": str(effects)})
    assert [str(boundary) for boundary in report.boundaries] == ["asleep for 3 days"]
    assert not report.repeated
    assert [line.split()[:2] for line in effects.lines()] == [["unpack", "1"]] * 2


async def test_a_question_that_nobody_answers(jobs: Jobs) -> None:
    """A job that asks a person is not crashed without an answer, and the message says how to give one."""
    jobs.model.asks_for("docs.send", to="ada@example.com")
    jobs.model.replies("sent")
    with pytest.raises(AssertionError, match=r"waits for somebody to approve docs\.send\(.*jobs\.inputs\.approves"):
        await jobs.survives_crashes(approved)


async def test_too_few_answers(jobs: Jobs) -> None:
    """What the test has no answer for ends it at once."""
    jobs.steps.call_courier.in_turn()
    with pytest.raises(TestDoubleError, match="more often than the test has answers for"):
        await jobs.survives_crashes(send_courier_once)
    jobs._doubles.troubles.clear()


async def test_a_call_of_the_state(jobs: Jobs) -> None:
    """A worker can be killed at a call of the state too, which no job's source has as a step."""
    jobs.crash_at("state.update", "after_effect")
    run = await jobs.start(counts)
    await run.result()
    assert [step.attempt for step in run.steps if step.name == "state.update"][:1] == [2]


async def test_a_crash_that_comes_too_late_is_said(jobs: Jobs) -> None:
    """A crash is refused once the workers of the test are started, which could not be killed any more."""
    jobs.steps.ask_until_good.returns("good")
    await jobs.run(ask)
    with pytest.raises(CrashTestError, match="too late"):
        jobs.crash_at("ask_until_good", "before")


async def test_a_crash_that_does_not_come_is_said(jobs: Jobs) -> None:
    """A test fails when none of its runs came to the crash."""
    jobs.crash_at("ask_until_good", "before", occurrence=2)
    jobs.steps.ask_until_good.returns("good")
    await jobs.run(ask)
    with pytest.raises(AssertionError, match="no run of this test came"):
        await jobs._loop_thread.run(jobs._verify())
    jobs._workers.crash_points.clear()


async def test_an_event_between_two_crashes(jobs: Jobs) -> None:
    """A run whose worker is killed before it waits, and after that, gets the event once."""
    jobs.crash_at("before", "after_record")
    jobs.crash_at("after", "after_effect")
    run = await jobs.start(waits_between_steps)
    assert await run.waiting_for_event() == "paid"
    await jobs.send_event("paid", 5, key="k")
    assert await run.result() == ["before", 5]
    assert [(step.name, step.attempt) for step in run.steps] == [("before", 1), ("after", 2)]
