"""Changing several runs by one command: what will be done is shown and asked first, and then told for each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

import typer

from ...diagnostics.text import one_line
from ...execution.run_operations import RunInfo
from ...runs.changing import Change, ChangeRun, change_runs
from ...runs.times import rough
from ...serialization.wire_names import OWN_WORKFLOWS
from ..asking import ask
from ..exiting import FAILED
from ..output import console, errors, print_json
from ..tasks import run_interruptibly
from .asking_servers import client_for
from .selecting import Selection, selected

__all__ = ["Reason", "Server", "Verb", "Yes", "change"]

#: Why a workflow of this package's own is left alone that somebody has named: a selection has none.
_NO_RUN: Final = (
    "is left as it is: it is no run of a job, but keeps state or events for those. What it keeps and who waits there is"
    " lost when it ends; `temporal workflow terminate` does that all the same"
)

#: Runs that are shown before it is asked.
_SHOWN: Final = 20

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it stands in the history of the run.")]


@dataclass(frozen=True)
class Verb:
    """What is done with each run.

    Attributes:
        question: for one run, as `Cancel`.
        change: does it.
        means: which runs a selection means that names no status.
        detail: what goes on behind the runs in the question.
    """

    question: str
    change: ChangeRun
    means: Literal["running", "ended"]
    detail: str = ""


@dataclass(frozen=True)
class Server:
    """Where the runs are, as the options say."""

    address: str | None
    namespace: str | None


def change(
    verb: Verb, ids: Sequence[str] | None, selection: Selection, server: Server, *, yes: bool, as_json: bool
) -> int:
    """Show what will be done, ask, do it, and tell what became of each run; return the exit status.

    Raises:
        CommandError: nothing was said of which runs, or nobody can be asked.
    """
    return run_interruptibly(_change(verb, ids, selection, server, yes=yes, as_json=as_json))


async def _change(
    verb: Verb, ids: Sequence[str] | None, selection: Selection, server: Server, *, yes: bool, as_json: bool
) -> int:
    async with client_for(server.address, server.namespace) as client:
        runs, missing = await selected(client, ids, selection, verb.means)
        changes = [Change(each, "", done=False, what="there is no such run, or no longer") for each in missing]
        changes += [Change(each.id, each.run_id, done=False, what=_NO_RUN) for each in runs if _is_own(each)]
        runs = [each for each in runs if not _is_own(each)]
        if runs and not await ask(_question(verb, runs), yes=yes):
            return FAILED
        told: list[Change] = []
        try:
            changes += await change_runs(client, runs, verb.change, told)
        except asyncio.CancelledError:
            _show([*changes, *told], as_json=as_json)
            errors.print(
                f"interrupted: what became of {len(told):,} of {len(runs):,} runs is told. Of the others nothing more"
                " is done; of those that were under way, ten at most, it is not known.",
                markup=False,
            )
            raise
    if changes or as_json:
        _show(changes, as_json=as_json)
    else:
        errors.print("there are no such runs")
    return 0 if all(each.done for each in changes) else FAILED


def _show(changes: Sequence[Change], *, as_json: bool) -> None:
    if as_json:
        print_json([each.to_json() for each in changes])
        return
    for each in changes:
        console.print(f"{one_line(each.id)}  {one_line(each.what)}", markup=False)


def _is_own(run: RunInfo) -> bool:
    return run.job.startswith(OWN_WORKFLOWS)


def _question(verb: Verb, runs: Sequence[RunInfo]) -> str:
    now = datetime.now(UTC)
    if len(runs) == 1:
        return f"{verb.question} the run {_shown(runs[0], now)}{verb.detail}?"
    lines = [f"{len(runs):,} runs:", *(f"  {_shown(each, now)}" for each in runs[:_SHOWN])]
    if len(runs) > _SHOWN:
        lines.append(f"  … and {len(runs) - _SHOWN:,} more")
    return "\n".join([*lines, f"{verb.question} them{verb.detail}?"])


def _shown(run: RunInfo, now: datetime) -> str:
    status = run.status.replace("_", " ")
    return f"{one_line(run.id)} ({one_line(run.job)}, {status}, started {rough(now - run.started_at)} ago)"
