"""A value that does not fit, is not JSON or is too large is an error that names the step and the place of the value."""

from __future__ import annotations

import pytest

from terse_temporal import Job

from ..bench import Bench, cache_on, scheduled
from .jobs_values import (
    INPUTS,
    OUTPUTS,
    RESULTS,
    call_instead_of_function,
    large,
    plain_job_of_a_large_event,
    wrong_inputs,
    wrong_output_caught,
    wrong_outputs,
    wrong_results,
    wrong_results_of_a_plain_job,
)

INPUT_NAMES = {
    "wrong field": ["its input", "Item", "price", "'cheap'"],
    "every wrong field": ["Basket", "items.0.name: Field required", "items.1.name", "(it is 2)"],
    "no schema": ["$.who.them[1]", "'Opaque'"],
    "NaN": ["$.ratio", "not a finite number"],
    "infinity in a model": ["$.price", "not a finite number"],
    "not JSON in a model": ["$.extra", "'Opaque'"],
    "too large": ["2,097,", "2,093,056 at most", "Pass a reference"],
    "too large once escaped": ["2,516,", "2,093,056 at most"],
    "an argument too many": ["'nothing'", "its one argument, the input", "too many positional arguments"],
    "an argument too few": ["no argument, as there is no input", "missing a required argument: 'item'"],
    "two arguments": ["'two'", "missing a required argument: 'b'"],
    "not a function": ["run='count'", "give a function"],
    "a schema that is none": ["Opaque"],
    "a literal of an enum": ["could not be read back from 'red'", "Color.RED"],
}


@cache_on
@pytest.mark.parametrize("case", INPUTS)
async def test_wrong_inputs(bench: Bench, case: str) -> None:
    """A StepInputError names the step, where it stands and what is wrong with its input; nothing is scheduled."""
    failure = await bench.refuse(wrong_inputs, case=case)
    assert failure.type == "StepInputError"
    for name in INPUT_NAMES[case]:
        assert name in failure.message
    if case != "not a function":
        assert "tests/engine/jobs_values.py:" in failure.message
        assert (
            "step 'count'" in failure.message or "step 'nothing'" in failure.message or "step 'two'" in failure.message
        )


@cache_on
async def test_a_call_instead_of_a_function(bench: Bench) -> None:
    """The StepInputError says how the call is written; of the coroutine, which nobody awaits, Python does not warn."""
    failure = await bench.refuse(call_instead_of_function, name="Ada")
    assert failure.type == "StepInputError"
    assert "job_step(run=greet(…)): that is a call" in failure.message
    assert "job_step(run=greet, input=…)" in failure.message


OUTPUT_NAMES = {
    "not JSON": ["$.found[1].it", "'Opaque'"],
    "not JSON itself": ["$ is a 'Opaque'"],
    "deep": ["$.next[0].next[0].next[0].next[0].next[0]", "'Opaque'"],
    "endless": ["$[0]"],
    "not JSON in a dataclass": ["$.items[0].extra", "'Opaque'"],
    "bytes": ["$.raw", "'bytes'"],
    "NaN": ["$.ratios[1]", "not a finite number"],
    "infinity": ["$ is not a finite number"],
    "NaN of a schema": ["$.price", "not a finite number"],
    "does not fit": ["Basket", "items.0.price: Field required", "items.1.name"],
    "does not fit the annotation": ["does not fit int", "'x'"],
    "a naive type": ["does not fit datetime", "'yesterday'"],
    "a generator": ["async_generator"],
    "a literal of an enum": ["could not be read back from 'red'", "Color.RED"],
    "a literal of bytes": ["could not be read back from 'x'"],
    "nested": ["$[0][0]", "nested more than 255 levels deep"],
    "too large": ["2,097,154 bytes", "2,093,056 at most", "return where it is"],
    "too large once escaped": ["2,516,", "2,093,056 at most"],
}


@cache_on
@pytest.mark.parametrize("case", OUTPUTS)
async def test_wrong_outputs(bench: Bench, case: str) -> None:
    """A StepOutputError names the step, where it stands, and the path of the value or its size; the run fails."""
    failure = await bench.fail(wrong_outputs, case=case)
    assert failure.type == "StepOutputError"
    assert f"step {case!r} (tests/engine/jobs_values.py:" in failure.message
    for name in OUTPUT_NAMES[case]:
        assert name in failure.message


async def test_a_wrong_output_can_be_caught(bench: Bench) -> None:
    """A StepOutputError is a StepError of its step; caught, the job goes on, and the step is not run again."""
    assert await bench.run(wrong_output_caught) == "StepOutputError of 'twice', 1"
    assert bench.effects.lines() == ["made"]


RESULT_NAMES = {
    "too large": ["2,097,154 bytes", "2,093,056 at most", "Store it"],
    "too large once escaped": ["2,516,", "2,093,056 at most"],
    "not JSON": ["$.found[0]", "'Opaque'"],
    "NaN": ["$[0]", "not a finite number"],
}


@cache_on
@pytest.mark.parametrize("job", [wrong_results, wrong_results_of_a_plain_job], ids=["durable", "plain"])
@pytest.mark.parametrize("case", RESULTS)
async def test_wrong_results_of_handlers(bench: Bench, job: Job, case: str) -> None:
    """A result of a handler that cannot be recorded is a ResultError that names the job, its place and the trouble."""
    failure = await bench.fail(job, case=case)
    assert failure.type == "ResultError"
    assert f"the job {job.name!r} (tests/engine/jobs_values.py:" in failure.message
    for name in RESULT_NAMES[case]:
        assert name in failure.message


async def test_just_under_the_limit(bench: Bench) -> None:
    """Values up to the server's limit pass."""
    assert await bench.run(large) == 2 * 1024 * 1024 - 20_000 + 1


async def test_an_event_just_under_the_limit(bench: Bench) -> None:
    """A job that is not durable takes every event that the server takes, or says that it is too large."""
    async with bench.worker(plain_job_of_a_large_event):
        near = 2 * 1024 * 1024 - 20_000
        assert await bench.result(await bench.start(plain_job_of_a_large_event, text="x" * near)) == near
        beyond = await bench.start(plain_job_of_a_large_event, text="x" * (2 * 1024 * 1024 - 150))
        failure = await bench.failure(beyond)
    assert failure.type == "EventError"
    assert "2,09" in failure.message
    assert await scheduled(beyond) == []
