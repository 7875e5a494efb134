"""What needs a durable handler is refused everywhere else, when it is called, saying where it is allowed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from terse_temporal import current_step, job_step, sleep
from terse_temporal.errors import DurableOnlyError, NotInStepError

from ..bench import Bench, cache_on
from .jobs_small import (
    CALLS,
    calls_in_a_plain_def,
    calls_in_a_plain_job,
    calls_in_a_step,
    current_step_in_a_handler,
)

CALLED = pytest.mark.parametrize("call", CALLS)


@cache_on
@CALLED
@pytest.mark.parametrize("kind", ["async", "def"])
async def test_in_a_step(bench: Bench, call: str, kind: str) -> None:
    """In a step the error names the call, the step and the job, and says to call it in the handler."""
    error, message = await bench.run(calls_in_a_step, call=call, kind=kind)
    assert error == "DurableOnlyError"
    for name in (f"{call}()", "'outer'", "'calls-in-a-step'", "in the handler of a durable job"):
        assert name in message


@cache_on
@CALLED
@pytest.mark.parametrize("job", [calls_in_a_plain_job, calls_in_a_plain_def], ids=["async", "def"])
async def test_in_a_job_that_is_not_durable(bench: Bench, job: object, call: str) -> None:
    """In a job that is not durable the error names the call, the job and where it is, and says to add durable=True."""
    plain = calls_in_a_plain_job if job is calls_in_a_plain_job else calls_in_a_plain_def
    error, message = await bench.run(plain, call=call)
    assert error == "DurableOnlyError"
    for name in (f"{call}()", f"'{plain.name}'", "tests/engine/jobs_small.py:", "durable=True"):
        assert name in message


def test_outside_a_run() -> None:
    """Outside a run the error says where the call is allowed."""
    calls: dict[str, Callable[[], Any]] = {
        "job_step()": lambda: job_step(run=print),
        "sleep()": lambda: sleep("1s"),
    }
    for name, call in calls.items():
        with pytest.raises(DurableOnlyError) as caught:
            call()
        assert f"{name} was called outside a run" in str(caught.value)
        assert "create_job(..., durable=True)" in str(caught.value)


@cache_on
async def test_current_step(bench: Bench) -> None:
    """`current_step()` is for steps alone, and says so in a handler and outside a run."""
    with pytest.raises(NotInStepError, match="outside a run"):
        current_step()
    failure = await bench.refuse(current_step_in_a_handler)
    assert failure.type == "NotInStepError"
    assert "current_step() was called in a handler" in failure.message
