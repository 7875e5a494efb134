"""A step that needs something of the handler around it is refused, before anything is scheduled."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from terse_temporal import Job
from terse_temporal.checking import check

from ..bench import Bench, cache_on
from .jobs_isolation import REFUSED, function_of_a_library

ROOT = Path(__file__).parents[2]

#: What `check` cannot find: it is not in the source, or not in that of one file.
UNSEEN_BY_CHECK = {
    "builtin-method",
    "function-of-a-factory",
    "function-of-a-library",
    "inline-annotated",
    "job-as-step",
}


@cache_on
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


@cache_on
async def test_a_function_of_a_library_is_refused(bench: Bench) -> None:
    """A function that no job module defines or has bound by name could not be found again, and the message says so."""
    failure = await bench.refuse(function_of_a_library)
    assert failure.type == "UnknownFunctionError"
    for name in ("'update_wrapper'", "'functools:update_wrapper'", "in no job module", "Define the function"):
        assert name in failure.message


def test_check_finds_it_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every job whose step the engine refuses has a finding, but for those of which the source tells nothing."""
    monkeypatch.chdir(ROOT)
    report = check(["tests/engine/jobs_isolation.py"])
    lines = sorted(each.line for each in report.findings)
    starts = sorted(job.line for job, _, _ in REFUSED)
    ends = [*starts[1:], 10**6]
    found = {
        job.name for job, _, _ in REFUSED if any(job.line <= line < ends[starts.index(job.line)] for line in lines)
    }
    assert found == {job.name for job, _, _ in REFUSED} - UNSEEN_BY_CHECK
    assert {each.code for each in report.findings} == {"TERSE101", "TERSE102", "TERSE103", "TERSE104", "TERSE107"}
