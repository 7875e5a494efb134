"""`terse-temporal runs list`: the runs that there are, and what they wait for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from rich.table import Table
from rich.text import Text

from ...diagnostics.text import one_line, printable
from ...runs.overview import RunRow, with_waits
from ...runs.times import moment_text, rough
from ..options import Address, Debug, Namespace
from ..output import console, errors, print_json
from ..tasks import run_interruptibly
from .arguments import AsJson
from .asking_servers import client_for
from .selecting import Limit, Selection, Since, Status, Tag

__all__ = ["list_command"]

_STYLES: Final = {
    "running": "cyan",
    "completed": "green",
    "failed": "red",
    "timed_out": "red",
    "terminated": "yellow",
    "cancelled": "yellow",
}


def list_command(
    job: Annotated[str | None, typer.Argument(metavar="JOB", help="Only runs of this job.", show_default=False)] = None,
    *,
    status: Status = None,
    since: Since = None,
    tag: Tag = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    address: Address = None,
    namespace: Namespace = None,
    debug: Debug = False,
) -> None:
    """List runs, the newest first, with what each waits for.

    A run that was continued as new is listed as its last one; one that has done so by itself, as its history was long,
    with its first start, though its place, and --since, are by that of its last history. `runs why ID` says in full
    what a run waits for. The list follows what happens by some tenths of a second.
    """
    rows = run_interruptibly(_list(Selection(job, status, since, tag, limit), address, namespace))
    if as_json:
        print_json([each.to_json() for each in rows])
    elif not rows:
        errors.print("there are no such runs")
    else:
        console.print(_table(rows))
        if len(rows) == limit:
            errors.print(f"(the newest {limit}; --limit shows more)", style="dim")


async def _list(selection: Selection, address: str | None, namespace: str | None) -> list[RunRow]:
    async with client_for(address, namespace) as client:
        return await with_waits(client, selection.runs(client))


def _table(rows: list[RunRow]) -> Table:
    now = datetime.now(UTC)
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in ("run", "job", "status", "started", "took", "waits for"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("status", "started", "took"))
    for row in rows:
        info = row.info
        table.add_row(
            # In one line: an id may have a line feed in it.
            Text(one_line(info.id)),
            Text(one_line(info.job)),
            Text(info.status.replace("_", " "), _STYLES[info.status]),
            moment_text(info.started_at, now),
            rough((info.ended_at or now) - info.started_at),
            Text(printable(row.waits_for), "dim"),
        )
    return table
