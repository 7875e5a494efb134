"""`terse-temporal trigger`: starts a run, and shows it."""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from rich.console import Group
from rich.live import Live
from rich.markup import escape
from rich.text import Text
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError

from ..client import environment_settings
from ..diagnostics.text import json_text
from ..engine.wire.history import RunHistory
from ..errors import RunExistsError, StartError, UnknownJobError
from ..jobs.run_requests import run_request
from ..runs.endings import EndReason
from ..runs.memo import tokens_text
from ..runs.starting import DEFAULT_TASK_QUEUE, start_run
from ..runs.task_queues import is_gone, last_poll
from ..runs.timeline import Entry, Timeline, timeline_table
from .event_argument import read_event_argument
from .exiting import FAILED, CommandError
from .following import Follower
from .options import Address, Debug, Namespace
from .output import console, errors
from .servers import silent_client
from .tasks import Interrupted, run_interruptibly
from .web_ui import web_ui_of

__all__ = ["trigger"]

#: Where the Temporal CLI looks where it is told nothing.
_DEFAULT_ADDRESSES: Final = ("127.0.0.1:7233", "localhost:7233")

#: Seconds in which a worker is to have begun a run, or said that it cannot. One that is free takes 0.05.
_FIRST_TASK: Final = 2.0


def trigger(
    job: Annotated[
        str, typer.Argument(metavar="JOB", help="The job's name. A worker must have it, this command need not.")
    ],
    *,
    event: Annotated[
        str | None,
        typer.Option(
            "--event", "-e", metavar="FILE|JSON|-", help="The event: a JSON object, a file of one, or - to read it."
        ),
    ] = None,
    id: Annotated[
        str | None,
        typer.Option("--id", metavar="ID", help="The workflow id; by default the job's name and a random part."),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", "-w", help="Show the steps as they happen, and end with the result.")
    ] = False,
    for_later: Annotated[
        bool,
        typer.Option("--for-later", help="Let it wait for a worker that has the job, if those that are there do not."),
    ] = False,
    task_queue: Annotated[
        str, typer.Option("--task-queue", "-q", metavar="NAME", help="The task queue of the job's worker.")
    ] = DEFAULT_TASK_QUEUE,
    address: Address = None,
    namespace: Namespace = None,
    debug: Debug = False,
) -> int:
    """Start a run of a job.

    With --wait the steps are shown as they happen, on standard error, and the result goes to standard output, as JSON.
    Ctrl-C leaves the run alone and only ends the watching.

    A job that the workers of the task queue do not have ends at once, and the nearest names of theirs are told. Where
    no worker is there at all, the run waits for one.

    The exit status is 0 when the run was started, and with --wait has succeeded; 1 when it failed, or no worker has the
    job; 2 when it could not be started.
    """
    run = _TriggeredRun(job, id or f"{job}-{uuid.uuid4()}", task_queue, address, namespace, for_later=for_later)
    data = None if event is None else read_event_argument(event)
    try:
        return run_interruptibly(run.start(data, wait=wait))
    except Interrupted:
        run.print_how_to_return()
        raise


class _TriggeredRun:
    """A run, from its start to the message about its end."""

    def __init__(
        self, job: str, id: str, task_queue: str, address: str | None, namespace: str | None, *, for_later: bool
    ) -> None:
        self._job = job
        self._id = id
        self._task_queue = task_queue
        self._address = address
        self._namespace = namespace
        self._for_later = for_later
        self._is_started = False

    async def start(self, event: dict[str, Any] | None, *, wait: bool) -> int:
        """Start it, and `wait` for its end; the exit status."""
        client = await silent_client(self._address, self._namespace)
        here = client.service_client.config.target_host
        if here not in _DEFAULT_ADDRESSES and not environment_settings():
            self._address = here  # that of `dev`, which the Temporal CLI does not find by itself
        is_served = await _is_served(client, self._task_queue)
        try:
            request = run_request(self._job, event, id=self._id, task_queue=self._task_queue)
            # One that waits for its worker, whichever, is left to wait.
            ends_if_unknown = is_served and not self._for_later
            handle = await start_run(replace(request, if_exists=None), client, ends_if_unknown=ends_if_unknown)
        except RunExistsError as err:
            raise CommandError(f"{err}. Look at that one with `{self._command('show')}`.") from err
        except StartError as err:
            raise CommandError(str(err)) from err
        if not wait:
            if is_served and (unknown := await _unknown_job_message(handle)):
                raise CommandError(f"the run has ended before it began: {unknown}", status=FAILED)
            self._print_started(client, handle)
            if not is_served:
                _print_notice(
                    f"no worker takes work from the task queue {self._task_queue!r}. The run waits until one does:"
                    f" terse-worker MODULE --task-queue {self._task_queue}"
                )
            return 0
        self._is_started = True
        return await self._watch(client, handle)

    def _print_started(self, client: Client, handle: WorkflowHandle[Any, Any]) -> None:
        rows = {"workflow id": handle.id, "run id": handle.first_execution_run_id or ""}
        if url := web_ui_of(client, handle):
            rows["Web UI"] = url
        rows["look at it"] = self._command("show")
        console.print(f"started [bold]{escape(self._job)}[/]")
        for name, value in rows.items():
            console.print(f"  {name:<12} ", end="")
            console.print(value, markup=False)

    def _command(self, verb: str) -> str:
        """Return what to type to see the run with the Temporal CLI."""
        command = ["temporal", "workflow", verb, "--workflow-id", self._id]
        if self._address:
            command += ["--address", self._address]
        if self._namespace:
            command += ["--namespace", self._namespace]
        return shlex.join(command)

    def print_how_to_return(self) -> None:
        """Print that the run goes on although it is no longer watched."""
        if self._is_started:
            errors.print("\nNo longer watching; the run goes on. To come back to it:", end="\n  ")
            errors.print(self._command("show") + " --follow", markup=False, end="\n  ")
            errors.print(self._command("result"), markup=False)

    async def _watch(self, client: Client, handle: WorkflowHandle[Any, Any]) -> int:
        errors.print(
            f"[bold]{escape(self._job)}[/]  workflow id {escape(handle.id)}  run id {handle.first_execution_run_id}"
        )
        if url := web_ui_of(client, handle):
            errors.print(url, markup=False)
        with _live_view() as (timeline_of, on_change, on_notice):
            # By its run id: another run may have the same workflow id later.
            this = client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id)
            follower = Follower(client, this, self._task_queue, on_change=on_change, on_notice=on_notice)
            timeline_of(follower.timeline)
            try:
                outcome = await follower.follow()
            except RPCError as err:
                what = f"the run {handle.id!r} cannot be watched any more: {err.message}"
                raise CommandError(what, status=FAILED) from err
        if follower.timeline.tokens:
            errors.print(tokens_text(follower.timeline.tokens), style="dim", markup=False)
        if outcome.failure is None:
            print(_as_json(outcome.result), flush=True)
            return 0
        self._print_failure(outcome.failure)
        return FAILED

    def _print_failure(self, failure: EndReason) -> None:
        errors.print("[bold red]the run failed:[/] ", end="")
        errors.print(failure.what, markup=False)
        if failure.step and failure.step != self._job:  # a job that is not durable is one activity, of its own name
            attempts = f", after {failure.attempts} attempts" if failure.attempts > 1 else ""
            at = f" at {failure.where}" if failure.where else ""
            errors.print(f"  in the step {failure.step!r}{at}{attempts}", markup=False)
        elif failure.where:
            errors.print(f"  at {failure.where}", markup=False)
        errors.print(f"  {self._command('show')}", markup=False)


async def _is_served(client: Client, task_queue: str) -> bool:
    """Return whether a worker polls the task queue. Whoever may start runs need not be allowed to ask: then yes."""
    try:
        return not is_gone(await last_poll(client, task_queue))
    except RPCError:
        return True


async def _unknown_job_message(handle: WorkflowHandle[Any, Any]) -> str | None:
    """Return what a worker says that does not have the job; `None` where one has begun it, or is busy."""
    with suppress(TimeoutError, RPCError):
        async with asyncio.timeout(_FIRST_TASK):
            history = RunHistory()
            async for event in handle.fetch_history_events(wait_new_event=True):
                history.add(event)
                if history.failed_task is not None:
                    return None
                if history.ended is not None:
                    failure = history.ended.workflow_execution_failed_event_attributes.failure
                    is_unknown = failure.application_failure_info.type == UnknownJobError.__name__
                    return failure.message if is_unknown else None
                # What ends a run is written together with the end of the task.
                is_done = event.HasField("workflow_task_completed_event_attributes")
                if is_done and (await handle.describe()).status == WorkflowExecutionStatus.RUNNING:
                    return None
    return None


_LiveView = tuple[Callable[[Timeline], None], Callable[[Entry], None], Callable[[str], None]]


@contextmanager
def _live_view() -> Iterator[_LiveView]:
    """Show a run while it goes on: a table that changes in a terminal, else a line for every change."""
    if not errors.is_terminal:
        yield lambda _: None, lambda entry: errors.print(entry.line(), markup=False), _print_notice
        return
    timelines: list[Timeline] = []

    def table() -> Group:
        fitting = max(errors.height - 4, 4)
        return Group(*(timeline_table(each, now=datetime.now(UTC), last=fitting) for each in timelines), Text())

    with Live(get_renderable=table, console=errors, refresh_per_second=8, redirect_stdout=False) as live:
        yield timelines.append, lambda _: live.refresh(), _print_notice


def _as_json(result: Any) -> str:
    """Return JSON, for people on several lines, for programs on one; and in characters that the output can have."""
    indent = 2 if console.is_terminal else None
    text = json_text(result, indent)
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return json.dumps(result, indent=indent)
    return text


def _print_notice(text: str) -> None:
    errors.print("[yellow]note:[/] ", end="")
    errors.print(text, markup=False)
