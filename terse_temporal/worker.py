"""`build_worker`: a Temporal worker that runs jobs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import timedelta
from typing import Any, TypedDict, Unpack

from temporalio.client import Client
from temporalio.worker import (
    Interceptor,
    PatchActivationInput,
    Plugin,
    PollerBehavior,
    SharedStateManager,
    Worker,
    WorkerDeploymentConfig,
    WorkerTuner,
    WorkflowRunner,
)

from .diagnostics.options import refuse_unknown_options
from .engine import limits
from .engine.plugin import TersePlugin
from .engine.worker_settings import worker_settings
from .jobs.job import Job
from .runs.starting import DEFAULT_TASK_QUEUE
from .state import StateStore

__all__ = ["DEFAULT_TASK_QUEUE", "TemporalWorkerOptions", "build_worker"]

#: Options of which the SDK takes the one or the other, and refuses both at once.
_ALTERNATIVES = (
    ("max_concurrent_workflow_tasks", "tuner"),
    ("max_concurrent_activities", "tuner"),
    ("max_concurrent_local_activities", "tuner"),
    ("max_concurrent_workflow_task_polls", "workflow_task_poller_behavior"),
    ("max_concurrent_activity_task_polls", "activity_task_poller_behavior"),
    ("build_id", "deployment_config"),
)


class TemporalWorkerOptions(TypedDict, total=False):
    """What `build_worker` passes on: the arguments of `temporalio.worker.Worker` but the client and the task queue."""

    activities: Sequence[Callable[..., Any]]
    nexus_service_handlers: Sequence[Any]
    workflows: Sequence[type]
    activity_executor: Executor | None
    workflow_task_executor: ThreadPoolExecutor | None
    nexus_task_executor: ThreadPoolExecutor | None
    workflow_runner: WorkflowRunner
    unsandboxed_workflow_runner: WorkflowRunner
    plugins: Sequence[Plugin]
    interceptors: Sequence[Interceptor]
    build_id: str | None
    identity: str | None
    max_cached_workflows: int
    max_concurrent_workflow_tasks: int | None
    max_concurrent_activities: int | None
    max_concurrent_local_activities: int | None
    max_concurrent_nexus_tasks: int | None
    tuner: WorkerTuner | None
    max_concurrent_workflow_task_polls: int | None
    nonsticky_to_sticky_poll_ratio: float
    max_concurrent_activity_task_polls: int | None
    no_remote_activities: bool
    sticky_queue_schedule_to_start_timeout: timedelta
    max_heartbeat_throttle_interval: timedelta
    default_heartbeat_throttle_interval: timedelta
    max_activities_per_second: float | None
    max_task_queue_activities_per_second: float | None
    max_eager_activity_reservations_per_workflow_task: int
    graceful_shutdown_timeout: timedelta
    plugin_shutdown_timeout: timedelta | None
    workflow_failure_exception_types: Sequence[type[BaseException]]
    shared_state_manager: SharedStateManager | None
    debug_mode: bool
    disable_eager_activity_execution: bool
    on_fatal_error: Callable[[BaseException], Awaitable[None]] | None
    use_worker_versioning: bool
    disable_safe_workflow_eviction: bool
    deployment_config: WorkerDeploymentConfig | None
    patch_activation_callback: Callable[[PatchActivationInput], bool] | None
    workflow_task_poller_behavior: PollerBehavior
    activity_task_poller_behavior: PollerBehavior
    nexus_task_poller_behavior: PollerBehavior
    disable_payload_error_limit: bool
    max_workflow_task_external_storage_concurrency: int


def build_worker(
    client: Client,
    *,
    jobs: Iterable[Job] | None = None,
    task_queue: str = DEFAULT_TASK_QUEUE,
    state_store: StateStore | None = None,
    continue_after: int | None = None,
    **worker_options: Unpack[TemporalWorkerOptions],
) -> Worker:
    """Return a worker for jobs, with options that suit many short ones.

    Run it with `async with`, or `await worker.run()`.

    Args:
        client: any client, with whatever data converter: what travels is plain JSON.
        jobs: the jobs; `None` is every registered one.
        task_queue: where it takes its work from.
        state_store: where the state of jobs is kept, as `TersePlugin` takes it.
        continue_after: events after which a run continues in a new history, as `TersePlugin` takes it.
        worker_options: any option of `temporalio.worker.Worker`; they win over the ones chosen here
            (`engine/limits.py` says why each is what it is) and over those of the environment (`TERSE_STEPS_AT_ONCE`
            and others, as `terse-worker --help` lists them).

    Raises:
        UnknownJobError: there are no jobs, or two have one name.
        JobDefinitionError: every run of a job needs a copy of its module, and that cannot be executed again.
        WorkerOptionError: an environment variable of a worker's has a value that it cannot have.
        TypeError: there is no such option; the message has the nearest names.
    """
    refuse_unknown_options("build_worker", worker_options, Worker, ours=("jobs", "state_store", "continue_after"))
    options: dict[str, Any] = {
        "graceful_shutdown_timeout": limits.GRACE,
        "max_concurrent_activities": limits.STEPS_AT_ONCE,
        "max_concurrent_local_activities": limits.STEPS_AT_ONCE,
        "max_cached_workflows": limits.CACHED_RUNS,
        "max_concurrent_workflow_task_polls": limits.WORKFLOW_POLLERS,
        "max_concurrent_activity_task_polls": limits.STEP_POLLERS,
        "sticky_queue_schedule_to_start_timeout": limits.STICKY_TIMEOUT,
    }
    _update(options, worker_settings({}))
    _update(options, worker_options)
    plugins = [*options.pop("plugins", ()), TersePlugin(jobs, state_store=state_store, continue_after=continue_after)]
    return Worker(client, task_queue=task_queue, plugins=plugins, **options)


def _update(options: dict[str, Any], by: Mapping[str, Any]) -> None:
    for pair in _ALTERNATIVES:
        if not by.keys().isdisjoint(pair):
            for each in pair:
                options.pop(each, None)
    options.update(by)
