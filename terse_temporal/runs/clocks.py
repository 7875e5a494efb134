"""The time of a run, of its timers and of the next attempts of its steps, as the server tells them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper

__all__ = ["clock_of", "fast_forward", "next_attempt_of"]

_WAITING = PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED


def clock_of(described: DescribeWorkflowExecutionResponse) -> datetime:
    """Return the run's own time."""
    extended = described.workflow_extended_info
    if extended.HasField("time_skipping_info"):
        return extended.time_skipping_info.current_time.ToDatetime(tzinfo=UTC)
    return datetime.now(UTC)


async def fast_forward(skipper: TimeSkipper, run: WorkflowHandle[Any, Any], duration: timedelta | None = None) -> None:
    """Let the clock of a run jump ahead, up to its end if that comes first; without a duration, until nothing waits.

    Raises:
        RPCError: there is no such run, or its server skips no time.
    """
    try:
        await skipper.fast_forward(run, duration)
    except RPCError as err:
        # It may have ended in this moment.
        status = (await run.describe()).status
        if err.status != RPCStatusCode.NOT_FOUND and status == WorkflowExecutionStatus.RUNNING:
            raise


def next_attempt_of(described: DescribeWorkflowExecutionResponse) -> datetime | None:
    """When a step is tried again, if that is all that the run has to do: none is running, nor is the handler."""
    clock = clock_of(described)
    attempts = [
        each.next_attempt_schedule_time.ToDatetime(tzinfo=UTC)
        for each in described.pending_activities
        if each.state == _WAITING and each.HasField("next_attempt_schedule_time")
    ]
    later = [attempt for attempt in attempts if attempt > clock]
    if described.HasField("pending_workflow_task") or len(later) < len(described.pending_activities):
        return None
    return min(later, default=None)
