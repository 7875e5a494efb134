"""A function of a test that does wrong fails the test, whatever the job makes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import pytest_asyncio

from terse_temporal.testing import Jobs

from .jobs_documents import Parcel, ask, weigh


async def fails(jobs: Jobs, match: str) -> None:
    """The job makes good what goes wrong, and the test fails all the same."""
    with suppress(AssertionError):  # said at once, if the run has not ended before
        await jobs.run(weigh)
    with pytest.raises(AssertionError, match=match):
        await jobs._loop_thread.run(jobs._verify())
    jobs._doubles.troubles.clear()  # or this test would fail too


@pytest.mark.parametrize(
    ("function", "match"),
    [
        (lambda parcel: "heavy", r"the test double of '_weigh' has returned 'heavy', which it cannot"),
        (lambda: 3, r"'<lambda>' cannot be the test double of '_weigh', which was called as _weigh\(Parcel"),
    ],
)
async def test_a_function_that_is_unlike_the_real_one(jobs: Jobs, function: Callable[..., Any], match: str) -> None:
    """What a function returns is checked as a value is, and what it takes when it is called."""
    jobs.steps["_weigh"].does(function)
    await fails(jobs, match)


async def test_an_assert_in_a_function(jobs: Jobs) -> None:
    """An `assert` in the test double of a step fails the test; an AssertionError of the job's does not."""

    def weighed(parcel: Parcel) -> int:
        assert parcel.to == "Grace", "it goes to somebody else"
        return 1

    jobs.steps["_weigh"].does(weighed)
    await fails(jobs, "it goes to somebody else")
    jobs.steps["_weigh"].raises(AssertionError("too heavy"))
    assert await jobs.run(weigh) == 0


async def test_a_step_with_an_underscore(jobs: Jobs) -> None:
    """It is there as an attribute like all others."""
    jobs.steps._weigh.returns(7)
    assert await jobs.run(weigh) == 7


async def test_a_field_that_the_model_lacks(jobs: Jobs) -> None:
    """A field that is misspelt in what is expected is not taken for one that is left out."""
    await jobs.run(weigh)
    jobs.steps._weigh.called_once_with({"to": "Ada"})
    jobs.steps._weigh.called_once_with({"to": "Ada", "weight": 1})
    with pytest.raises(AssertionError, match="other arguments"):
        jobs.steps._weigh.called_once_with({"to": "Ada", "wieght": 1})


@pytest_asyncio.fixture(loop_scope="module")
async def said(jobs: Jobs) -> list[str]:
    """What was asked, by a function of a fixture that has another loop than its test."""
    questions: list[str] = []

    async def answers(question: str) -> str:
        await asyncio.sleep(0)
        questions.append(question)
        return "good"

    jobs.steps.ask_until_good.does(answers)
    return questions


@pytest.mark.asyncio(loop_scope="function")
async def test_a_function_of_a_fixture_on_another_loop(jobs: Jobs, said: list[str]) -> None:
    """It is called, though the loop that it was given on stands still."""
    assert await jobs.run(ask) == "good"
    assert said == ["how is it?"]
