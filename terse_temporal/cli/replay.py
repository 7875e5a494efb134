"""`terse-temporal replay`: whether runs that are open, or were saved, can go on with the code that is here."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from rich.status import Status
from temporalio.client import Client, WorkflowHistory
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.service import RPCError, RPCStatusCode

from ..engine.replay.replayer import replay as replay_histories
from ..jobs.job import Job
from ..jobs.loading import load_jobs
from ..serialization.wire_names import OWN_WORKFLOW_TYPES
from .exiting import FAILED, USAGE_ERROR, CommandError
from .histories import RunQuery, fetch_histories, history_files, read_history, save_history
from .options import Address, Debug, Namespace, Targets
from .output import console, errors, print_json
from .replay_results import ReplayResults
from .servers import silent_client
from .tasks import run_interruptibly

__all__ = ["replay", "without_logs"]


def replay(
    targets: Targets,
    *,
    history: Annotated[
        list[str] | None,
        typer.Option(
            "--history",
            metavar="FILE|DIR",
            help="A saved history, or a directory of them, instead of a server. May be given more than once.",
        ),
    ] = None,
    running: Annotated[
        bool, typer.Option("--running", help="The runs that are open on the server; the default without --history.")
    ] = False,
    recent: Annotated[
        int, typer.Option("--recent", metavar="N", min=0, help="Also the N runs that were closed last.")
    ] = 0,
    save: Annotated[
        Path | None,
        typer.Option(
            "--save", metavar="DIR", file_okay=False, help="Keep the histories that are fetched, a file each."
        ),
    ] = None,
    task_queue: Annotated[
        str | None,
        typer.Option(
            "--task-queue",
            "-q",
            metavar="NAME",
            help="Only runs of this task queue; and all that are open there must have their job here.",
        ),
    ] = None,
    job: Annotated[
        list[str] | None,
        typer.Option(
            "--job",
            metavar="NAME",
            help="With --task-queue: only runs of this job, which may be gone from here. May be given more than once.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
    address: Address = None,
    namespace: Namespace = None,
    debug: Debug = False,
) -> int:
    """Replay histories against this code, before it is deployed, and say which runs would break.

    Handlers are executed as far as their runs have come; no step and no tool is. No worker, MCP server or key is
    needed, and with --history no Temporal server.

    The exit status is 0 when all fit, or there are none; 1 when a run would break; 2 when something could not be looked
    at: a module that cannot be loaded, no server, a file that is no history.
    """
    # After --history a shell puts all that a pattern such as saved/*.json stands for.
    more = [target for target in targets if history and target.endswith(".json")]
    with contextlib.nullcontext() if debug else without_logs():
        # What modules and handlers print is not what this command says.
        with contextlib.redirect_stdout(sys.stderr):
            jobs = load_jobs([target for target in targets if target not in more])
            files = history_files([*(history or ()), *more])
        request = _Request(jobs, files, running or not history, recent, save, task_queue, namespace, job)
        if save is not None and not request.of_server:
            raise CommandError(
                "--save keeps histories that are fetched from a server, and those of --history are files already"
            )
        results = run_interruptibly(_replay(request, address))
    if as_json:
        print_json(results.data())
    elif not results.looked_at:
        console.print(f"nothing to replay: {request.describe_nothing()}", markup=False)
    else:
        results.show()
    return FAILED if results.breaking else USAGE_ERROR if results.unreadable else 0


@dataclass
class _Request:
    """A request for runs to be replayed."""

    jobs: Sequence[Job]
    files: Sequence[Path]
    running: bool
    recent: int
    save: Path | None
    task_queue: str | None
    namespace: str | None
    only: Sequence[str] | None
    where: str = field(default="", init=False)

    @property
    def of_server(self) -> bool:
        return self.running or self.recent > 0

    def wanted(self) -> list[RunQuery]:
        """Return what the server is asked for."""
        names = [job.name for job in self.jobs]
        # The state of jobs, and events by key, are kept by runs too, which have to fit the release of this package that
        # is deployed. And whatever is open on a task queue is asked for, since a job that was renamed or taken away is
        # not among those.
        types = [*names, *OWN_WORKFLOW_TYPES] if self.task_queue is None else self.only
        running = [RunQuery(types, self.task_queue, is_open=True)] if self.running else []
        recent = [RunQuery(names, self.task_queue, is_open=False, limit=self.recent)] if self.recent else []
        return [*running, *recent]

    def describe_nothing(self) -> str:
        kinds = " or recently closed" if self.running and self.recent else "" if self.running else " closed"
        opened = " open" if self.running else ""
        names = ", ".join(repr(job.name) for job in self.jobs)
        which = f"on the task queue {self.task_queue!r} of" if self.task_queue else f"of {names} on"
        return f"there is no{opened}{kinds} run {which} {self.where}"


async def _replay(request: _Request, address: str | None) -> ReplayResults:
    results = ReplayResults()
    client = await silent_client(address, request.namespace) if request.of_server else None
    silent = Runtime(telemetry=TelemetryConfig(logging=None))
    with _progress() as status, contextlib.redirect_stdout(sys.stderr):
        try:
            total = await _total(client, request) if client is not None and status is not None else 0
            replaying = replay_histories(request.jobs, _histories(client, request, results), runtime=silent)
            async for replayed in replaying:
                results.add(replayed)
                if status is not None:
                    of = f" of {total + len(request.files):,}" if total else ""
                    broken = f", {results.breaking:,} would break" if results.breaking else ""
                    status.update(f"replayed {results.looked_at:,}{of}{broken}")
        except RPCError as err:
            if err.status is RPCStatusCode.UNAVAILABLE:
                gone = f"the server is gone, after {results.looked_at:,} were replayed: {err.message}"
                raise CommandError(gone) from err
            raise CommandError(f"the server refuses it: {err.message}") from err
    return results


async def _histories(
    client: Client | None, request: _Request, results: ReplayResults
) -> AsyncIterator[WorkflowHistory]:
    for file in request.files:
        try:
            history = read_history(file)
        except CommandError as err:
            results.add_unreadable(str(err))
        else:
            yield history
    if client is None:
        return
    request.where = f"{client.service_client.config.target_host!r} (namespace {client.namespace!r})"
    if request.save is not None:
        _make_directory(request.save)
    async for history in fetch_histories(client, request.wanted()):
        if request.save is not None:
            save_history(history, request.save)
        yield history


async def _total(client: Client, request: _Request) -> int:
    counts = [(each.limit, (await client.count_workflows(each.query)).count) for each in request.wanted()]
    return sum(count if limit is None else min(limit, count) for limit, count in counts)


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise CommandError(f"the directory {str(path)!r} of --save cannot be made: {err.strerror}") from err


def _progress() -> AbstractContextManager[Status | None]:
    return errors.status("looking for runs") if errors.is_terminal else contextlib.nullcontext()


@contextlib.contextmanager
def without_logs() -> Iterator[None]:
    """Leave out the log of the SDK and of the engine within the block."""
    # What the SDK and the engine log of a run that does not fit is what this command says, in other words.
    before = {logger: logger.level for logger in map(logging.getLogger, ("temporalio", "terse_temporal"))}
    for logger in before:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in before.items():
            logger.setLevel(level)
