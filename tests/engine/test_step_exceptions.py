"""An exception of a step reaches the handler as its own class and as a StepError, is not retried, and can be caught."""

from __future__ import annotations

from typing import Any

import pytest

from ..bench import Bench, cache_on, scheduled
from .jobs_exceptions import STEPS, catching, catching_by_class, going_on, large_exception, uncaught

#: For each case: the class, its text, and the attributes that it still has.
SEEN: dict[str, tuple[str, str, dict[str, Any]]] = {
    "builtin": ("ValueError", "('wrong value', 7)", {}),
    "key": ("KeyError", "'missing'", {}),
    "os error": ("OSError", "[Errno 28] No space left on device", {"errno": 28, "strerror": "No space left on device"}),
    "file not found": (
        "FileNotFoundError",
        "[Errno 2] No such file or directory: '/nowhere/at all'",
        {"errno": 2, "strerror": "No such file or directory"},
    ),
    "connection": (
        "ConnectionRefusedError",
        "[Errno 111] Connection refused",
        {"errno": 111, "strerror": "Connection refused"},
    ),
    "of the job's module": ("PaymentDeclined", "declined: funds", {"code": "funds", "amount": 5}),
    "a subclass": ("CardExpired", "declined: expired", {"code": "expired", "amount": 6}),
    "nested": ("NestedError", "nested", {}),
    "read-only attributes": ("FixedMessage", "said", {}),
    "unwilling": ("Unwilling", "unwilling", {}),
    "application error": ("ApplicationError", "ByHand: by hand", {}),
    "own text": ("OwnText", "own text of it", {}),
    "json": (
        "JSONDecodeError",
        "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        {"lineno": 1},
    ),
    "unicode": ("UnicodeDecodeError", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte", {}),
    "without text": ("RuntimeError", "RuntimeError", {}),
    "with a cause": ("RuntimeError", "the effect", {}),
    "timeout": ("TimeoutError", "took long", {}),
    "stop iteration": ("RuntimeError", "the function raised StopIteration('over')", {}),
    "a step error": ("StepError", "my own", {}),
    "arguments that are not JSON": ("ValueError", "(<class 'object'>, 'second')", {}),
}

#: Those whose class is not to be had in the handler, and how they are called.
AS_STEP_ERROR = {
    "unknown class": ("Local", "of a function"),
    "group": ("ExceptionGroup", "several: ValueError: one; KeyError: 'two'"),
    "system exit": ("SystemExit", "3"),
    "keyboard interrupt": ("KeyboardInterrupt", "KeyboardInterrupt"),
}


@pytest.mark.parametrize("case", SEEN)
async def test_own_class_and_step_error(bench: Bench, case: str) -> None:
    """An exception of a builtin or importable class is of that class and a StepError, its text and attributes kept."""
    cls, text, attributes = SEEN[case]
    seen = await bench.run(catching, case=case)
    assert seen["class"] == seen["error_type"] == cls
    assert {cls, "StepError", "TerseError"} <= set(seen["bases"])
    assert seen["text"] == text
    # A `message` of its own is kept.
    assert seen["message"] == ("fixed" if case == "read-only attributes" else text)
    assert seen["step"] == case
    assert seen["attributes"] == attributes


@cache_on
@pytest.mark.parametrize("case", AS_STEP_ERROR)
async def test_a_class_that_is_not_to_be_had(bench: Bench, case: str) -> None:
    """An exception whose class cannot be rebuilt in the handler is a StepError that tells its name."""
    error_type, text = AS_STEP_ERROR[case]
    seen = await bench.run(catching, case=case)
    assert (seen["class"], seen["error_type"]) == ("StepError", error_type)
    assert seen["text"] == seen["message"] == text
    assert seen["step"] == case


async def test_a_failed_validation_in_a_step(bench: Bench) -> None:
    """A pydantic ValidationError of a step keeps its name and its text, and is the ValidationError that it was."""
    seen = await bench.run(catching, case="validation")
    assert seen["class"] == seen["error_type"] == "ValidationError"
    assert {"ValidationError", "ValueError", "StepError"} <= set(seen["bases"])
    assert "price\n  Input should be a valid number" in seen["message"]


@cache_on
@pytest.mark.parametrize("case", STEPS)
async def test_uncaught_it_fails_the_run(bench: Bench, case: str) -> None:
    """Uncaught, it fails the run with the name of its class and its text, and is tried once."""
    async with bench.worker(uncaught):
        run = await bench.start(uncaught, case=case)
        failure = await bench.failure(run)
    if case in SEEN:
        assert (failure.type, failure.message) == SEEN[case][:2]
    else:
        assert failure.type == ("ValidationError" if case == "validation" else "StepError")
        assert AS_STEP_ERROR.get(case, ("", "price"))[1] in failure.message
    assert await scheduled(run) == [case]


async def test_it_is_caught_by_its_own_class(bench: Bench) -> None:
    """`except` finds it by its class and by those above: of the job's module, of another module, builtin."""
    *caught, missing = await bench.run(catching_by_class)
    assert caught == ["expired 6", "nested", "not here", "True", "True", "[('price',)] True"]
    assert "what the step 'declines' raised is made anew from the history, without 'handle'" in missing
    assert bench.effects.lines() == ["declined"]


async def test_caught_the_job_goes_on(bench: Bench) -> None:
    """Caught, the job goes on, and the failed step is not run again on replay."""
    assert await bench.run(going_on) == 5
    assert bench.effects.lines() == ["failed", "succeeded", "succeeded"]


async def test_an_exception_too_large_for_the_server(bench: Bench) -> None:
    """An exception with more text or attributes than the server takes is cut short, and nothing hangs."""
    assert await bench.run(large_exception) == "ValueError True fail xxx"
