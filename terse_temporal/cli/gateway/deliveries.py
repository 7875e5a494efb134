"""`terse-temporal gateway deliveries`: what is in the spool of a gateway, and having a delivery tried again.

It reads the spool's file beside the gateway, or without one that runs; Temporal is not asked.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, cast, get_args

import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ...diagnostics.redaction import redact_value
from ...diagnostics.text import did_you_mean, json_text, one_line, shorten
from ...errors import SpoolError
from ...gateway.secrets import VENDOR_SECRETS
from ...gateway.settings import DEFAULT_SPOOL
from ...gateway.spool import DeliveryRow, SpoolFile, State, TargetRow
from ...runs.times import moment_text, rough
from ..exiting import FAILED, CommandError
from ..options import Debug
from ..output import console, errors, print_error, print_json
from ..times import read_since

__all__ = ["app"]

#: Characters of a reason in the table; `show` has all of it.
_SHORT: Final = 200

_STYLES: Final = {"waiting": "cyan", "started": "green", "refused": "red"}

_SOURCES: Final = (*VENDOR_SECRETS, "webhook")

#: How a delivery stands that is no job's.
_NO_JOB: Final = "no job"

app = typer.Typer(name="deliveries", add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown")

_Spool = Annotated[
    Path | None,
    typer.Option(
        "--spool",
        metavar="DIR",
        help=f"The spool of the gateway, as it was started with. By default {DEFAULT_SPOOL}.",
        show_default=False,
    ),
]
_AsJson = Annotated[bool, typer.Option("--json", help="JSON, for programs.")]
_Id = Annotated[str, typer.Argument(metavar="ID", help="Of the delivery, as the list has it: github:72d3…")]
_Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="Of the deliveries, as the list has them.")]


@app.callback(invoke_without_command=True)
def deliveries(
    context: typer.Context,
    *,
    state: Annotated[
        str | None,
        typer.Option("--state", metavar="STATE", help="Those that stand so with a job: waiting, started or refused."),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--source", metavar="NAME", help="Those of one sender: github, stripe, slack, linear or webhook."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="DURATION|TIME", help='Those that came in the last "2h", or after a time.'),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="How many at most.")] = 50,
    spool: _Spool = None,
    as_json: _AsJson = False,
    debug: Debug = False,
) -> None:
    """List the deliveries that the gateway took in, the newest first: which runs were started, what waits, and what was
    refused and why.

    A delivery is known for four days. Its body is kept for a day after it was handed on, or for as long as there is
    room; of one that was refused for four days.
    """
    if context.invoked_subcommand is not None:
        return
    if source is not None and source not in _SOURCES:
        raise CommandError(f"--source {source!r} is none of {', '.join(_SOURCES)}{did_you_mean(source, _SOURCES)}")
    found = SpoolFile(spool or DEFAULT_SPOOL).deliveries(
        state=_read_state(state),
        source=source,
        since=None if since is None else read_since(since),
        limit=limit,
    )
    if as_json:
        print_json([_to_json(each) for each in found])
    elif not found:
        errors.print("there are no such deliveries")
    else:
        console.print(_table(found))
        if len(found) == limit:
            errors.print(f"(the newest {limit}; --limit shows more)", style="dim")


@app.command()
def show(
    context: typer.Context,
    id: _Id,
    *,
    body: Annotated[bool, typer.Option("--body", help="Its headers and body too, without what looks secret.")] = False,
    spool: _Spool = None,
    as_json: _AsJson = False,
    debug: Debug = False,
) -> None:
    """Show all about a delivery: how it stands with each job, and with `--body` what was sent.

    The body is what the sender has sent. Secrets of this machine's environment are taken out of it, and nothing else.
    """
    file = _file(context, spool)
    found = _find(file, id)
    if as_json:
        print_json([{**_to_json(each), **(_body(file, each) if body else {})} for each in found])
        return
    for each in found:
        _print(each)
        if body:
            console.print(json_text(_body(file, each), indent=2), markup=False)


@app.command()
def retry(
    context: typer.Context,
    ids: _Ids,
    *,
    spool: _Spool = None,
    as_json: _AsJson = False,
    debug: Debug = False,
) -> int:
    """Start deliveries again that were refused, or wait for their next attempt.

    The gateway that has the spool does it within a second, or when it is started. A job that was started by a delivery
    is not started by it again: `terse-temporal runs rerun` does that. The exit status is 1 if one of the deliveries is
    not tried again; none is where one is not known.
    """
    file = _file(context, spool)
    found = {row.number: row for name in dict.fromkeys(ids) for row in _find(file, name)}
    outcomes = [_retry(file, row) for row in found.values()]
    if as_json:
        print_json(outcomes)
    else:
        for each in outcomes:
            name = one_line(f"{each['source']}:{each['id']}")
            if each["problem"]:
                print_error(f"{name} is not tried again: {each['problem']}")
            else:
                console.print(f"{name} is tried again: {', '.join(each['jobs'])}", markup=False)
    return FAILED if any(each["problem"] for each in outcomes) else 0


def _file(context: typer.Context, spool: Path | None) -> SpoolFile:
    """Return the spool that a command is given, or the group before it."""
    of_group = None if context.parent is None else context.parent.params.get("spool")
    return SpoolFile(spool or of_group or DEFAULT_SPOOL)


def _retry(file: SpoolFile, row: DeliveryRow) -> dict[str, Any]:
    jobs: list[str] = []
    problem = None
    try:
        jobs = file.retry(row.number)
        if not jobs and row.targets:
            runs = ", ".join(each.run_id for each in row.targets)
            problem = f"its runs were started ({one_line(runs)})"
        elif not jobs:
            problem = "no job was there for it when it came; have it sent again by who has sent it"
    except SpoolError as error:
        problem = str(error)
    return {"source": row.source, "id": row.id, "jobs": jobs, "problem": problem}


def _find(file: SpoolFile, name: str) -> list[DeliveryRow]:
    source, colon, own = name.partition(":")
    found = file.deliveries(id=name) or (file.deliveries(source=source, id=own) if colon else [])
    if not found:
        raise CommandError(f"the spool knows no delivery {shorten(name, 200)!r}", status=FAILED)
    return found


def _read_state(text: str | None) -> State | None:
    if text is not None and text not in get_args(State):
        states = get_args(State)
        raise CommandError(f"--state {text!r} is none of {', '.join(states)}{did_you_mean(text, states)}")
    return cast("State | None", text)


def _state(row: DeliveryRow) -> str:
    """Return how a delivery stands as a whole: what somebody may have to see to comes first."""
    states = {each.state for each in row.targets}
    return next((each for each in ("refused", "waiting", "started") if each in states), _NO_JOB)


def _to_json(row: DeliveryRow) -> dict[str, Any]:
    return {
        "source": row.source,
        "id": row.id,
        "kind": row.kind,
        "address": row.job,
        "received_at": row.received_at.isoformat(),
        "size": row.size,
        "has_body": row.has_body,
        "state": _state(row),
        "offered_to": row.offered_to,
        "runs": [
            {
                "job": each.job,
                "run": each.run_id,
                "state": each.state,
                "reason": each.reason or None,
                "attempts": each.attempts,
                "retry_at": None if each.retry_at is None else each.retry_at.isoformat(),
                "changed_at": each.changed_at.isoformat(),
            }
            for each in row.targets
        ],
    }


def _body(file: SpoolFile, row: DeliveryRow) -> dict[str, Any]:
    headers, body = file.body(row.number) or (None, None)
    return {"headers": redact_value(headers), "body": redact_value(body)}


def _table(rows: list[DeliveryRow]) -> Table:
    now = datetime.now(UTC)
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in ("came", "delivery", "event", "job", "state", "why"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("came", "state"))
    for row in rows:
        first: list[RenderableType] = [
            moment_text(row.received_at, now),
            _text(f"{row.source}:{row.id}"),
            _text(row.kind),
        ]
        if not row.targets:
            table.add_row(*first, "", Text(_NO_JOB, "dim"), _woke(row))
        for each in row.targets:
            table.add_row(
                *first, _text(each.job), Text(each.state, _STYLES[each.state]), _text(_joined(_why(each, now)), _SHORT)
            )
            first = ["", "", ""]
    return table


def _print(row: DeliveryRow) -> None:
    now = datetime.now(UTC)
    console.print(f"[bold]{'delivery':<10}[/]", _text(f"{row.source}:{row.id}"))
    console.print(f"[bold]{'event':<10}[/]", _text(row.kind))
    if row.job is not None:
        console.print(f"[bold]{'address':<10}[/]", _text(f"of the job {row.job!r}"))
    kept = "" if row.has_body else ", no longer kept"
    console.print(f"[bold]{'came':<10}[/]", moment_text(row.received_at, now), f"({row.size:,} bytes{kept})")
    for each in row.targets:
        console.print(f"[bold]{'run':<10}[/]", _text(each.run_id), Text(each.state, _STYLES[each.state]))
        for line in _why(each, now).splitlines():
            console.print(" " * 10, _text(line))
    if not row.targets:
        console.print(f"[bold]{'run':<10}[/]", _NO_JOB, "is started by it")
    if row.offered_to:
        console.print(f"[bold]{'waits':<10}[/]", _woke(row))


def _woke(row: DeliveryRow) -> str:
    number = row.offered_to
    return f"given to {number} {'run that waited' if number == 1 else 'runs that waited'} for it" if number else ""


def _joined(text: str) -> str:
    """Return lines, of which the first may end with a colon, as one."""
    return "; ".join(each.strip() for each in text.splitlines()).replace(":; ", ": ")


def _why(target: TargetRow, now: datetime) -> str:
    if target.state != "waiting":
        return target.reason
    if not target.attempts:
        return "not tried yet"
    due = "now" if target.retry_at is None or target.retry_at <= now else f"in {rough(target.retry_at - now)}"
    return f"attempt {target.attempts} failed, the next is due {due}: {target.reason}"


def _text(text: str, most: int | None = None) -> Text:
    return Text(one_line(text if most is None else shorten(text, most)))
