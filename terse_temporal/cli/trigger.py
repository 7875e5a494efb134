"""`terse-temporal trigger`: starts a run, and shows it."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Final, cast

import typer
from rich.markup import escape
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError

from ..encryption.reading import readable
from ..engine.wire.history import RunHistory
from ..errors import RunExistsError, UnknownJobError
from ..execution.run_operations import IfExists, RunRequest
from ..jobs.run_requests import run_request
from ..runs.starting import DEFAULT_TASK_QUEUE, start_run
from ..runs.task_queues import is_gone, last_poll
from .event_argument import read_event_argument
from .exiting import FAILED, CommandError
from .options import Address, Debug, Namespace
from .output import console
from .servers import silent_client
from .tasks import Interrupted, run_interruptibly
from .watching import print_how_to_return, print_notice, runs_command, watch_run
from .web_ui import web_ui_of

__all__ = ["trigger"]

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
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="KEY", help="Your own name for the run: the workflow id is JOB/KEY."),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="TAG", help="What the run can be found by; may be given several times."),
    ] = None,
    delay: Annotated[
        str | None,
        typer.Option("--delay", metavar="TIME", help="When it begins: in 30s, 2h, 3d …, or at 2027-01-31T09:00Z."),
    ] = None,
    if_exists: Annotated[
        str | None,
        typer.Option(
            "--if-exists",
            metavar="WHAT",
            help="What to do where the id was used before: attach to the run that is there, fail, or rerun if that has"
            " ended. By default it is refused while that run is open, and a new one started after that.",
        ),
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
    data = None if event is None else read_event_argument(event)
    request = run_request(
        job,
        data,
        key=key,
        id=id if id is not None or key is not None else f"{job}-{uuid.uuid4()}",
        if_exists=cast("IfExists", if_exists or "fail"),
        delay=None if delay is None else _delay(delay),
        tags=tag or (),
        task_queue=task_queue,
    )
    if if_exists is None:
        request = replace(request, if_exists=None)
    run = _TriggeredRun(request, address, namespace, for_later=for_later)
    try:
        return run_interruptibly(run.start(wait=wait))
    except Interrupted:
        run.print_how_to_return()
        raise


def _delay(text: str) -> str | datetime:
    """Return a duration as it is given, or a moment."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return moment if moment.tzinfo is not None else moment.astimezone()


class _TriggeredRun:
    """A run, from its start to the message about its end."""

    def __init__(self, request: RunRequest, address: str | None, namespace: str | None, *, for_later: bool) -> None:
        assert request.id is not None
        assert request.task_queue is not None
        self._request = request
        self._job = request.job
        self._id = request.id
        self._task_queue = request.task_queue
        self._address = address
        self._namespace = namespace
        self._for_later = for_later
        self._is_started = False

    async def start(self, *, wait: bool) -> int:
        """Start it, and `wait` for its end; the exit status."""
        client = await silent_client(self._address, self._namespace)
        is_served = await _is_served(client, self._task_queue)
        try:
            # One that waits for its worker, whichever, is left to wait.
            ends_if_unknown = is_served and not self._for_later and self._request.delay is None
            handle, is_new = await start_run(self._request, client, ends_if_unknown=ends_if_unknown)
        except RunExistsError as err:
            raise CommandError(f"{err}. Look at that one with `{self._command('show')}`.") from err
        if not wait:
            if ends_if_unknown and is_new and (unknown := await _unknown_job_message(client, handle)):
                raise CommandError(f"the run has ended before it began: {unknown}", status=FAILED)
            self._print_started(client, handle, is_new=is_new)
            if not is_served:
                print_notice(
                    f"no worker takes work from the task queue {self._task_queue!r}. The run waits until one does:"
                    f" terse-worker MODULE --task-queue {self._task_queue}"
                )
            return 0
        self._is_started = True
        # By its run id: another run may have the same workflow id later.
        this = client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id)
        return await watch_run(client, this, self._job, self._task_queue, look_at=self._command("show"))

    def _print_started(self, client: Client, handle: WorkflowHandle[Any, Any], *, is_new: bool) -> None:
        rows = {"workflow id": handle.id, "run id": handle.first_execution_run_id or ""}
        if url := web_ui_of(client, handle):
            rows["Web UI"] = url
        rows["look at it"] = self._command("show")
        what = "started" if is_new else "nothing is started: there is a run with this id of"
        console.print(f"{what} [bold]{escape(self._job)}[/]", soft_wrap=True)
        for name, value in rows.items():
            console.print(f"  {name:<12} ", end="")
            console.print(value, markup=False)

    def _command(self, verb: str) -> str:
        """Return what to type to look at the run."""
        return runs_command(verb, self._id, self._address, self._namespace)

    def print_how_to_return(self) -> None:
        """Print that the run goes on although it is no longer watched."""
        if self._is_started:
            print_how_to_return(self._command("watch"))


async def _is_served(client: Client, task_queue: str) -> bool:
    """Return whether a worker polls the task queue. Whoever may start runs need not be allowed to ask: then yes."""
    try:
        return not is_gone(await last_poll(client, task_queue))
    except RPCError:
        return True


async def _unknown_job_message(client: Client, handle: WorkflowHandle[Any, Any]) -> str | None:
    """Return what a worker says that does not have the job; `None` where one has begun it, or is busy."""
    with suppress(TimeoutError, RPCError):
        async with asyncio.timeout(_FIRST_TASK):
            history = RunHistory()
            async for event in handle.fetch_history_events(wait_new_event=True):
                history.add(await readable(event, client.data_converter))
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
