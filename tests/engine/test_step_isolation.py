"""A step that needs something of the handler around it is refused, before anything is scheduled."""

from __future__ import annotations

import re

import pytest

from terse_temporal import Job

from .bench import Bench
from .jobs_isolation import REFUSED, function_of_a_library


@pytest.mark.parametrize(("job", "step", "names"), REFUSED, ids=[job.name for job, _, _ in REFUSED])
async def test_what_is_not_isolated_is_refused(bench: Bench, job: Job, step: str, names: list[str]) -> None:
    """A StepIsolationError names the step, the variables and the remedy, and fails the run with nothing scheduled."""
    failure = await bench.refuse(job)
    assert failure.type == "StepIsolationError"
    assert repr(step) in failure.message
    for name in names:
        assert name in failure.message
    # Where it stands: of the function where it has a place, else of the call.
    assert re.search(r"tests/engine/jobs_isolation\.py:\d+", failure.message), failure.message


async def test_a_function_of_a_library_is_refused(bench: Bench) -> None:
    """A function that no job module defines or has bound by name could not be found again, and the message says so."""
    failure = await bench.refuse(function_of_a_library)
    assert failure.type == "UnknownFunctionError"
    for name in ("'update_wrapper'", "'functools:update_wrapper'", "in no job module", "Define the function"):
        assert name in failure.message
