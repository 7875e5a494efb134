"""Calls that run at most once: steps with `on_interrupt="fail"`, and jobs that are not durable.

The server counts an attempt from the moment it has handed it to a worker, and not all that it hands out begins: a poll
of a worker that is shutting down takes one along, a process is killed before it has come to it. What is lost so must
run after all; what has begun must not run again. So such a call says that it begins before anything of it is run, by a
heartbeat with details that the server has answered. An attempt that finds the details of one before it runs nothing,
and reports that one as interrupted. One that finds none knows that nothing was begun, or that it raised what is to be
tried again: the details are taken away then.

Where the server does not answer, or answers that the attempt is over, nothing is run. Costs one request for each call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from temporalio import activity
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.workflowservice.v1 import RecordActivityTaskHeartbeatRequest
from temporalio.converter import ActivitySerializationContext, DataConverter

from ...serialization.wire_names import STEP_BEGUN_HEARTBEAT, STEP_INTERRUPTED_FAILURE
from ..wire.calls import JobCall, StepCall
from ..wire.failures import SentFailureError

__all__ = ["activity_converter", "interrupted", "is_interrupted", "report_begin", "report_retry"]

#: Seconds: less than the silence after which the server gives the attempt up.
_PATIENCE: Final = 5.0


def is_interrupted(call: StepCall | JobCall, info: activity.Info) -> bool:
    """Return whether an attempt before this one has begun, and nothing was heard of its end."""
    return call.once and bool(info.heartbeat_details)


def interrupted(how: str, *, final: bool) -> SentFailureError:
    """Return the failure of a call that was interrupted. Where it is final, the call is not run again."""
    return SentFailureError(how, type=STEP_INTERRUPTED_FAILURE, non_retryable=final)


def activity_converter(info: activity.Info) -> DataConverter:
    """Return what an activity's data are written and read with."""
    context = ActivitySerializationContext(
        namespace=info.namespace,
        workflow_id=info.workflow_id or "",
        workflow_type=info.workflow_type or "",
        activity_type=info.activity_type,
        activity_id=info.activity_id,
        activity_task_queue=info.task_queue,
        is_local=info.is_local,
    )
    return activity.client().data_converter.with_context(context)


async def report_begin(info: activity.Info) -> Sequence[Payload]:
    """Tell the server that this attempt begins. What is returned goes with every later heartbeat: each replaces it.

    Raises:
        Exception: it is not sure that the server knows, so nothing may be run.
    """
    details = await activity_converter(info).encode([{STEP_BEGUN_HEARTBEAT: info.attempt}])
    await _beat(info, details)
    return details


async def report_retry(info: activity.Info) -> None:
    """Tell the server that nothing of this attempt is running, so that the next one may begin.

    Where that cannot be told, the call counts as interrupted. A cancellation that comes meanwhile is too late.
    """
    with suppress(Exception, asyncio.CancelledError):
        await _beat(info, ())


async def _beat(info: activity.Info, details: Sequence[Payload]) -> None:
    """Send a heartbeat that is answered. Those of `activity.heartbeat()` are sent some time, by the SDK's core."""
    client = activity.client()
    request = RecordActivityTaskHeartbeatRequest(
        namespace=info.namespace,
        task_token=info.task_token,
        identity=client.identity,
        details=Payloads(payloads=details),
    )
    async with asyncio.timeout(_PATIENCE):
        await client.workflow_service.record_activity_task_heartbeat(request, retry=True)
