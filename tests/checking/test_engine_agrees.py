"""What the engine refuses when it is run is found before."""

from __future__ import annotations

from pathlib import Path

import pytest

from terse_temporal.checking import check
from terse_temporal.testing import JobEnvironment

from ..engine.jobs_isolation import REFUSED
from . import elsewhere
from .jobs_elsewhere import asks_elsewhere

ROOT = Path(__file__).parents[2]

#: What is not in the source, or not in that of one file.
UNSEEN = {
    "builtin-method",
    "function-of-a-factory",
    "function-of-a-library",
    "inline-annotated",
}


def test_isolation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every job whose step the engine refuses has a finding, but for those of which the source tells nothing."""
    monkeypatch.chdir(ROOT)
    report = check(["tests/engine/jobs_isolation.py"])
    lines = sorted(each.line for each in report.findings)
    starts = sorted(job.line for job, _, _ in REFUSED)
    ends = [*starts[1:], 10**6]
    found = {
        job.name for job, _, _ in REFUSED if any(job.line <= line < ends[starts.index(job.line)] for line in lines)
    }
    assert found == {job.name for job, _, _ in REFUSED} - UNSEEN
    assert {each.code for each in report.findings} == {"TERSE101", "TERSE102", "TERSE103", "TERSE104", "TERSE107"}


async def test_another_module(env: JobEnvironment, task_queue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In another module, what is found differs on a replay, and what is left alone is the same."""
    told: list[dict[str, object]] = []
    monkeypatch.setattr(elsewhere, "tell", told.append)
    async with env.worker([asks_elsewhere], task_queue=task_queue, max_cached_workflows=0):
        await env.run(asks_elsewhere, {}, task_queue=task_queue)
    first, *replayed = told
    assert replayed
    same = {name: all(each[name] == value for each in replayed) for name, value in first.items()}
    assert same == {"clock": False, "dice": False, "remembers": False, "pinned": True, "in_order": True}
    monkeypatch.chdir(ROOT)
    findings = check(["tests/checking/jobs_elsewhere.py"]).findings
    assert [(each.code, each.message.split("'")[1]) for each in findings] == [
        ("TERSE210", "clock"),
        ("TERSE211", "dice"),
        ("TERSE211", "dice"),
        ("TERSE209", "SEEN"),
    ]
