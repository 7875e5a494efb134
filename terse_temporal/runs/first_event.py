"""The event that a history begins with, and what its run was started with."""

from __future__ import annotations

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.history.v1 import HistoryEvent, WorkflowExecutionStartedEventAttributes
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryRequest
from temporalio.client import Client

from ..engine.wire.continued import begin_of

__all__ = ["first_event", "started_with"]


async def first_event(client: Client, id: str, run_id: str) -> HistoryEvent:
    """Return the event that the history of a run begins with. One request.

    Args:
        client: of its server.
        id: its workflow id.
        run_id: its run id.

    Raises:
        RPCError: the server does not know the run, or refuses.
    """
    request = GetWorkflowExecutionHistoryRequest(
        namespace=client.namespace, execution=WorkflowExecution(workflow_id=id, run_id=run_id), maximum_page_size=1
    )
    answer = await client.workflow_service.get_workflow_execution_history(request, retry=True)
    return answer.history.events[0]


async def started_with(client: Client, id: str, run_id: str) -> WorkflowExecutionStartedEventAttributes:
    """Return what a run was started with, and nothing of what it carries that has continued as new by itself.

    Parameters, errors and costs are those of `first_event`; large payloads are taken from the storage, if there is one.
    """
    began = await begin_of(await first_event(client, id, run_id), client.data_converter)
    return began.workflow_execution_started_event_attributes
