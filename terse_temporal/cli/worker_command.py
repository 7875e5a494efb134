"""`terse-worker`: a process that runs jobs."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Annotated, Any, cast

import typer
from rich.markup import escape
from temporalio.client import Client

from ..client import connect
from ..diagnostics.logs import logger_of
from ..engine.limits import CACHED_RUNS, STEP_POLLERS, STEPS_AT_ONCE, WORKFLOW_POLLERS
from ..engine.worker_settings import SETTINGS, worker_settings
from ..errors import TerseError
from ..inputs.default_way import default_way, has_default_way
from ..inputs.links import link_problem
from ..jobs.job import Job
from ..jobs.loading import load_jobs, load_modules
from ..schedules.syncing import Change, sync
from ..worker import DEFAULT_TASK_QUEUE, TemporalWorkerOptions, build_worker
from .engine_log import EngineLog, ServerWatch, quiet_runtime
from .options import Address, Debug, Namespace, Targets, TaskQueue
from .output import configure_logging, console, job_table
from .schedules.sync import change_line
from .signals import run_until_signal
from .users_files import asks_people, users_build_id

__all__ = ["Observer", "WorkerOptions", "app", "run_worker"]

_logger = logger_of("worker")


@dataclass(frozen=True, kw_only=True)
class WorkerOptions:
    """The options of a worker process; `settings` are those of `engine/worker_settings.py`, by option."""

    targets: Sequence[str]
    task_queue: str = DEFAULT_TASK_QUEUE
    address: str | None = None
    namespace: str | None = None
    sync_schedules: bool = False
    debug: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)


class Observer:
    """Callbacks of a worker process, by how far it has come. This one prints it.

    Attributes:
        has_versions: whether the worker may be a version of a deployment, which somebody has to make current.
    """

    has_versions = True

    def on_loading(self, targets: Sequence[str]) -> None:
        """Print that the modules are imported next, which may take as long as what they import takes."""
        console.print(f"loading [bold]{escape(', '.join(targets))}[/]")

    def on_loaded(self, jobs: list[Job]) -> None:
        """Take the jobs of the modules, which have been imported."""

    def on_failed(self) -> None:
        """Take note that it does not run: a module cannot be loaded, or the server does not answer."""

    def on_connected(self, client: Client, jobs: list[Job], task_queue: str) -> None:
        """Print which server answers, and the jobs of the worker, which is made."""
        console.print(
            f"server [bold]{escape(client.service_client.config.target_host)}[/]"
            f"  namespace [bold]{escape(client.namespace)}[/]  task queue [bold]{escape(task_queue)}[/]"
        )
        console.print(job_table(jobs))

    def on_synced(self, changes: Sequence[Change]) -> None:
        """Print what was done with the schedules of the jobs; only how many there are, where nothing was."""
        for each in changes:
            if each.action != "unchanged":
                console.print(f"schedule {change_line(each)}", markup=False)
        unchanged = sum(each.action == "unchanged" for each in changes)
        if unchanged or not changes:
            console.print(f"schedules unchanged: {unchanged:,}")

    def run_beside(self, client: Client, jobs: list[Job], task_queue: str) -> AbstractAsyncContextManager[None]:
        """Run something else for as long as the worker runs. This one runs nothing."""
        return nullcontext()

    def on_ready(self) -> None:
        """Log that the worker takes work."""
        _logger.info("ready")


def _setting(option: str, metavar: str, help_text: str) -> Any:
    """Make an option that is read with its environment variable, by `worker_settings`, and shown with it here."""
    return typer.Option(option, metavar=metavar, help=f"{help_text} [{SETTINGS[option]}]", show_default=False)


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown")


@app.command()
def terse_worker(
    targets: Targets,
    task_queue: TaskQueue = DEFAULT_TASK_QUEUE,
    address: Address = None,
    namespace: Namespace = None,
    sync_schedules: Annotated[
        bool,
        typer.Option(
            "--sync-schedules",
            help="First make the schedules on the server match these jobs: `schedules sync`.",
        ),
    ] = False,
    steps_at_once: Annotated[
        str | None,
        _setting("--steps-at-once", "N", f"How many steps it runs at once, and how many local ones; {STEPS_AT_ONCE}."),
    ] = None,
    cached_runs: Annotated[
        str | None,
        _setting("--cached-runs", "N", f"How many runs it keeps in memory between their tasks; {CACHED_RUNS:,}."),
    ] = None,
    workflow_pollers: Annotated[
        str | None,
        _setting("--workflow-pollers", "N|N-M", f"How many tasks of runs it asks for at once; {WORKFLOW_POLLERS}."),
    ] = None,
    step_pollers: Annotated[
        str | None, _setting("--step-pollers", "N|N-M", f"How many steps it asks for at once; {STEP_POLLERS}.")
    ] = None,
    deployment: Annotated[
        str | None, _setting("--deployment", "NAME", "The worker deployment that it is a version of.")
    ] = None,
    build_id: Annotated[
        str | None, _setting("--build-id", "ID", "The version of its code; by default a hash of it.")
    ] = None,
    versioning: Annotated[
        str | None,
        _setting("--versioning", "auto-upgrade|pinned", "Whether runs go on with the current version of a deployment."),
    ] = None,
    debug: Debug = False,
) -> None:
    """Run the jobs of some modules, until SIGTERM or Ctrl-C.

    The server is found as the Temporal CLI finds it: by TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY and
    TEMPORAL_TLS…, or by a profile file; otherwise it is localhost:7233.

    With --sync-schedules it does not start where the schedules cannot be made: an id is taken, or the server does not
    let it. Any number of workers may do so at once.

    docs/scaling.md says when to change how much it does at once, and what versions of a deployment are.

    The first signal lets running steps end, for up to 20 seconds; after five more the process ends whatever they do.
    The second signal leaves at once.
    """
    given = {
        "--steps-at-once": steps_at_once,
        "--cached-runs": cached_runs,
        "--workflow-pollers": workflow_pollers,
        "--step-pollers": step_pollers,
        "--deployment": deployment,
        "--build-id": build_id,
        "--versioning": versioning,
    }
    run_worker(
        WorkerOptions(
            targets=targets,
            task_queue=task_queue,
            address=address,
            namespace=namespace,
            sync_schedules=sync_schedules,
            debug=debug,
            settings={option: value for option, value in given.items() if value is not None},
        )
    )


def run_worker(options: WorkerOptions, observer: Observer | None = None) -> None:
    """Run a worker in this process until a signal."""
    observer = observer or Observer()
    try:
        # Line by line also into a pipe: what a job prints would otherwise come out at the end.
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(line_buffering=True)
        server = ServerWatch()
        configure_logging(None if options.debug else EngineLog(server))
        observer.on_loading(options.targets)
        jobs = load_jobs(options.targets)
        observer.on_loaded(jobs)
        asyncio.run(_run(jobs, options, observer, server))
    except TerseError:
        observer.on_failed()
        raise


async def _run(jobs: list[Job], options: WorkerOptions, observer: Observer, server: ServerWatch) -> None:
    overrides: dict[str, Any] = {} if options.debug else {"runtime": quiet_runtime()}
    if has_default_way():
        default_way()  # what is wrong with it is said now, and not when a run asks
    if asks_people() and (problem := link_problem()) is not None:
        _logger.warning("%s (of this worker and of the gateway)", problem)
    settings = worker_settings(options.settings)  # before a server is asked for
    if not observer.has_versions:
        settings.pop("deployment_config", None)
    if settings.keys().isdisjoint(("build_id", "deployment_config")):
        settings["build_id"] = users_build_id({job._home for job in jobs})
    client = await connect(target_host=options.address, namespace=options.namespace, **overrides)
    worker = build_worker(client, jobs=jobs, task_queue=options.task_queue, **cast("TemporalWorkerOptions", settings))
    observer.on_connected(client, jobs, options.task_queue)
    if options.sync_schedules:
        # After the worker was made: jobs that cannot be run get no schedule.
        modules = {module.__name__ for module in load_modules(options.targets)}
        observer.on_synced(await sync(jobs, client, task_queue=options.task_queue, modules=modules))
    server.attach(client)
    try:
        async with observer.run_beside(client, jobs, options.task_queue):
            await run_until_signal(worker, observer.on_ready)
    finally:
        server.detach()
