"""Sending events by a client: to a run, and by key to all that wait. Used in scripts, steps and plain jobs."""

from __future__ import annotations

import uuid
from typing import Any

from temporalio import activity
from temporalio.api.common.v1 import Payloads, WorkflowExecution, WorkflowType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    SignalWithStartWorkflowExecutionRequest,
    SignalWorkflowExecutionRequest,
)
from temporalio.client import Client

from ..engine.events.messages import events_workflow_id, send_message
from ..engine.limits import OWN_TASK_TIMEOUT
from ..engine.running_workers import running_worker
from ..engine.wire.payloads import in_json, in_order
from ..execution.run_events import EventToSend
from ..serialization.json_text import Json
from ..serialization.wire_names import EVENTS_SEND_SIGNAL, EVENTS_WORKFLOW
from .clients import client_here
from .requests import request as ask
from .starting import DEFAULT_TASK_QUEUE

__all__ = ["send_by_key", "signal_event"]


async def send_by_key(event: EventToSend, client: Client | None) -> None:
    """Send an event to every run that waits for it under its key.

    Raises:
        ServerUnavailableError: no server answers, or it refuses.
    """
    queue = event.task_queue or _task_queue_here(client)
    here = await client_here(client)
    request = SignalWithStartWorkflowExecutionRequest(
        namespace=here.namespace,
        workflow_id=events_workflow_id(queue, event.name, event.key),
        workflow_type=WorkflowType(name=EVENTS_WORKFLOW),
        task_queue=TaskQueue(name=queue),
        identity=here.identity,
        # The same for what the client sends again by itself: it is taken once.
        request_id=str(uuid.uuid4()),
        signal_name=EVENTS_SEND_SIGNAL,
        signal_input=Payloads(payloads=await _encoded(here, send_message(event))),
    )
    request.workflow_task_timeout.FromTimedelta(OWN_TASK_TIMEOUT)
    # Past the client's interceptors: one that lets time be skipped in what it starts would let a week be over at once.
    sending = here.workflow_service.signal_with_start_workflow_execution(request, retry=True)
    await ask(sending, f"the event {event.name!r} with the key {event.key!r} cannot be sent", here)


async def signal_event(client: Client, id: str, run_id: str, name: str, data: Json, event_id: str | None) -> None:
    """Send an event to a run that is open.

    Raises:
        RPCError: it is not (`NOT_FOUND`).
        ServerUnavailableError: no server answers, or it refuses.
    """
    more = [] if event_id is None else [in_json({"id": event_id})]
    request = SignalWorkflowExecutionRequest(
        namespace=client.namespace,
        workflow_execution=WorkflowExecution(workflow_id=id, run_id=run_id),
        signal_name=name,
        input=Payloads(payloads=await _encoded(client, data, *more)),
        identity=client.identity,
        request_id=str(uuid.uuid4()),
    )
    sending = client.workflow_service.signal_workflow_execution(request, retry=True)
    await ask(sending, f"the event {name!r} cannot be sent to the run {id!r}", client)


async def _encoded(client: Client, *values: Json) -> Any:
    converter = client.data_converter.payload_converter
    return await client.data_converter.encode([in_order(each, converter) for each in values])


def _task_queue_here(client: Client | None) -> str:
    """Return the task queue of the step that makes the call, of a worker in this process, or the default."""
    if client is None and activity.in_activity():
        return activity.info().task_queue
    worker = running_worker("", client)
    return worker.task_queue if worker is not None else DEFAULT_TASK_QUEUE
