"""What calls of a run have come to, found by the hash of it: in the memory of the worker, else in the run's history.

A history is read from its end, and no further than to what is looked for. A worker that has taken part in a
conversation has most of it at hand, and reads what other workers have added since; one that is new to it reads all of
it, once. A run that was reset has what it kept as the beginning of its own history, so nothing is different there.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any, Final

from temporalio import activity
from temporalio.api.common.v1 import Payload, WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryReverseRequest
from temporalio.client import Client
from temporalio.converter import ActivitySerializationContext
from temporalio.service import RPCError, RPCStatusCode

from ...execution.recorded_results import ResultsUnreadableError, result_hash
from ...serialization.wire_names import GENERATE_TEXT, STATE_PREFIX
from ..limits import RESULTS_KEPT
from ..wire.local_steps import local_marker

__all__ = ["HistoryResults", "ResultCache"]

#: Events that are asked for at first, as what is looked for mostly stands at the end; and of a later page, which is to
#: have about so many bytes.
_FIRST_PAGE: Final = 32
_LARGEST_PAGE: Final = 500
_PAGE_BYTES: Final = 4 * 1024 * 1024


class ResultCache:
    """The results that a worker has at hand: the last that it has made, read or used.

    Args:
        max_bytes: of their JSON, all together.
    """

    def __init__(self, max_bytes: int = RESULTS_KEPT) -> None:
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._max_bytes = max_bytes
        self._bytes = 0

    def keep(self, data: Any, text: str) -> str:
        """Keep a result, and return its hash.

        Args:
            data: as JSON.
            text: of that, in ASCII.
        """
        hashed = result_hash(data)
        if len(text) > self._max_bytes:
            return hashed
        if hashed not in self._texts:
            self._texts[hashed] = text
            self._bytes += len(text)
        self._texts.move_to_end(hashed)
        while self._bytes > self._max_bytes:
            _, oldest = self._texts.popitem(last=False)
            self._bytes -= len(oldest)
        return hashed

    def get(self, hashed: str) -> str | None:
        """Return the text of a result, or `None`."""
        text = self._texts.get(hashed)
        if text is not None:
            self._texts.move_to_end(hashed)
        return text


class HistoryResults:
    """What calls of the run of an activity have come to.

    Args:
        cache: of the worker.
        info: of the activity.
    """

    def __init__(self, cache: ResultCache, info: activity.Info) -> None:
        self._cache = cache
        self._info = info
        self._unread: AsyncIterator[tuple[Any, str]] | None = None

    async def find(self, hashes: Collection[str]) -> dict[str, Any]:
        """Return results, as JSON, by their hashes. Those that the history does not have are missing.

        Costs nothing where they are at hand, else a request for each few hundred events, from the last.

        Raises:
            ResultsUnreadableError: the server does not give the history now.
        """
        found = {each: json.loads(text) for each in hashes if (text := self._cache.get(each)) is not None}
        try:
            # What was read before may have been dropped since: then it is read again, once.
            for _ in range(2):
                if len(found) == len(set(hashes)):
                    break
                if self._unread is None:
                    self._unread = self._read()
                async for data, text in self._unread:
                    hashed = self._cache.keep(data, text)
                    if hashed in hashes:
                        found[hashed] = data
                        if len(found) == len(set(hashes)):
                            break
                else:
                    self._unread = None
        except RPCError as err:
            self._unread = None
            raise ResultsUnreadableError(f"the server has not told what was said before: {err}") from err
        return found

    async def _read(self) -> AsyncIterator[tuple[Any, str]]:
        """Yield what tools and turns of models have come to, the last first."""
        client = activity.client()
        run_id = self._info.workflow_run_id or ""
        while run_id:
            ended: dict[int, Sequence[Payload]] = {}
            earlier = ""
            async for event in _events_from_end(client, self._info.workflow_id or "", run_id):
                if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
                    done = event.activity_task_completed_event_attributes
                    ended[done.scheduled_event_id] = done.result.payloads
                elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                    call = event.activity_task_scheduled_event_attributes
                    result = ended.pop(event.event_id, ())
                    if result and _may_be_meant(call.activity_type.name):
                        queue = call.task_queue.name
                        yield await self._decoded(result, call.activity_type.name, call.activity_id, queue)
                elif event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED:
                    local = local_marker(event)
                    if local is not None and local.result and _may_be_meant(local.name):
                        yield await self._decoded(
                            local.result, local.name, local.id, self._info.task_queue, is_local=True
                        )
                elif event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
                    earlier = event.workflow_execution_started_event_attributes.continued_execution_run_id
            run_id = earlier

    async def _decoded(
        self, result: Sequence[Payload], name: str, id: str, task_queue: str, *, is_local: bool = False
    ) -> tuple[Any, str]:
        context = ActivitySerializationContext(
            namespace=self._info.namespace,
            workflow_id=self._info.workflow_id or "",
            workflow_type=self._info.workflow_type or "",
            activity_type=name,
            activity_id=id,
            activity_task_queue=task_queue,
            is_local=is_local,
        )
        (data,) = await activity.client().data_converter.with_context(context).decode(result)
        return data, json.dumps(data, separators=(",", ":"))


def _may_be_meant(name: str) -> bool:
    """Return whether an activity may be a turn or a tool, whose names have a dot. What steps return may be large."""
    return name == GENERATE_TEXT or ("." in name and not name.startswith(STATE_PREFIX))


async def _events_from_end(client: Client, workflow_id: str, run_id: str) -> AsyncIterator[HistoryEvent]:
    """Yield the events of a run, the last first; none of one that the server does not know any more."""
    size, token = _FIRST_PAGE, b""
    while True:
        request = GetWorkflowExecutionHistoryReverseRequest(
            namespace=client.namespace,
            execution=WorkflowExecution(workflow_id=workflow_id, run_id=run_id),
            maximum_page_size=size,
            next_page_token=token,
        )
        try:
            page = await client.workflow_service.get_workflow_execution_history_reverse(request, retry=True)
        except RPCError as err:
            if err.status == RPCStatusCode.NOT_FOUND:
                return
            raise
        events = page.history.events
        for event in events:
            yield event
        token = page.next_page_token
        if not token:
            return
        bytes_of_one = max(1, page.ByteSize() // max(1, len(events)))
        size = min(_LARGEST_PAGE, max(_FIRST_PAGE, _PAGE_BYTES // bytes_of_one))
