"""The job of docs/schedules.md, and the test that it shows, do what the page says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from terse_temporal.schedules.wanted import wanted_schedules
from terse_temporal.testing import Jobs

from ..pages import blocks, jobs_of, load

_PAGE = "docs/schedules.md"


async def test_the_page(jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its test passes, and its schedules have the ids that it names."""
    closing = load(_PAGE, 0, tmp_path, monkeypatch)
    monkeypatch.setitem(sys.modules, "closing", closing)
    shown = load(_PAGE, 1, tmp_path, monkeypatch)
    await shown.test_close_day(jobs)
    assert list(wanted_schedules(jobs_of(closing), "terse")) == ["close-day", "close-day#2"]
    assert len(blocks(_PAGE)) == 2
