"""`terse-temporal runs show`: all that is told of a run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from rich.table import Table
from rich.text import Text
from temporalio.client import Client

from ...diagnostics.text import json_text, one_line, shorten
from ...runs.details import RunDetails, read_details
from ...runs.memo import tokens_text
from ...runs.timeline_table import timeline_table
from ...runs.times import moment_text, rough
from ..options import Address, Debug, Namespace
from ..output import console, print_json
from ..tasks import run_interruptibly
from ..web_ui import web_ui_of
from .arguments import AsJson, RunId, RunName
from .asking_servers import client_for

__all__ = ["show"]

#: Characters of an event or a result, and lines of a timeline, for people. `--json` has all that was read.
_LONGEST_VALUE: Final = 2_000
_LAST_ENTRIES: Final = 100
_LONGEST_EVENT: Final = 200


def show(
    run: RunName,
    *,
    run_id: RunId = "",
    as_json: AsJson = False,
    address: Address = None,
    namespace: Namespace = None,
    debug: Debug = False,
) -> None:
    """Show a run: its event, its steps and sleeps, and its result, or what it failed with or waits for.

    Of several runs that had the id one after the other it is the last one, which continues the others, and that is
    said. No worker is needed.

    The exit status is 1 where there is no such run.
    """
    found, url = run_interruptibly(_show(run, run_id, address, namespace))
    if as_json:
        print_json(found.to_json())
        return
    _print(found, url)


async def _show(run: str, run_id: str, address: str | None, namespace: str | None) -> tuple[RunDetails, str | None]:
    async with client_for(address, namespace, run=run) as client:
        found = await read_details(client, run, run_id)
        return found, _url(client, found)


def _url(client: Client, found: RunDetails) -> str | None:
    return web_ui_of(client, client.get_workflow_handle(found.why.id, run_id=found.why.run_id))


def _print(found: RunDetails, url: str | None) -> None:
    why = found.why
    console.print(Text(one_line(why.id), "bold"))
    for name, value in _rows(found, url):
        console.print(f"  {name:<12} ", end="")
        console.print(one_line(value), markup=False)  # an id or a name may have a line feed in it
    console.print()
    for each in why.sentences:
        console.print(each, markup=False)
    if found.timeline.entries:
        console.print()
        left_out = len(found.timeline.entries) - _LAST_ENTRIES
        if left_out > 0 or not found.is_whole:
            earlier = f"{left_out:,} earlier ones" if found.is_whole else "earlier ones"
            console.print(f"(the last ones; {earlier} are left out)", style="dim", markup=False)
        console.print(timeline_table(found.timeline, now=None if why.ending else why.now, last=_LAST_ENTRIES))
    _print_received(found)
    if found.timeline.tokens:
        console.print(tokens_text(found.timeline.tokens), style="dim", markup=False)


def _print_received(found: RunDetails) -> None:
    if not found.received:
        return
    console.print("\nevents that it was sent", style="dim")
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for each in found.received:
        data = shorten(json_text(each.data), _LONGEST_EVENT, with_length=True)
        table.add_row(moment_text(each.at, datetime.now(UTC)), Text(one_line(each.title)), Text(data, "dim"))
    console.print(table)


def _rows(found: RunDetails, url: str | None) -> list[tuple[str, str]]:
    why, now = found.why, datetime.now(UTC)
    rows = [("job", why.job), ("run id", why.run_id)]
    if found.reset_at is not None:
        rows.append(("", f"made by a reset at {moment_text(found.reset_at, now)}"))
    if found.first_run_id != why.run_id:
        rows.append(("", f"the last of a chain that began with the run {found.first_run_id}"))
    rows += [
        ("status", "running" if why.ending is None else why.ending.status.replace("_", " ")),
        ("started", f"{moment_text(why.started_at, now)} ({rough(now - why.started_at)} ago)"),
        ("task queue", found.task_queue),
    ]
    if found.tags:
        rows.append(("tags", ", ".join(found.tags)))
    if found.parent is not None:
        rows.append(("started by", f"the run {found.parent[0]!r}"))
    if url is not None:
        rows.append(("Web UI", url))
    rows.append(("event", _value(found.event)))
    if why.ending is not None and why.ending.status == "completed":
        rows.append(("result", _value(found.result)))
    return rows


def _value(value: Any) -> str:
    return "none" if value is None else shorten(json_text(value), _LONGEST_VALUE, with_length=True)
