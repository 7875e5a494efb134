"""What somebody who has just come would stumble over."""

from __future__ import annotations

import time

import pytest

from terse_temporal.errors import CrashTestError, TestDoubleError
from terse_temporal.testing import Jobs

from .jobs_stumbles import ask, named


async def test_expected_arguments_are_validated_as_those_of_the_call(jobs: Jobs) -> None:
    """An argument that the tool's annotation makes something of is expected as it was written."""
    jobs.tools.docs.send.returns("good")
    jobs.model.replies("good")
    await jobs.run(ask)
    jobs.tools.docs.send.called_once_with(to="ada@example.com", text="how is it?")
    with pytest.raises(AssertionError, match="other arguments"):
        jobs.tools.docs.send.called_once_with(to="grace@example.com", text="how is it?")


async def test_what_stands_in_has_nothing_to_set(jobs: Jobs) -> None:
    """The habit of `unittest.mock` is an error, and not without effect."""
    with pytest.raises(TestDoubleError, match=r"return_value.*would change nothing"):
        jobs.tools.docs.send.return_value = "good"
    with pytest.raises(TestDoubleError, match=r"side_effect.*would change nothing"):
        jobs.steps.ask_until_good.side_effect = ValueError


async def test_a_step_that_is_tried_again_gets_the_next_answers(jobs: Jobs) -> None:
    """What a tool and a model answer within a step goes on when the step has failed and is retried."""
    jobs.tools.docs.send.in_turn("bad", "good", "good")
    jobs.model.replies("good", "bad", "good")
    assert await jobs.run(ask) == "good, good"
    assert len(jobs.model.prompts) == 3


async def test_a_step_that_was_lost_gets_the_same_answers(jobs: Jobs) -> None:
    """What a tool and a model had answered when the worker died they answer again, though it was given once."""
    jobs.tools.docs.send.in_turn("good")
    jobs.model.replies("good")
    jobs.crash_at("ask_until_good", "after_effect")
    assert await jobs.run(ask) == "good, good"
    assert len(jobs.model.prompts) == 2


async def test_a_run_that_sleeps_asks_nothing(jobs: Jobs) -> None:
    """Waiting for a question of a run that sleeps for days fails at once, and says what to do."""
    jobs.steps.ask_until_good.returns("good")
    run = await jobs.start(ask)
    await run.sleeping()
    began = time.monotonic()
    with pytest.raises(AssertionError, match=r"it sleeps, for another .* await jobs\.skip"):
        await run.waiting_for_input()
    assert time.monotonic() - began < 5


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


async def test_a_name_that_a_run_makes(jobs: Jobs) -> None:
    """A step whose name is made when the job runs can be replaced."""
    jobs.steps["parcel-7"].returns("replaced")
    assert await jobs.run(named, {"name": "parcel-7"}) == "replaced"


async def test_a_slip_in_such_a_name(jobs: Jobs) -> None:
    """A test double of no step of the test, and is nearly the name of one, fails it."""
    jobs.steps["parcle-7"].returns("replaced")
    assert await jobs.run(named, {"name": "parcel-7"}) == "real"
    with pytest.raises(AssertionError, match=r"no run of this test had a step 'parcle-7'; did you mean 'parcel-7'"):
        await jobs._loop_thread.run(jobs._verify())
    jobs.steps["parcle-7"].real()
