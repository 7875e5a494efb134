"""Following a run to its end: what happens in it, why it waits, and how it ends.

Two questions are asked at once. One is for the next events of the history, and is answered when there are some. The
other is asked twice a second, because what a person waits for longest leaves no event: a step that is tried again, and
a run that no worker takes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from temporalio.api.common.v1 import Payloads
from temporalio.api.enums.v1 import (
    EventType,
    PendingActivityState,
    PendingWorkflowTaskState,
)
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from ..encryption.reading import readable, readable_steps
from ..engine.wire.history import TOLD_EARLY
from ..runs.endings import EndReason, failure_of_end
from ..runs.memo import question_text, read_memo
from ..runs.reading import take_in
from ..runs.task_queues import is_gone, poll_of
from ..runs.timeline import Entry, Timeline
from ..runs.wait_texts import not_current_sentence

__all__ = ["Follower", "Outcome"]

_POLL_EVERY: Final = 0.5  # seconds
_WITHOUT_WORKER: Final = 3.0  # seconds. A free worker takes a task in a few milliseconds.


@dataclass(frozen=True)
class Outcome:
    """The end of a run."""

    result: Any = None
    failure: EndReason | None = None


class Follower:
    """Follows one run.

    Args:
        handle: of the run. What continues it (a new run under the same id) is followed too.
        task_queue: where it waits for workers.
        on_change: called with an entry of the timeline that has changed.
        on_notice: called with a string that a person should know, once for each.
    """

    def __init__(
        self,
        client: Client,
        handle: WorkflowHandle[Any, Any],
        task_queue: str,
        *,
        on_change: Callable[[Entry], None],
        on_notice: Callable[[str], None],
    ) -> None:
        self.timeline = Timeline()
        self._client = client
        self._handle = handle
        self._task_queue = task_queue
        self._on_change = on_change
        self._on_notice = on_notice
        self._noticed: set[str] = set()
        self._waiting_since: float | None = None

    @property
    def run_id(self) -> str | None:
        """Of the run that is followed now: the last that continues the first."""
        return self._handle.run_id

    async def follow(self) -> Outcome:
        """Follow until the run has ended.

        Raises:
            RPCError: the server answers, and refuses or does not know the run.
        """
        polling = asyncio.create_task(self._poll())
        try:
            while True:
                outcome = await self._follow_history()
                if outcome is not None:
                    return outcome
        finally:
            polling.cancel()
            with suppress(asyncio.CancelledError):
                await polling

    async def _follow_history(self) -> Outcome | None:
        """Read the history of one run; `None` if another run continues it."""
        seen = 0
        is_disconnected = False
        while True:
            try:
                async for event in self._handle.fetch_history_events(wait_new_event=True):
                    if is_disconnected:
                        is_disconnected = False
                        self._on_notice("the server answers again")
                    if event.event_id <= seen:
                        continue
                    event = await readable(event, self._client.data_converter)  # noqa: PLW2901
                    seen = seen if event.event_type in TOLD_EARLY else event.event_id
                    for entry in await take_in(self.timeline, event, self._client):
                        self._on_change(entry)
                    if event.event_type == EventType.EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED:
                        await self._read_memo(event)
                    history = self.timeline.history
                    if history.blocked is not None:
                        self._notice_blocked(history.blocked)
                    if next_run := history.next_run_id:
                        self._handle = self._client.get_workflow_handle(self._handle.id, run_id=next_run)
                        return None
                    if outcome := await self._outcome(event):
                        return outcome
            except RPCError as err:
                if err.status not in (RPCStatusCode.UNAVAILABLE, RPCStatusCode.UNKNOWN):
                    raise
                if not is_disconnected:
                    is_disconnected = True
                    self._on_notice("the server does not answer; the run goes on when it is back. Still trying.")
                await asyncio.sleep(_POLL_EVERY)

    async def _read_memo(self, event: HistoryEvent) -> None:
        """Read what the run used, and what it waits for."""
        memo = event.workflow_properties_modified_event_attributes.upserted_memo
        tokens, waiting = await read_memo(self._client, memo.fields)
        self.timeline.tokens = tokens or self.timeline.tokens
        for number, question in (waiting or {}).items():
            if "event" in question:
                self._notice(f"waits for the event {question['event']!r}")
                continue
            if "tool" not in question:
                self._notice(f"asks {question_text(question)!r}: terse-temporal inputs show {self._handle.id} {number}")
                continue
            self._notice(
                f"waits for a decision about {question_text(question)}:"
                f" terse-temporal approve {self._handle.id} {number}, or deny"
            )

    async def _outcome(self, event: HistoryEvent) -> Outcome | None:
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
            return Outcome(await self._decode(event.workflow_execution_completed_event_attributes.result))
        failure = failure_of_end(event, self.timeline.history)
        return None if failure is None else Outcome(failure=failure)

    async def _decode(self, payloads: Payloads) -> Any:
        values = await self._client.data_converter.decode(payloads.payloads)
        return values[0] if values else None

    def _notice_blocked(self, message: str) -> None:
        if self.timeline.history.nondeterminism is not None:
            message = (
                f"its history does not fit the code of the worker. {message.rstrip('.')}. The log of the worker shows"
                " what was recorded beside what the code does now."
            )
        self._notice(f"the run waits: {message}")

    def _notice(self, text: str) -> None:
        if text not in self._noticed:
            self._noticed.add(text)
            self._on_notice(text)

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(_POLL_EVERY)
            # What the server does not answer to here, the reading of the history tells.
            with suppress(RPCError):
                described = (await self._handle.describe()).raw_description
                await readable_steps(described, self._client.data_converter)
                for entry in self.timeline.apply_pending(described.pending_activities):
                    self._on_change(entry)
                await self._check_for_workers(described)

    async def _check_for_workers(self, described: DescribeWorkflowExecutionResponse) -> None:
        if not _is_waiting_for_a_worker(described):
            self._waiting_since = None
            return
        self._waiting_since = self._waiting_since or time.monotonic()
        if time.monotonic() - self._waiting_since < _WITHOUT_WORKER:
            return
        poll = await poll_of(self._client, self._task_queue)
        if poll.at is None or is_gone(poll.at):
            self._notice(
                f"no worker takes work from the task queue {self._task_queue!r}. The run waits until one does:"
                f" terse-worker MODULE --task-queue {self._task_queue}"
            )
        elif poll.idle is not None:
            self._notice(
                f"no worker has taken it for {_WITHOUT_WORKER:.0f} seconds:"
                f" {not_current_sentence(self._task_queue, poll.idle.version, poll.idle.current)}"
            )
        else:
            self._notice(
                f"no worker has taken it for {_WITHOUT_WORKER:.0f} seconds, though one asked the task queue"
                f" {self._task_queue!r} for work at {poll.at.astimezone():%H:%M:%S}: it is busy, or has just ended."
            )


def _is_waiting_for_a_worker(described: DescribeWorkflowExecutionResponse) -> bool:
    task = described.pending_workflow_task
    if (
        described.HasField("pending_workflow_task")
        and task.state == PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_SCHEDULED
        and task.attempt <= 1  # later ones are held back by the server, because the task has failed
    ):
        return True
    return any(
        step.state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED and not step.HasField("last_started_time")
        for step in described.pending_activities
    )
