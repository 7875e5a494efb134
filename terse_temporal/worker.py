"""`build_worker`: a Temporal worker that runs jobs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from temporalio.client import Client
from temporalio.worker import Worker

from .engine import limits
from .engine.plugin import TersePlugin
from .jobs.registry import Job
from .state import StateStore

__all__ = ["DEFAULT_TASK_QUEUE", "build_worker"]

DEFAULT_TASK_QUEUE = "terse"

_ALTERNATIVES = {
    "max_concurrent_activities": "tuner",
    "max_concurrent_workflow_task_polls": "workflow_task_poller_behavior",
    "max_concurrent_activity_task_polls": "activity_task_poller_behavior",
}


def build_worker(
    client: Client,
    *,
    jobs: Iterable[Job] | None = None,
    task_queue: str = DEFAULT_TASK_QUEUE,
    state_store: StateStore | None = None,
    **worker_options: Any,
) -> Worker:
    """A worker for jobs, with options that suit many short ones. Run it with `async with`, or `await worker.run()`.

    Args:
        client: any client, with whatever data converter: what travels is plain JSON.
        jobs: the jobs; `None` is every registered one.
        task_queue: where it takes its work from.
        state_store: where the state of jobs is kept, as `TersePlugin` takes it.
        worker_options: any option of `temporalio.worker.Worker`; they win over the ones chosen here
            (`engine/limits.py` says why each is what it is).

    Raises:
        UnknownJobError: there are no jobs, or two have one name.
        JobDefinitionError: every run of a job needs a copy of its module, and that cannot be executed again.
    """
    options: dict[str, Any] = {
        "graceful_shutdown_timeout": limits.GRACE,
        "max_concurrent_activities": limits.STEPS_AT_ONCE,
        "max_concurrent_workflow_task_polls": limits.WORKFLOW_POLLERS,
        "max_concurrent_activity_task_polls": limits.STEP_POLLERS,
        "sticky_queue_schedule_to_start_timeout": limits.STICKY_TIMEOUT,
    }
    # The SDK takes each of these in two ways, and refuses both at once.
    for ours, theirs in _ALTERNATIVES.items():
        if theirs in worker_options:
            del options[ours]
    options.update(worker_options)
    plugins = [*options.pop("plugins", ()), TersePlugin(jobs, state_store=state_store)]
    return Worker(client, task_queue=task_queue, plugins=plugins, **options)
