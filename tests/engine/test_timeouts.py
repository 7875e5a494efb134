"""A step that takes longer than its `timeout` fails with a StepTimeoutError that names it and its limit."""

from __future__ import annotations

import asyncio

import pytest

from terse_temporal import step
from terse_temporal.errors import StepTimeoutError
from terse_temporal.execution.invocation import TimeLimit

from ..bench import Bench
from .jobs_retries import slow, timeout_uncaught, timeouts


@pytest.mark.parametrize(("case", "name"), [("async", "slow"), ("def", "slow_thread")])
async def test_a_timeout(bench: Bench, case: str, name: str) -> None:
    """It is also a TimeoutError; a coroutine is stopped, and of a thread it is said that it goes on."""
    is_timeout, step, error_type, text = await bench.run(timeouts, case=case)
    assert is_timeout
    assert (step, error_type) == (name, "StepTimeoutError")
    assert f"step '{name}' (tests/engine/jobs_retries.py:" in text
    assert "longer than its timeout of 200 milliseconds" in text
    assert 'timeout="1h"' in text
    assert ("its thread goes on" in text) == (case == "def")
    assert len(bench.effects.lines()) == 1


async def test_of_a_coroutine_with_step_no_thread_goes_on() -> None:
    """`@step` makes a plain function of an `async def`, and it is stopped all the same."""
    with pytest.raises(StepTimeoutError) as caught:
        async with TimeLimit(0.01, "slow", step(slow)):
            await asyncio.sleep(20)
    assert "thread" not in str(caught.value)


@pytest.mark.parametrize("case", ["async", "def"])
async def test_a_timeout_may_be_retried(bench: Bench, case: str) -> None:
    """A timeout is for one attempt, and `retry=` tries again after it."""
    assert (await bench.run(timeouts, case=case, retry=True))[2] == "StepTimeoutError"
    assert [line.split()[0] for line in bench.effects.lines()] == ["1", "2"]


async def test_uncaught_it_fails_the_run(bench: Bench) -> None:
    """Uncaught, it fails the run."""
    failure = await bench.fail(timeout_uncaught)
    assert failure.type == "StepTimeoutError"
    assert "'slow'" in failure.message
    assert "100 milliseconds" in failure.message
