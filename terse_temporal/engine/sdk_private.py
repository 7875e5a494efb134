"""Every private name of the Temporal SDK for Python that this package uses (as of 1.35), each with what it waits for.

A release of the SDK may rename any of them. So nothing outside this file spells one, and `tests/engine/
test_private_names.py` says so. What stands in `temporalio.bridge.proto` is no private name, but documented nowhere
either: the messages between the SDK and its core, which a `WorkflowInstance`, a public class, is made for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from temporalio import activity
from temporalio.api.common.v1 import Payload
from temporalio.bridge.proto import ActivityHeartbeat
from temporalio.client import WorkflowHandle
from temporalio.converter import DataConverter
from temporalio.worker import Worker

__all__ = [
    "ActivityContext",
    "call_off_shutdown",
    "failed_task",
    "give_activities_client",
    "give_handlers_time",
    "ignore_late_cancellations",
    "is_dynamic",
    "keep_task",
    "logged_failure",
    "record_heartbeat",
    "replace_data_converter",
    "tasks_of_run",
    "was_started",
]


def record_heartbeat(worker: Worker, token: bytes, details: Sequence[Payload]) -> None:
    """Send a heartbeat for an activity from any thread, with details as they are.

    Private: `Worker._bridge_worker`. `activity.heartbeat()` needs the worker's event loop, which an activity may block.
    A client can send heartbeats too, but those do not pass by the SDK's core, which has a clock of its own beside the
    server's: it drops what a step returns that it has not heard of for the heartbeat timeout and five seconds more.

    Waits for: heartbeats of the SDK's own while the loop is blocked, or a method of the worker that may be called on
    any thread.
    """
    worker._bridge_worker.record_activity_heartbeat(ActivityHeartbeat(task_token=token, details=details))


class ActivityContext:
    """What a function that an activity runs is told of that activity.

    Private: `temporalio.activity._Context`, with the fields of the class. A function that goes on when its local
    activity has ended, as part of another one, must hear of the cancellation of that one, and beat for it.

    Waits for: local activities of the SDK's own that become ordinary ones when they take long.
    """

    def __init__(self, context: Any) -> None:
        self.held = context

    @classmethod
    def current(cls) -> ActivityContext:
        """Return that of the activity that this is called in."""
        return cls(activity._Context.current())

    def become_current(self) -> None:
        """Make whatever has this context part of the activity that this is called in."""
        vars(self.held).update(vars(activity._Context.current()))


def replace_data_converter(worker: Worker, replace: Callable[[DataConverter], DataConverter]) -> None:
    """Give the activities of a worker another data converter.

    Private: `Worker._activity_worker` and `_ActivityWorker._data_converter`. A result is encoded when the interceptors
    have returned, and what fails then is reported as a failure that the server retries.

    Waits for: a data converter for each worker, or encoding that is tried again by the SDK.
    """
    activities: Any = worker._activity_worker
    activities._data_converter = replace(activities._data_converter)


def give_activities_client(worker: Worker) -> None:
    """Let `activity.client()` be the client that the worker has of its plugins, and not the one that they were given.

    Private: `_ActivityWorker._client`. The rest of a worker takes the client of its plugins.

    Waits for: the SDK to do so for activities too.
    """
    activities: Any = worker._activity_worker
    activities._client = worker.client


def give_handlers_time(worker: Worker, seconds: float) -> None:
    """Let the handlers of a worker take longer in one go than the two seconds after which the SDK gives a task up.

    Private: `Worker._workflow_worker` and `_WorkflowWorker._deadlock_timeout_seconds`. Reading and writing large data
    takes longer. `debug_mode=True`, which is public, runs handlers on the worker's event loop, and never gives up.

    Waits for: an option of the worker.
    """
    workflows: Any = worker._workflow_worker
    if workflows is not None and workflows._deadlock_timeout_seconds is not None:
        workflows._deadlock_timeout_seconds = seconds


def ignore_late_cancellations(worker: Worker) -> None:
    """Have a worker pass over it when an activity that it has just handed in is to be cancelled.

    Private: `_ActivityWorker._handle_cancel_activity_task` and `_ActivityWorker._running_activities`. The SDK calls
    `warnings.warn`, and where warnings are errors, as in many test suites, that ends the whole worker. It happens by
    chance: a run that is evicted cancels its local activities, and one of them has ended meanwhile.

    Waits for: the SDK to log it.
    """
    activities: Any = worker._activity_worker
    if activities is None:
        return
    cancel = activities._handle_cancel_activity_task

    def cancel_running(token: bytes, request: Any) -> None:
        if token in activities._running_activities:
            cancel(token, request)

    activities._handle_cancel_activity_task = cancel_running


def call_off_shutdown(worker: Worker) -> None:
    """Have `Worker.shutdown()` return at once, for a worker that has never begun to run.

    Private: `Worker._shutdown_complete_event`, which the SDK itself sets where it fails before it has started anything.
    Where `run_worker` of a plugin fails first it does not, and the end of `async with worker` would wait for ever.

    Waits for: the SDK to set it whatever raises in `run_worker`.
    """
    worker._shutdown_complete_event.set()


def keep_task(loop: Any, task: asyncio.Task[Any], name: str | None) -> None:
    """Have a workflow instance keep a task from being collected, and cancel it at the end of the run.

    Private: `_WorkflowInstanceImpl._register_task`. The instance is the event loop of its run, without task factories.

    Waits for: `set_task_factory()` on the workflow's event loop.
    """
    loop._register_task(task, name=name)


def tasks_of_run(loop: Any) -> set[asyncio.Task[Any]]:
    """Return the set in which a workflow instance keeps the tasks of its run.

    Private: `_WorkflowInstanceImpl._tasks`. `asyncio.all_tasks(loop)` has those too that have left the run.

    Waits for: an eviction that ends with tasks that nothing wakes any more, instead of being tried again for ever.
    """
    tasks: set[asyncio.Task[Any]] = loop._tasks
    return tasks


def is_dynamic(definition: type) -> bool:
    """Return whether a workflow class takes every type that has none of its own. A worker has room for one.

    Private: the attribute that `workflow.defn` leaves on a class. A second dynamic workflow makes the SDK refuse the
    worker, so a plugin has to know whether the user has one.

    Waits for: a public way from a workflow class to its definition.
    """
    found = getattr(definition, "__temporal_workflow_definition", None)
    return found is not None and found.name is None


def logged_failure(record: logging.LogRecord) -> str | None:
    """Return the kind of failure that the SDK logs with a record: `ActivityFailure`, `WorkflowTaskFailure`; or `None`.

    Private: the attribute that it leaves on its records.

    Waits for: loggers of their own for the failures of activities and of workflow tasks.
    """
    return getattr(record, "__temporal_error_identifier", None)


def failed_task(record: logging.LogRecord) -> tuple[str, str, str] | None:
    """Return the workflow id, the run id and the workflow type of the task that a record of the SDK's says has failed.

    `None`, if it says something else, or these are not to be found.

    Private: what `_WorkflowWorker._handle_activation` calls its variables, which its frame in the traceback has. The
    record names the run id alone.

    Waits for: records that say of which workflow they are, as those that a handler logs do.
    """
    traceback = record.exc_info[2] if record.exc_info else None
    if traceback is None or traceback.tb_frame.f_code.co_name != "_handle_activation":
        return None
    known = traceback.tb_frame.f_locals
    run_id = getattr(known.get("act"), "run_id", "")
    if known.get("workflow") is not None:
        info = known["workflow"].get_info()
        return info.workflow_id, run_id, info.workflow_type
    if (begun := known.get("init_job")) is not None:
        return begun.workflow_id, run_id, begun.workflow_type
    return None


def was_started(handle: WorkflowHandle[Any, Any]) -> bool:
    """Return whether `Client.start_workflow` has started a run, instead of finding one that was open.

    Private: `WorkflowHandle._start_workflow_response`, the server's answer, of which the handle tells the run id alone.

    Waits for: a public way to ask a handle.
    """
    answer: Any = handle._start_workflow_response
    return answer is None or bool(answer.started)
