"""Putting jobs onto a worker, a client or a replayer."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from temporalio import activity, workflow
from temporalio.client import ClientConfig
from temporalio.plugin import SimplePlugin
from temporalio.worker import ReplayerConfig, UnsandboxedWorkflowRunner, Worker, WorkerConfig, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from ..converter import client_with_environment, headers_with_environment, with_environment
from ..errors import UnknownJobError
from ..jobs.job import Job
from ..jobs.registry import no_registering_while, registered_jobs
from ..state import StateStore
from ..state.opening import store_from_environment
from ..tools.mcp.mounts import mounts
from . import limits
from .activity.completion import retry_encoding
from .activity.heartbeats import Heartbeats
from .activity.runner import StepRunner
from .code.functions import FunctionIndex
from .deployments import current_version_watched
from .events.posting import EventsPost, VersionedEventsPost
from .events.waits_workflow import VersionedWaitsWorkflow, WaitsWorkflow
from .events.workflow import EventsWorkflow, VersionedEventsWorkflow
from .journal.bounds import Bounds, bounds_of
from .running_workers import worker_running
from .sdk_logs import IN_OUR_WORDS, WITHOUT_STEPS
from .sdk_private import (
    call_off_shutdown,
    give_activities_client,
    give_handlers_time,
    ignore_late_cancellations,
    is_dynamic,
)
from .state.store import TemporalStore
from .state.workflow import StateWorkflow, VersionedStateWorkflow
from .wire.payloads import takes_context
from .workflow.definitions import workflow_definition
from .workflow.nondeterminism import NondeterminismReporter
from .workflow.runner import JobRunner
from .workflow.sandbox import JobSource
from .workflow.unknown_jobs import unknown_job_definition

__all__ = ["OWN_WORKFLOWS", "TersePlugin", "on_blocked", "running_steps"]

#: The workflows of this package, which every worker has beside those of its jobs.
OWN_WORKFLOWS: Final = (StateWorkflow, EventsWorkflow, EventsPost, WaitsWorkflow)
_VERSIONED_WORKFLOWS: Final = (
    VersionedStateWorkflow,
    VersionedEventsWorkflow,
    VersionedEventsPost,
    VersionedWaitsWorkflow,
)

# The SDK's sandbox imports the module of a workflow that was written by hand anew for each of its runs, and jobs may
# stand in it too. Those are not this process's: it has them already.
no_registering_while(workflow.unsafe.in_sandbox)


class TersePlugin(SimplePlugin):
    """Runs jobs on a worker that you build yourself, beside workflows and activities of your own.

    Args:
        jobs: the jobs; `None` is every job that is registered when the worker is built.
        state_store: where the state of jobs is kept. It is yours to close. `None` is the database that the environment
            variable TERSE_STATE names when the worker is built, and without that Temporal itself.
        continue_after: how many events the history of a run may come to before the run continues in a new one, by
            itself. `None` is 30,000, or 20 MiB: the server ends it at 51,200 and 50. Small numbers are for tests.

    Raises:
        ValueError: `continue_after` is less than 20, which a run can hardly begin in, or over 30,000.

    Pass it to `Worker(..., plugins=[TersePlugin()])`, to `Replayer(..., plugins=[TersePlugin()])`, or to
    `Client.connect(..., plugins=[TersePlugin()])`, whose workers then all have it. The worker must not have a dynamic
    activity of its own: steps need that place.

    Your workflows stay in the SDK's sandbox, and may be written in one file with jobs: this package is added to what
    the sandbox passes through. Only a runner of a class of your own is left as it is; it has to pass `terse_temporal`
    through itself, `restrictions.with_passthrough_modules("terse_temporal")`.
    """

    def __init__(
        self,
        jobs: Iterable[Job] | None = None,
        *,
        state_store: StateStore | None = None,
        continue_after: int | None = None,
    ) -> None:
        super().__init__("terse_temporal.TersePlugin", workflow_runner=_passing_through)
        self._jobs = None if jobs is None else list(jobs)
        self._state_store = state_store
        self._bounds = bounds_of(continue_after)

    def configure_client(self, config: ClientConfig) -> ClientConfig:
        config = super().configure_client(config)
        config["data_converter"] = with_environment(config["data_converter"])
        config["header_codec_behavior"] = headers_with_environment(
            config["data_converter"], config.get("header_codec_behavior")
        )
        return config

    # Not by the parameters of `SimplePlugin`: what a worker gets (workflows, the activity, an interceptor, a runner) is
    # made together, of an index that each worker has of its own, and what stands around a worker needs that worker.
    def configure_worker(self, config: WorkerConfig) -> WorkerConfig:
        config = super().configure_worker(config)
        jobs = self._chosen_jobs()
        index = FunctionIndex(jobs.values())
        at_once = [config.get("max_concurrent_activities"), config.get("max_concurrent_local_activities")]
        # For both: ordinary steps that take long must not keep local ones from beginning. They are made as needed.
        threads = ThreadPoolExecutor(
            sum(each or limits.STEPS_AT_ONCE for each in at_once), thread_name_prefix="terse-step"
        )
        # A store may be one that is empty, and so false.
        given = self._state_store
        opened = store_from_environment() if given is None else None
        store = next((each for each in (given, opened) if each is not None), TemporalStore(activity.client))
        config["client"] = client_with_environment(config["client"])
        heartbeats = Heartbeats()
        close_store = opened.close if opened else None
        caches_runs = config.get("max_cached_workflows") != 0
        steps = StepRunner(jobs, index, heartbeats, threads, store, close_store, caches_runs=caches_runs)
        others = config.get("workflows", ())
        deployment = config.get("deployment_config")
        is_versioned = deployment is not None and deployment.use_worker_versioning
        own = _VERSIONED_WORKFLOWS if is_versioned else OWN_WORKFLOWS
        config["workflows"] = [*others, *own, *(workflow_definition(job, index) for job in jobs.values())]
        if not any(is_dynamic(other) for other in others):
            config["workflows"] = [*config["workflows"], unknown_job_definition(jobs)]
        config["activities"] = [*config.get("activities", ()), steps.run]
        config["interceptors"] = [*config.get("interceptors", ()), heartbeats]
        _set_runners(config, jobs, index, self._bounds).prepare()
        # Beats must not be held back longer than they are apart (the SDK would, by 80 % of the timeout).
        config["max_heartbeat_throttle_interval"] = limits.HEARTBEAT_EVERY
        return config

    async def run_worker(self, worker: Worker, next: Callable[[Worker], Awaitable[None]]) -> None:
        # Found in the worker, not kept here: one plugin, given to a client, serves all of its workers.
        config = worker.config(active_config=True)
        runner = config["unsandboxed_workflow_runner"]
        owners = _step_runners(worker)
        assert isinstance(runner, JobRunner)
        assert isinstance(runner.reporter, NondeterminismReporter)
        runner.reporter.attach(worker.client, asyncio.get_running_loop())
        runner.takes_context = takes_context(worker.client.data_converter)
        retry_encoding(worker)
        give_activities_client(worker)
        ignore_late_cancellations(worker)
        if worker.client.data_converter.external_storage is not None:
            give_handlers_time(worker, limits.LARGE_DATA_TIME.total_seconds())
        async with contextlib.AsyncExitStack() as stack:
            names = {name for each in owners for name in each.jobs}
            deployment = config.get("deployment_config")
            is_versioned = deployment is not None and deployment.use_worker_versioning
            stack.enter_context(worker_running(worker.client, worker.task_queue, names, is_versioned=is_versioned))
            stack.enter_context(WITHOUT_STEPS)
            stack.enter_context(IN_OUR_WORDS)
            stack.push_async_callback(runner.drop_cached)
            for each in owners:
                # Not waited for: a step that was cut off goes on in its thread until it returns.
                stack.callback(each.threads.shutdown, wait=False, cancel_futures=True)
                stack.callback(each.handed_over.end)
                if each.close_store is not None:
                    stack.push_async_callback(each.close_store)
                stack.enter_context(each.heartbeats.watching(worker))
            # Connected before the worker polls, so that no step of it meets a server that is not there.
            modules = {name for each in owners for name in each.modules}
            try:
                await stack.enter_async_context(mounts.serving(modules))
            except BaseException:
                call_off_shutdown(worker)
                raise
            if is_versioned and deployment is not None:
                await stack.enter_async_context(current_version_watched(worker.client, deployment.version))
            await next(worker)

    def configure_replayer(self, config: ReplayerConfig) -> ReplayerConfig:
        config = super().configure_replayer(config)
        converter = config["data_converter"] = with_environment(config.get("data_converter"))
        config["header_codec_behavior"] = headers_with_environment(converter, config.get("header_codec_behavior"))
        jobs = self._chosen_jobs()
        index = FunctionIndex(jobs.values())
        config["workflows"] = [
            *config.get("workflows", ()),
            *OWN_WORKFLOWS,
            *(workflow_definition(job, index) for job in jobs.values()),
        ]
        _set_runners(config, jobs, index, self._bounds)
        return config

    def _chosen_jobs(self) -> dict[str, Job]:
        chosen: Sequence[Job] = registered_jobs() if self._jobs is None else self._jobs
        if not chosen:
            raise UnknownJobError(
                "there are no jobs to run: import the modules that create them first, or pass jobs=[…]"
            )
        jobs = {job.name: job for job in chosen}
        if len(jobs) < len(chosen):
            names = sorted({job.name for job in chosen if sum(other.name == job.name for other in chosen) > 1})
            raise UnknownJobError(f"jobs=[…] has two of the same name: {', '.join(map(repr, names))}")
        return jobs


def on_blocked(worker: Worker, tell: Callable[[str, str], None]) -> None:
    """Have it told when a run of a worker cannot go on, because its history does not fit: its id, and what differs."""
    runner = worker.config(active_config=True)["unsandboxed_workflow_runner"]
    assert isinstance(runner, JobRunner)
    assert isinstance(runner.reporter, NondeterminismReporter)
    runner.reporter.on_blocked = tell


def running_steps(worker: Worker) -> list[str]:
    """Return the names of the steps that a worker is running, quoted. May be asked on any thread."""
    return [step for each in _step_runners(worker) for step in each.heartbeats.steps]


def _step_runners(worker: Worker) -> list[StepRunner]:
    owners = [getattr(each, "__self__", None) for each in worker.config(active_config=True)["activities"]]
    return [each for each in owners if isinstance(each, StepRunner)]


def _set_runners(
    config: WorkerConfig | ReplayerConfig, jobs: dict[str, Job], index: FunctionIndex, bounds: Bounds
) -> JobRunner:
    otherwise = config.get("unsandboxed_workflow_runner") or UnsandboxedWorkflowRunner()
    sources = {name: JobSource(job) for name, job in jobs.items()}
    runner = JobRunner(sources, index, otherwise, NondeterminismReporter(), bounds)
    config["unsandboxed_workflow_runner"] = runner
    return runner


def _passing_through(given: WorkflowRunner | None) -> WorkflowRunner:
    """Return the runner, so that modules which it imports anew may import this package.

    Its classes cannot be made there.
    """
    runner = given or SandboxedWorkflowRunner()
    if type(runner) is not SandboxedWorkflowRunner:
        return runner
    restrictions = runner.restrictions.with_passthrough_modules(__name__.partition(".")[0])
    return dataclasses.replace(runner, restrictions=restrictions)
