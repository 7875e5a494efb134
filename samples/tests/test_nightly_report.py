"""Nightly report: one file for the day before."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from samples.nightly_report import nightly_report
from terse_temporal.testing import Jobs

#: Six in the morning in Berlin. The day before, a Sunday, was 23 hours long.
_DUE = {"scheduled_at": "2026-03-30T04:00:00Z"}


@pytest.fixture(autouse=True)
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    database, directory = tmp_path / "shop.sqlite3", tmp_path / "reports"
    with closing(sqlite3.connect(database)) as shop, shop:
        shop.execute("CREATE TABLE orders (placed_on TEXT, country TEXT, amount_cents INTEGER)")
        shop.executemany(
            "INSERT INTO orders VALUES (?, ?, ?)",
            [
                ("2026-03-28", "DE", 100),
                ("2026-03-29", "DE", 1999),
                ("2026-03-29", "FR", 4500),
                ("2026-03-29", "DE", 501),
                ("2026-03-30", "FR", 100),
            ],
        )
    monkeypatch.setenv("REPORT_DB", str(database))
    monkeypatch.setenv("REPORT_DIR", str(directory))
    return directory


async def test_report(jobs: Jobs, reports: Path) -> None:
    """The report has the day before the one it was due, and running it again replaces it."""
    results = [await jobs.run(nightly_report, _DUE) for _ in range(2)]

    file = reports / "orders-2026-03-29.csv"
    assert results == [{"file": str(file), "orders": 3}] * 2
    assert _contents(reports) == {file.name: ["country,orders,revenue", "FR,1,45.00", "DE,2,25.00"]}


@pytest.mark.parametrize("missing", ["REPORT_DB", "REPORT_DIR"])
async def test_unset(jobs: Jobs, reports: Path, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """A setting that is missing fails the run, by name, and nothing is written."""
    monkeypatch.delenv(missing)
    run = await jobs.start(nightly_report, _DUE)

    await run.failed_with(RuntimeError, match=missing)
    assert _contents(reports) == {}


async def test_no_database(jobs: Jobs, reports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong path is an error, not an empty report."""
    monkeypatch.setenv("REPORT_DB", str(reports / "elsewhere.sqlite3"))
    run = await jobs.start(nightly_report, _DUE)

    await run.failed_with(sqlite3.OperationalError, match="unable to open database file")
    assert _contents(reports) == {}


def _contents(reports: Path) -> dict[str, list[str]]:
    """Return the lines of each file."""
    return {file.name: file.read_text().splitlines() for file in reports.glob("*")}
