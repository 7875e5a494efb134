"""A timeline as a table for a terminal."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from rich.table import Table
from rich.text import Text

from .timeline import Entry, State, Timeline, short

__all__ = ["timeline_table"]

_STYLES: Final[dict[State, str]] = {
    "waiting": "dim",
    "running": "cyan",
    "done": "green",
    "failed": "red",
    "cancelled": "yellow",
}


def timeline_table(timeline: Timeline, *, now: datetime | None = None, last: int | None = None) -> Table:
    """Return the timeline as a table: when each entry began, counted from the start of the run, and how long it took.

    Args:
        timeline: of the run.
        now: shown as the end of what is not over.
        last: how many entries to show at most; those before are left out.
    """
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    table.add_column("", no_wrap=True)
    for heading in ("attempts", "began", "took"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    for entry in timeline.entries[-last:] if last else timeline.entries:
        end = entry.ended or now
        table.add_row(
            entry.kind,
            Text(entry.title, _STYLES[entry.state]),
            str(entry.attempt or "") if entry.kind == "step" else "",
            f"+{short(entry.begun - timeline.started)}" if timeline.started else "",
            short(max(end - entry.begun, timedelta())) if end else "",
            Text(_remark(entry), "dim"),
        )
    return table


def _remark(entry: Entry) -> str:
    if entry.answer:
        return entry.came_of_it
    if not entry.trouble:
        return "" if entry.state == "done" or entry.kind == "sleep" else entry.state
    if entry.kind == "step" and entry.state in ("done", "running"):
        return f"attempt {entry.attempt - 1}: {entry.trouble}"
    return entry.trouble
