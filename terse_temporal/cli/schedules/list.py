"""`terse-temporal schedules list`: the schedules of jobs, when they start runs, and what they started last."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.table import Table
from rich.text import Text

from ...diagnostics.text import did_you_mean, one_line, shorten
from ...schedules.operating import ScheduleRow, list_schedules
from ..options import Address, Debug, Namespace
from ..output import console, errors, print_json
from ..servers import silent_client
from ..tasks import run_interruptibly

__all__ = ["list_command"]


def list_command(
    job: Annotated[str | None, typer.Argument(metavar="JOB", help="Only this job's.", show_default=False)] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, for programs.")] = False,
    address: Address = None,
    namespace: Namespace = None,
    debug: Debug = False,
) -> None:
    """List the schedules of jobs, with their next moments and their last run.

    Those that `schedules sync` has made; `temporal schedule list` shows those of others too. Moments are shown in the
    zone of the schedule. The list follows what happens by some tenths of a second.
    """

    async def found() -> list[ScheduleRow]:
        return await list_schedules(await silent_client(address, namespace), job)

    async def jobs() -> set[str]:
        return {each.job for each in await list_schedules(await silent_client(address, namespace))}

    rows = run_interruptibly(found())
    if as_json:
        print_json([each.to_json() for each in rows])
    elif not rows:
        meant = did_you_mean(job, run_interruptibly(jobs())) if job is not None else ""
        of = "" if job is None else f" of a job {shorten(job, 200)!r}"
        errors.print(
            f"there are no schedules{of}{meant or ': `terse-temporal schedules sync MODULE` makes them'}", markup=False
        )
    else:
        console.print(_table(rows))


def _table(rows: list[ScheduleRow]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in ("schedule", "job", "times", "next", "last run", "note"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        last = row.last[0] if row.last else None
        status = f" ({row.last_status.replace('_', ' ')})" if row.last_status else ""
        zone = "" if row.timezone == "UTC" else f" {row.timezone}"
        table.add_row(
            Text(one_line(row.id)),
            Text(one_line(row.job)),
            Text(f"{one_line(row.times)}{one_line(zone)}"),
            Text("paused", "yellow") if row.paused else Text(_next(row)),
            Text(f"{one_line(last.id)}{status}" if last else "-"),
            Text(one_line(row.note)),
        )
    return table


def _next(row: ScheduleRow) -> str:
    coming = [each for each in row.next if each > datetime.now(UTC)]
    if not coming:
        return "-"
    try:
        zone = ZoneInfo(row.timezone)
    except (KeyError, ValueError, OSError):  # a zone that this machine does not know
        zone = ZoneInfo("UTC")
    return f"{coming[0].astimezone(zone):%a %Y-%m-%d %H:%M %Z}"
