"""Answers that were given once go on where a step is tried again, and are given again where it was lost."""

from __future__ import annotations

from terse_temporal.testing import Jobs

from .jobs_documents import ask


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
