"""The end of a history, read from its end.

What a run waits for, or ended with, stands near the end of its history, which may have 51,200 events and fifty
megabytes before that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryReverseRequest
from temporalio.client import Client

from ..encryption.reading import readable
from ..engine.wire.continued import as_events
from ..engine.wire.history import RunHistory

__all__ = ["MOST_EVENTS", "Tail", "cancel_reason", "read_tail"]

#: Events that are read of one history at most, and bytes of them.
MOST_EVENTS: Final = 5_000
_MOST_BYTES: Final = 20_000_000

_PAGE: Final = 250


@dataclass(frozen=True)
class Tail:
    """The last events of a run.

    Attributes:
        events: they, in their order.
        history: what they say.
        is_whole: whether they are all that there are.
    """

    events: Sequence[HistoryEvent]
    history: RunHistory
    is_whole: bool


async def read_tail(
    client: Client, id: str, run_id: str, most: int = MOST_EVENTS, *, with_carried: bool = False
) -> Tail:
    """Read the last events of a run.

    Args:
        client: of its server.
        id: its workflow id.
        run_id: its run id.
        most: how many events, about.
        with_carried: where they are all that there are, and the run has continued as new by itself: those before too.

    Raises:
        RPCError: the server does not know the run, or refuses.
    """
    events: deque[HistoryEvent] = deque()
    size, token = 0, b""
    while True:
        answer = await client.workflow_service.get_workflow_execution_history_reverse(
            GetWorkflowExecutionHistoryReverseRequest(
                namespace=client.namespace,
                execution=WorkflowExecution(workflow_id=id, run_id=run_id),
                maximum_page_size=min(most, _PAGE),
                next_page_token=token,
            )
        )
        events.extendleft([await readable(each, client.data_converter) for each in answer.history.events])
        size += answer.ByteSize()
        token = answer.next_page_token
        if not token or len(events) >= most or size >= _MOST_BYTES:
            is_whole = not events or events[0].event_id == 1
            if events and is_whole and with_carried:
                events.extendleft(reversed(await as_events(events.popleft(), client.data_converter)))
            return Tail(events, RunHistory(events), is_whole)


async def cancel_reason(client: Client, id: str, run_id: str) -> str:
    """Return what was said by whoever has cancelled a run, if anything was, and that is among its last events.

    Args:
        client: of its server.
        id: its workflow id.
        run_id: its run id.

    Raises:
        RPCError: the server does not know the run, or refuses.

    Costs one request.
    """
    said = [
        event.workflow_execution_cancel_requested_event_attributes.cause
        for event in (await read_tail(client, id, run_id, _PAGE)).events
    ]
    # A run can be asked more than once: the first of them has cancelled it.
    return next(filter(None, said), "")
