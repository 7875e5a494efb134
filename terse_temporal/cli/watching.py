"""Watching a run until its end: `trigger --wait` and `runs watch`."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from rich.console import Group
from rich.live import Live
from rich.markup import escape
from rich.text import Text
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError

from ..diagnostics.text import json_text
from ..runs.details import read_details
from ..runs.endings import EndReason
from ..runs.memo import tokens_text
from ..runs.timeline import Entry, Timeline
from ..runs.timeline_table import timeline_table
from .exiting import FAILED, CommandError
from .following import Follower
from .output import console, errors, print_json
from .web_ui import web_ui_of

__all__ = ["print_how_to_return", "print_notice", "runs_command", "watch_run"]


def runs_command(verb: str, id: str, address: str | None, namespace: str | None) -> str:
    """Return what to type to do something with a run, where the server was named as it was now."""
    command = ["terse-temporal", "runs", verb, id]
    if address:
        command += ["--address", address]
    if namespace:
        command += ["--namespace", namespace]
    return shlex.join(command)


async def watch_run(
    client: Client, handle: WorkflowHandle[Any, Any], job: str, task_queue: str, *, look_at: str, as_json: bool = False
) -> int:
    """Show a run until it ends, on standard error, and print its result; return the exit status.

    Args:
        client: of its server.
        handle: of the run. What continues it is watched too.
        job: its job.
        task_queue: where it waits for workers.
        look_at: what to type to look at it, for one that fails.
        as_json: print all that is told of it when it has ended, as `runs show --json` does, instead of the result.

    Raises:
        CommandError: the server does not tell of it any more.
    """
    errors.print(f"[bold]{escape(job)}[/]  workflow id {escape(handle.id)}  run id {handle.run_id}")
    if url := web_ui_of(client, handle):
        errors.print(url, markup=False)
    with _live_view() as (timeline_of, on_change, on_notice):
        follower = Follower(client, handle, task_queue, on_change=on_change, on_notice=on_notice)
        timeline_of(follower.timeline)
        try:
            outcome = await follower.follow()
        except RPCError as err:
            what = f"the run {handle.id!r} cannot be watched any more: {err.message}"
            raise CommandError(what, status=FAILED) from err
    if follower.timeline.tokens:
        errors.print(tokens_text(follower.timeline.tokens), style="dim", markup=False)
    if as_json:
        print_json((await read_details(client, handle.id, follower.run_id or "")).to_json())
    if outcome.failure is None:
        if not as_json:
            print(_as_json(outcome.result), flush=True)
        return 0
    _print_failure(handle.id, job, outcome.failure, look_at)
    return FAILED


def print_how_to_return(command: str) -> None:
    """Print that a run goes on although it is no longer watched."""
    errors.print("\nNo longer watching; the run goes on. To come back to it:", end="\n  ")
    errors.print(command, markup=False)


def print_notice(text: str) -> None:
    """Print what a person should know."""
    errors.print("[yellow]note:[/] ", end="")
    errors.print(text, markup=False)


def _print_failure(id: str, job: str, failure: EndReason, look_at: str) -> None:
    errors.print(f"[bold red]the run {escape(repr(id))} failed:[/] ", end="")
    errors.print(failure.what, markup=False)
    if failure.step and failure.step != job:  # a job that is not durable is one activity, of its own name
        attempts = f", after {failure.attempts} attempts" if failure.attempts > 1 else ""
        at = f" at {failure.where}" if failure.where else ""
        errors.print(f"  in the step {failure.step!r}{at}{attempts}", markup=False)
    elif failure.where:
        errors.print(f"  at {failure.where}", markup=False)
    errors.print(f"  {look_at}", markup=False)


_LiveView = tuple[Callable[[Timeline], None], Callable[[Entry], None], Callable[[str], None]]


@contextmanager
def _live_view() -> Iterator[_LiveView]:
    """Show a run while it goes on: a table that changes in a terminal, else a line for every change."""
    if not errors.is_terminal:
        yield lambda _: None, lambda entry: errors.print(entry.line(), markup=False), print_notice
        return
    timelines: list[Timeline] = []

    def table() -> Group:
        fitting = max(errors.height - 4, 4)
        return Group(*(timeline_table(each, now=datetime.now(UTC), last=fitting) for each in timelines), Text())

    with Live(get_renderable=table, console=errors, refresh_per_second=8, redirect_stdout=False) as live:
        yield timelines.append, lambda _: live.refresh(), print_notice


def _as_json(result: Any) -> str:
    """Return JSON, for people on several lines, for programs on one; and in characters that the output can have."""
    indent = 2 if console.is_terminal else None
    text = json_text(result, indent)
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return json.dumps(result, indent=indent)
    return text
