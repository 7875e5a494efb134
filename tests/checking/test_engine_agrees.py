"""What the engine refuses when it is run is found before."""

from __future__ import annotations

from pathlib import Path

import pytest

from terse_temporal.checking import check
from terse_temporal.testing import JobEnvironment

from . import elsewhere
from .jobs_elsewhere import asks_elsewhere

ROOT = Path(__file__).parents[2]


async def test_another_module(env: JobEnvironment, task_queue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In another module, what is found differs on a replay, and what is left alone is the same."""
    told: list[dict[str, object]] = []
    monkeypatch.setattr(elsewhere, "tell", told.append)
    async with env.worker([asks_elsewhere], task_queue=task_queue, max_cached_workflows=0):
        await env.run(asks_elsewhere, {}, task_queue=task_queue)
    first, *replayed = told
    assert replayed
    same = {name: all(each[name] == value for each in replayed) for name, value in first.items()}
    assert same == {"clock": False, "random": False, "remembers": False, "pinned": True, "in_order": True}
    monkeypatch.chdir(ROOT)
    findings = check(["tests/checking/jobs_elsewhere.py"]).findings
    assert [(each.code, each.message.split("'")[1]) for each in findings] == [
        ("TERSE210", "clock"),
        ("TERSE211", "random_number"),
        ("TERSE211", "random_number"),
        ("TERSE209", "SEEN"),
    ]
