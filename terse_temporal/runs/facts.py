"""What a server knows of a run that has not ended, fetched with few requests."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from temporalio.api.enums.v1 import EventType, PendingActivityState, VersioningBehavior, WorkflowExecutionStatus
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse
from temporalio.client import Client
from temporalio.service import RPCError

from ..encryption.reading import readable_steps
from ..engine.wire.calls import JobCall, StepCall, read_call
from ..engine.wire.continued import may_carry
from ..engine.wire.history import RunHistory
from ..engine.wire.records import StepRecord
from ..errors import UnreadableCallError
from ..serialization.wire_names import RUN_RESULT, RUN_RESULTS, WAITING_MEMO
from .clocks import clock_of
from .history_tail import MOST_EVENTS, Tail, read_tail
from .memo import read_memo
from .received import read_received
from .search_attributes import TAGS
from .task_queues import IdleVersion, Poll, poll_of

__all__ = ["Facts", "Polls", "gather_facts", "step_queue"]

#: Events that are read to say in short what a run waits for: a sleep began with the last ones.
_FEW_EVENTS: Final = 50

_SCHEDULED: Final = PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED


@dataclass
class Facts:
    """What is known of a run, at one time.

    Attributes:
        described: what the server answers when it is asked for a description.
        tail: the end of its history, where that was needed.
        tags: what it can be found by.
        waiting: what its memo says that it waits for, by number.
        is_memo_read: whether that could be read by this client.
        calls: what the steps that are open were called with, by the id of the activity, as far as it can be read.
        polls: when workers last polled the task queues that it waits at, for handlers (`False`) and steps (`True`).
        idle_versions: the version of the workers that poll such a task queue, where none of them is given this run.
    """

    described: DescribeWorkflowExecutionResponse
    tail: Tail | None = None
    tags: Sequence[str] = ()
    waiting: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    is_memo_read: bool = True
    calls: Mapping[str, StepCall | JobCall] = field(default_factory=dict)
    polls: Mapping[tuple[str, bool], datetime | None] = field(default_factory=dict)
    idle_versions: Mapping[tuple[str, bool], IdleVersion] = field(default_factory=dict)

    @property
    def history(self) -> RunHistory:
        """What is known of its history."""
        return self.tail.history if self.tail is not None else RunHistory()

    @property
    def events(self) -> Sequence[HistoryEvent]:
        """The events that it is known from."""
        return self.tail.events if self.tail is not None else ()

    @property
    def is_whole(self) -> bool:
        """Whether that is all of it."""
        return self.tail is not None and self.tail.is_whole

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.described.workflow_execution_info.status in (
            WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING,
            WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_PAUSED,
        )

    @property
    def task_queue(self) -> str:
        """Where its handler waits for workers."""
        return self.described.workflow_execution_info.task_queue or self.described.execution_config.task_queue.name

    @property
    def now(self) -> datetime:
        """The run's own time."""
        return clock_of(self.described)


class Polls:
    """When task queues were last polled, each asked for once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._asked: dict[tuple[str, bool], asyncio.Task[Poll]] = {}

    async def of(self, task_queue: str, *, for_steps: bool) -> Poll:
        """Return when one was last polled, and by whom if by nobody who is given anything.

        Raises:
            RPCError: the server does not say. Whoever may look at runs need not be allowed to look at task queues.
        """
        key = (task_queue, for_steps)
        if key not in self._asked:
            self._asked[key] = asyncio.create_task(poll_of(self._client, task_queue, for_steps=for_steps))
        return await asyncio.shield(self._asked[key])


async def gather_facts(client: Client, id: str, run_id: str, polls: Polls, *, in_short: bool = False) -> Facts:
    """Ask a server about a run: for a description, the end of its history, and the task queues that it waits at.

    Args:
        client: of the server.
        id: its workflow id.
        run_id: its run id; empty for the newest run of that id.
        polls: what is known of task queues.
        in_short: read no more than a few events, and these only where the description does not tell what it waits for.

    Raises:
        RPCError: the server does not know the run, or refuses.
    """
    found = await client.get_workflow_handle(id, run_id=run_id or None).describe()
    facts = Facts(found.raw_description, tags=tuple(found.typed_search_attributes.get(TAGS) or ()))
    if not facts.is_running:
        return facts
    await readable_steps(facts.described, client.data_converter)
    if not in_short or _needs_history(facts.described):
        execution = facts.described.workflow_execution_info.execution
        facts.tail = await read_tail(
            client,
            execution.workflow_id,
            execution.run_id,
            _FEW_EVENTS if in_short else MOST_EVENTS,
            with_carried=not in_short,
        )
        facts.waiting = await _waiting(client, facts)
        facts.calls = await _calls(client, facts)
    asked = await _polls(facts, polls, in_short=in_short)
    facts.polls = {queue: each.at for queue, each in asked.items()}
    # Who has the version that a run is pinned to is given it, current or not.
    if not _is_pinned(facts.described):
        facts.idle_versions = {queue: each.idle for queue, each in asked.items() if each.idle is not None}
    return facts


def step_queue(facts: Facts, step: PendingActivityInfo) -> str:
    """Return where a step waits for workers."""
    return step.activity_options.task_queue.name or facts.task_queue


def _needs_history(described: DescribeWorkflowExecutionResponse) -> bool:
    """Return whether a description alone does not tell what a run waits for."""
    if WAITING_MEMO in described.workflow_execution_info.memo.fields:
        return True  # a memo that it was started with says nothing
    if described.HasField("pending_workflow_task"):
        return described.pending_workflow_task.attempt > 1
    if any(each.activity_type.name in (RUN_RESULT, RUN_RESULTS) for each in described.pending_activities):
        return True  # which run it is stands in the input
    return not described.pending_activities and not described.pending_children


async def _waiting(client: Client, facts: Facts) -> Mapping[str, Mapping[str, Any]]:
    """Return what the memo says that a run waits for.

    A run says so while it runs. What its memo had when it was started is of whoever started it, or of the run that this
    one continues; but where a run has continued as new by itself, it is what the run has said.
    """
    fields = facts.described.workflow_execution_info.memo.fields
    if WAITING_MEMO not in fields:
        return {}
    may_be_of_another = facts.is_whole and not (facts.events and may_carry(facts.events[0]))
    if may_be_of_another and WAITING_MEMO not in facts.history.memo:
        return {}
    _, waiting = await read_memo(client, fields)
    facts.is_memo_read = waiting is not None
    return await _not_come(client, facts, waiting or {})


async def _not_come(
    client: Client, facts: Facts, waiting: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, Mapping[str, Any]]:
    """Leave out the waits whose event has come since the handler was last advanced, and which it does not know of."""
    since = itertools.takewhile(
        lambda event: event.event_type != EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED and event.event_id > 0,
        reversed(facts.events),
    )
    left = dict(waiting)
    for come in await read_received(client, reversed(list(since))):
        for number, entry in left.items():
            # What is sent to the run itself is for a wait under any key.
            if entry.get("event") == come.name and come.key in ("", entry.get("key")) and "more" not in entry:
                del left[number]
                break
    return left


async def _calls(client: Client, facts: Facts) -> dict[str, StepCall | JobCall]:
    open_ids = {each.activity_id for each in facts.described.pending_activities}
    calls = {}
    for record in facts.history.commands:
        if isinstance(record, StepRecord) and record.activity_id in open_ids and record.outcome == "open":
            # What another client has encrypted, or another program has written, says nothing to this one.
            with suppress(Exception):
                (wire,) = await client.data_converter.decode(list(record.input))
                with suppress(UnreadableCallError):
                    calls[record.activity_id] = read_call(wire)
    return calls


async def _polls(facts: Facts, polls: Polls, *, in_short: bool) -> dict[tuple[str, bool], Poll]:
    described = facts.described
    queues = {
        (step_queue(facts, each), True)
        for each in described.pending_activities
        if each.state == _SCHEDULED and not _is_later(each, facts.now)
    }
    # In full it is also told of a run that waits for something else, and then goes on only where there is a worker.
    if described.HasField("pending_workflow_task") or not in_short:
        queues.add((facts.task_queue, False))
    found = {}
    for queue, for_steps in queues:
        with suppress(RPCError):
            found[queue, for_steps] = await polls.of(queue, for_steps=for_steps)
    return found


def _is_pinned(described: DescribeWorkflowExecutionResponse) -> bool:
    versioning = described.workflow_execution_info.versioning_info
    pinned, override = VersioningBehavior.VERSIONING_BEHAVIOR_PINNED, versioning.versioning_override
    if override.HasField("pinned") or override.behavior == pinned:
        return True
    return versioning.behavior == pinned and not override.auto_upgrade


def _is_later(step: PendingActivityInfo, now: datetime) -> bool:
    due = step.next_attempt_schedule_time
    return step.HasField("next_attempt_schedule_time") and due.ToDatetime(tzinfo=now.tzinfo) > now
