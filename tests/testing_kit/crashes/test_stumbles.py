"""What somebody would stumble over who has a job crashed."""

from __future__ import annotations

import time

import pytest

from terse_temporal.errors import TestDoubleError
from terse_temporal.testing import Jobs

from ..jobs_kit import counts
from ..jobs_stumbles import approved, send_courier


async def test_waits_for_attempts_are_skipped(jobs: Jobs) -> None:
    """A step that is tried again after minutes is crashed in seconds, before, in and after its attempts."""
    jobs.steps.call_courier.in_turn(ConnectionError("nobody there"), "called")
    report = await jobs.survives_crashes(send_courier)
    assert report.uncrashed.result == "called"
    assert len(report.boundaries) == 4
    assert max(boundary.seconds for boundary in report.boundaries) < 60


async def test_a_question_that_nobody_answers(jobs: Jobs) -> None:
    """A job that asks a person is not crashed without an answer, and the message says how to give one."""
    jobs.model.asks_for("docs.send", to="ada@example.com")
    jobs.model.replies("sent")
    began = time.monotonic()
    with pytest.raises(AssertionError, match=r"waits for somebody to approve docs\.send\(.*jobs\.inputs\.approves"):
        await jobs.survives_crashes(approved)
    assert time.monotonic() - began < 50  # at a limit of 60 s it would be given up


async def test_too_few_answers(jobs: Jobs) -> None:
    """What the test has no answer for ends it at once."""
    jobs.steps.call_courier.in_turn()
    with pytest.raises(TestDoubleError, match="more often than the test has answers for"):
        await jobs.survives_crashes(send_courier)
    jobs._doubles.troubles.clear()


async def test_a_call_of_the_state(jobs: Jobs) -> None:
    """A worker can be killed at a call of the state too, which no job's source has as a step."""
    jobs.crash_at("state.update", "after_effect")
    run = await jobs.start(counts)
    await run.result()
    assert [step.attempt for step in run.steps if step.name == "state.update"][:1] == [2]
