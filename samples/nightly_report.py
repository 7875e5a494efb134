"""Nightly report: yesterday's orders by country, as a CSV file.

    REPORT_DB=shop.sqlite3 REPORT_DIR=reports terse-worker samples.nightly_report --sync-schedules

The worker makes the schedule on the server when it starts; from then on the server starts the report at six, Berlin
time. For a day that is past, `terse-temporal schedules backfill nightly-report --from 2026-05-01 --to 2026-05-02`.

It is not durable. It reads, and writes one file whose name is the day's: nothing is lost if it fails half-way, and
running it again is harmless. Such a job needs no steps and no sleeps, and may be a plain function.
"""

from __future__ import annotations

import csv
import os
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from terse_temporal import Triggers, create_job, log, now
from terse_temporal.triggers import ScheduledEvent

_ZONE = "Europe/Berlin"

_BY_COUNTRY = """
    SELECT country, count(*) AS orders, sum(amount_cents) AS cents
    FROM orders WHERE placed_on = ? GROUP BY country ORDER BY cents DESC, country
"""


@create_job(name="nightly-report", triggers=[Triggers.schedule.cron("0 6 * * *", timezone=_ZONE)])
def nightly_report(event: ScheduledEvent) -> dict[str, Any]:
    # The moment it was due, not the moment it runs: a report that is caught up on after a weekend is of its own day.
    due = (event.scheduled_at or now()).astimezone(ZoneInfo(_ZONE))
    day = (due - timedelta(days=1)).date().isoformat()

    # Opened for reading only, so that a wrong path is an error and not a new, empty database.
    database = Path(_setting("REPORT_DB")).resolve().as_uri() + "?mode=ro"
    with closing(sqlite3.connect(database, uri=True)) as shop:
        rows = shop.execute(_BY_COUNTRY, (day,)).fetchall()

    file = Path(_setting("REPORT_DIR")) / f"orders-{day}.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".csv.new")
    with unfinished.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["country", "orders", "revenue"])
        writer.writerows((country, orders, f"{cents / 100:.2f}") for country, orders, cents in rows)
    unfinished.replace(file)  # so that nobody ever reads half a report

    log("report written", file=file, countries=len(rows))
    return {"file": str(file), "orders": sum(orders for _, orders, _ in rows)}


def _setting(name: str) -> str:
    if value := os.environ.get(name):
        return value
    raise RuntimeError(f"the environment variable {name} is not set on this worker")
