"""A key that is not declared, and a value that does not fit, are errors before anything is scheduled."""

from __future__ import annotations

import pytest

from ..bench import Bench, cache_on
from .jobs_state import unknown_in_place, wrong, wrong_any

CASES = {
    "get": ("UnknownStateKeyError", ["state.get('cuont')", "'wrong-state'", "did you mean 'count'?"]),
    "set": ("UnknownStateKeyError", ["state.set('Count')", "'wrong-state'", "did you mean 'count'?"]),
    "update": ("UnknownStateKeyError", ["'nothing like it'", "'count', 'limited'", "states="]),
    "delete": ("UnknownStateKeyError", ["state.delete('')", "a string that is not empty"]),
    "no text": ("UnknownStateKeyError", ["state.get(5)", "a string that is not empty"]),
    "type": ("StateValueError", ["state.set('count')", "'wrong-state'", "int", "'many'"]),
    "constraint": ("StateValueError", ["state.set('limited')", "less than or equal to 10", "11"]),
    "nested": ("StateValueError", ["state.set('orders')", "0.due", "'soon'"]),
    "not a function": ("StepInputError", ["state.update('count')", "not 5"]),
    "arguments": ("StepInputError", ["state.update('count')", "called with the value", "'amount'"]),
    "argument type": ("StepInputError", ["state.update('count')", "argument 1 after the function", "'many'"]),
    "closure": ("StepIsolationError", ["state.update('count')", "'outer'", "as a further argument"]),
}


@cache_on
@pytest.mark.parametrize("case", CASES)
async def test_a_wrong_call(bench: Bench, case: str) -> None:
    """The error names the call, the key and the job, and what to do; nothing is scheduled."""
    kind, names = CASES[case]
    failure = await bench.refuse(wrong, case=case)
    assert failure.type == kind
    for name in names:
        assert name in failure.message


async def test_what_is_not_json(bench: Bench) -> None:
    """Without `states=`, what is not JSON is refused."""
    failure = await bench.refuse(wrong_any)
    assert failure.type == "StateValueError"
    assert "'key'" in failure.message
    assert "which JSON cannot hold" in failure.message


async def test_in_place(bench: Bench) -> None:
    """In a job that is not durable the errors are the same."""
    said = await bench.run(unknown_in_place)
    assert "did you mean 'count'?" in said
    assert "state.set('count') in the job 'unknown-key-in-place': the value: it does not fit int" in said
