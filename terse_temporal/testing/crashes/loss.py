"""Telling the server at once what it would find out by itself.

A server learns that a worker has been killed from its silence: after seven seconds that of a step, after five that of
the worker that has a run in its cache. Shorter times in a test would have two steps run at once on a machine that is
busy. But a test *knows* that the worker is dead, because it has killed it. So it says what the server would say: a step
that was running has had no heartbeat, with the very failure that is recorded for that, and the run is in no cache. The
policy of the step decides what follows, as ever.

A turn of the handler (a workflow task) that a worker has begun is its own until the timeout, ten seconds by default. So
a process is killed when it is at none, while all that it asks is kept waiting: a turn takes milliseconds. But a local
step is part of a turn, so that turn is given up in the worker's name, by a token like the one that the server has given
it. A server that makes them otherwise does not take it, and waits for its timeout.

And a step that is to be killed when it has been recorded: its process is killed when the function has ended, and its
report is handed in under its name, as one that was on its way. Then nothing depends on how quickly the run goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from temporalio.api.common.v1 import Payloads, WorkflowExecution
from temporalio.api.enums.v1 import (
    EventType,
    PendingActivityState,
    PendingWorkflowTaskState,
    TimeoutType,
    WorkflowTaskFailedCause,
)
from temporalio.api.failure.v1 import Failure, TimeoutFailureInfo
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeWorkflowExecutionRequest,
    GetWorkflowExecutionHistoryRequest,
    ResetStickyTaskQueueRequest,
    RespondActivityTaskCompletedByIdRequest,
    RespondActivityTaskFailedByIdRequest,
    RespondWorkflowTaskFailedRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from .points import ActivityMark, Ending

__all__ = ["hand_in", "report_loss", "until_no_turn"]

_IDLE: Final = PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
_TURN: Final = PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_STARTED

_TURN_EVENTS: Final = (
    EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED,
    EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
    EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED,
    EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT,
)

_SNAPSHOT_EVERY: Final = 0.005  # seconds


async def report_loss(
    client: Client, runs: Iterable[tuple[str, str]], identity: str, *, but: ActivityMark | None = None
) -> None:
    """Say that a worker is dead.

    Args:
        client: of the server.
        runs: workflow and run id of those that it may have had.
        identity: of the worker.
        but: an attempt whose report is on its way.
    """
    service = client.workflow_service
    for workflow_id, run_id in list(runs):
        run = WorkflowExecution(workflow_id=workflow_id, run_id=run_id)
        with _unless_over():
            await service.reset_sticky_task_queue(
                ResetStickyTaskQueueRequest(namespace=client.namespace, execution=run)
            )
            described = await service.describe_workflow_execution(
                DescribeWorkflowExecutionRequest(namespace=client.namespace, execution=run)
            )
            for activity in described.pending_activities:
                reports = but is not None and (but.workflow_id, but.activity_id) == (workflow_id, activity.activity_id)
                if activity.state != _IDLE and activity.last_worker_identity == identity and not reports:
                    with _unless_over():
                        await _report_activity(client, run, activity.activity_id, identity)
            if described.pending_workflow_task.state == _TURN:
                await _report_turn(client, run, described.pending_workflow_task.attempt, identity)


async def until_no_turn(client: Client, runs: Iterable[tuple[str, str]]) -> None:
    """Wait until no handler of these runs has its turn on a worker."""
    for workflow_id, run_id in list(runs):
        run = WorkflowExecution(workflow_id=workflow_id, run_id=run_id)
        with _unless_over():
            while True:
                described = await client.workflow_service.describe_workflow_execution(
                    DescribeWorkflowExecutionRequest(namespace=client.namespace, execution=run)
                )
                if described.pending_workflow_task.state != _TURN:
                    break
                await asyncio.sleep(_SNAPSHOT_EVERY)


async def hand_in(client: Client, mark: ActivityMark, ending: Ending, report: bytes, identity: str) -> None:
    """Hand in the report of an attempt, under its worker's name.

    Args:
        client: of the server.
        mark: the attempt.
        ending: how it ended.
        report: the result or failure, as the worker would have sent it.
        identity: of the worker.
    """
    which: dict[str, Any] = {"namespace": client.namespace, "workflow_id": mark.workflow_id, "run_id": mark.run_id}
    if ending == "returned":
        await client.workflow_service.respond_activity_task_completed_by_id(
            RespondActivityTaskCompletedByIdRequest(
                **which, activity_id=mark.activity_id, result=Payloads.FromString(report), identity=identity
            )
        )
    else:
        await client.workflow_service.respond_activity_task_failed_by_id(
            RespondActivityTaskFailedByIdRequest(
                **which, activity_id=mark.activity_id, failure=Failure.FromString(report), identity=identity
            )
        )


async def _report_turn(client: Client, run: WorkflowExecution, attempt: int, identity: str) -> None:
    """Give up the turn of a handler that a dead worker was at.

    Args:
        client: of the server.
        run: whose.
        attempt: of that turn.
        identity: of the worker.
    """
    service = client.workflow_service
    history = await service.get_workflow_execution_history(
        GetWorkflowExecutionHistoryRequest(namespace=client.namespace, execution=run)
    )
    last = next((each for each in reversed(history.history.events) if each.event_type in _TURN_EVENTS), None)
    if last is None or last.workflow_task_started_event_attributes.identity != identity:
        return  # the next worker has it already
    namespace = await service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    scheduled = last.workflow_task_started_event_attributes.scheduled_event_id
    token = _task_token(namespace.namespace_info.id, run, scheduled, attempt)
    try:
        await service.respond_workflow_task_failed(
            RespondWorkflowTaskFailedRequest(
                namespace=client.namespace,
                task_token=token,
                cause=WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND,
                failure=Failure(message="the crash test has killed its worker"),
                identity=identity,
            )
        )
    except RPCError as err:
        if err.status not in (RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT):
            raise


def _task_token(namespace_id: str, run: WorkflowExecution, scheduled_event_id: int, attempt: int) -> bytes:
    """Return the token of a turn, as the server's `token.v1.Task` writes it."""
    texts = enumerate([namespace_id, run.workflow_id, run.run_id], 1)
    token = b"".join(bytes([field << 3 | 2]) + _varint(len(text.encode())) + text.encode() for field, text in texts)
    return token + b"\x20" + _varint(scheduled_event_id) + b"\x28" + _varint(attempt)


def _varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])


async def _report_activity(client: Client, run: WorkflowExecution, activity_id: str, identity: str) -> None:
    heartbeat = TimeoutFailureInfo(timeout_type=TimeoutType.TIMEOUT_TYPE_HEARTBEAT)
    await client.workflow_service.respond_activity_task_failed_by_id(
        RespondActivityTaskFailedByIdRequest(
            namespace=client.namespace,
            workflow_id=run.workflow_id,
            run_id=run.run_id,
            activity_id=activity_id,
            failure=Failure(message="activity Heartbeat timeout", source="Server", timeout_failure_info=heartbeat),
            identity=identity,
        )
    )


@contextmanager
def _unless_over() -> Iterator[None]:
    """Let it be if there is no such run, or it or the attempt is over."""
    try:
        yield
    except RPCError as err:
        if err.status != RPCStatusCode.NOT_FOUND:
            raise
