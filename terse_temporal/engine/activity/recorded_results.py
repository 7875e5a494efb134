"""What calls of a run have come to, found by the hash of it: in the memory of the worker, else in the run's history.

A history is read from its end, and no further than to what is looked for. A worker that has taken part in a
conversation has most of it at hand, and reads what other workers have added since; one that is new to it reads all of
it, once. A run that was reset has what it kept as the beginning of its own history, so nothing is different there. One
that has continued as new by itself carries what its histories before had, which need not be there any more.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from temporalio import activity
from temporalio.api.common.v1 import Payload, WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryReverseRequest
from temporalio.client import Client
from temporalio.converter import ActivitySerializationContext
from temporalio.service import RPCError, RPCStatusCode

from ...execution.protocol import UNSET
from ...execution.recorded_results import ResultsUnreadableError, result_hash
from ...serialization.wire_names import GENERATE_TEXT, LOCAL_ID_PREFIX, STATE_PREFIX
from ..limits import RESULTS_KEPT
from ..wire.continued import as_events
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
        #: By hash the result, if it is a string, else `UNSET`; its JSON; and how many bytes that had. To read strings
        #: from JSON would be most of what a turn of a long conversation costs here.
        self._kept: OrderedDict[str, tuple[Any, str, int]] = OrderedDict()
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
        if hashed not in self._kept:
            self._kept[hashed] = (data, "", len(text)) if isinstance(data, str) else (UNSET, text, len(text))
            self._bytes += len(text)
        self._kept.move_to_end(hashed)
        while self._bytes > self._max_bytes:
            _, (_, _, size) = self._kept.popitem(last=False)
            self._bytes -= size
        return hashed

    def get(self, hashed: str) -> Any:
        """Return a result, as JSON of its caller's own, or `UNSET`."""
        kept = self._kept.get(hashed)
        if kept is None:
            return UNSET
        self._kept.move_to_end(hashed)
        data, text, _ = kept
        return json.loads(text) if data is UNSET else data


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
        found = {each: result for each in hashes if (result := self._cache.get(each)) is not UNSET}
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
        ended = _Ended(self._info.task_queue)
        async for event in _events_from_end(client, self._info.workflow_id or "", self._info.workflow_run_id or ""):
            for each in reversed(await as_events(event, client.data_converter)):
                if (found := ended.add(each)) is not None:
                    yield await self._decoded(found)

    async def _decoded(self, found: _Result) -> tuple[Any, str]:
        context = ActivitySerializationContext(
            namespace=self._info.namespace,
            workflow_id=self._info.workflow_id or "",
            workflow_type=self._info.workflow_type or "",
            activity_type=found.name,
            activity_id=found.id,
            activity_task_queue=found.task_queue,
            is_local=found.is_local,
        )
        converter = activity.client().data_converter.with_context(context)
        if found.is_carried:  # as a handler was given it
            (data,) = converter.payload_converter.from_payloads(found.payloads)
        else:
            (data,) = await converter.decode(found.payloads)
        return data, json.dumps(data, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class _Result:
    """What a tool or a turn has come to.

    Attributes:
        name, id, task_queue, is_local: of the activity.
        payloads: the result.
        is_carried: whether it stands in a journal, decoded.
    """

    name: str
    id: str
    task_queue: str
    payloads: Sequence[Payload]
    is_local: bool = False
    is_carried: bool = False


class _Ended:
    """Puts together what events say, of which the last comes first."""

    def __init__(self, task_queue: str) -> None:
        self._task_queue = task_queue
        self._results: dict[int, Sequence[Payload]] = {}

    def add(self, event: HistoryEvent) -> _Result | None:
        """Take in an event, and return what it says."""
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
            done = event.activity_task_completed_event_attributes
            self._results[done.scheduled_event_id] = done.result.payloads
        elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            call = event.activity_task_scheduled_event_attributes
            result = self._results.pop(event.event_id, ())
            name = call.activity_type.name
            if result and _may_be_meant(name):
                is_carried = event.event_id < 0
                is_local = is_carried and call.activity_id.startswith(LOCAL_ID_PREFIX)
                queue = call.task_queue.name or self._task_queue
                return _Result(name, call.activity_id, queue, result, is_local, is_carried)
        elif event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED:
            local = local_marker(event)
            if local is not None and local.result and _may_be_meant(local.name):
                return _Result(local.name, local.id, self._task_queue, local.result, is_local=True)
        return None


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
