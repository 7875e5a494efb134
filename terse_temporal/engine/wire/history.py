"""What a history says has happened, for everything that shows a run, compares it with code or waits for it.

Events tell of one thing in pieces, and name it in three ways: by the event that scheduled it, by the id of an activity
or timer, by the id of an update. They are put together here, and nowhere else.

What comes from a server may be newer than this, and a file may be cut off: an event of another kind is passed over, and
so is one about something whose beginning is not there. A history has 51,200 events at most; of each no more is kept
than a reference to what is in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType, StartChildWorkflowExecutionFailedCause, WorkflowTaskFailedCause
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import (
    HistoryEvent,
    MarkerRecordedEventAttributes,
    WorkflowExecutionStartedEventAttributes,
    WorkflowTaskFailedEventAttributes,
)

from ...diagnostics.places import users_places
from ...diagnostics.stalled import stalled_text
from ...serialization.wire_names import (
    CHILD_ENDED_MARKER,
    FOLLOW_ID_PREFIX,
    HELD_MARKER,
    JOURNAL_REPLAY,
    LOCAL_ID_PREFIX,
    ON_FAILURE_MARKER,
    OWN_WORKFLOWS,
)
from .local_steps import LocalMarker, local_marker
from .records import ChildRecord, Outcome, Record, StepRecord, TimerRecord, moment

__all__ = ["TOLD_EARLY", "RunHistory"]

#: What a server tells of a workflow task before it is recorded: where it is tried again, and where it brings an update.
#: If that is refused it never is, and the number of such an event is that of whatever comes next.
TOLD_EARLY: Final = frozenset(
    [EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED]
)

_ENDS_OF_RUNS: Final = frozenset(
    [
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW,
    ]
)

#: What is told of a child run, and what has then become of it.
_OF_CHILDREN: Final[Mapping[EventType.ValueType, Outcome]] = {
    EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED: "open",
    EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED: "failed",
    EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED: "open",
    EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED: "completed",
    EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED: "failed",
    EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED: "cancelled",
    EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT: "failed",
    EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED: "failed",
}

_EXISTS: Final = (
    StartChildWorkflowExecutionFailedCause.START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS
)

#: Workflow tasks that fail because a person wants it so, or because something came in while they were being done, such
#: as a skip of time.
_DONE_AGAIN: Final = frozenset(
    [
        WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW,
        WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND,
        WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND,
    ]
)


#: The marker that the SDK's core writes for `workflow.patched`.
_PATCH: Final = "core_patch"


#: In the marker of a child run that ended after its parent had continued: its run id, and what has become of it.
_ENDED_CHILD: Final = re.compile(re.escape(CHILD_ENDED_MARKER) + r"\.([0-9a-f-]{36})\.(completed|failed|cancelled)")
_OUTCOMES: Final[Mapping[str, Outcome]] = {"completed": "completed", "failed": "failed", "cancelled": "cancelled"}


@dataclass
class RunHistory:
    """A run, as far as its history has been read.

    Args:
        events: those to begin with. More are taken in by `add`, in their order.

    Attributes:
        started: what it was started with, or `None` where the first event is missing.
        commands: the steps, timers and child runs, in the order in which the handler made them. What this package
            starts for itself (`terse.…`) is not among them.
        updates: the arguments of the updates that the run accepted, in their order.
        memo: what its memo has come to, of what it has set itself.
        failed_task: how the last workflow task failed, if it did; `failed_at`, when.
        ended: the event that ended the run.
        tasks: by the event that something began with, the event of the workflow task that asked for it.
        completed_tasks: the events of the workflow tasks that were completed.
        resets: the workflow tasks at which the run was forked off another one, in their order.
        on_failure_task: the workflow task in which the handler had ended and its `on_failure` began; 0 without one.
        last_event_id: of the last event that was read.
        began: the time of the first event.
        clock: that of the last one.
        held_at: since when the run begins nothing new, as its history has grown long; `None` where it does.
        is_continued: whether it begins with what a run carries that has continued as new by itself, see `continued.py`.
    """

    events: Iterable[HistoryEvent] = ()
    started: WorkflowExecutionStartedEventAttributes | None = field(default=None, init=False)
    commands: list[Record] = field(default_factory=list, init=False)
    updates: list[Sequence[Payload]] = field(default_factory=list, init=False)
    memo: dict[str, Payload] = field(default_factory=dict, init=False)
    failed_task: WorkflowTaskFailedEventAttributes | None = field(default=None, init=False)
    failed_at: datetime | None = field(default=None, init=False)
    ended: HistoryEvent | None = field(default=None, init=False)
    tasks: dict[int, int] = field(default_factory=dict, init=False)
    completed_tasks: list[int] = field(default_factory=list, init=False)
    resets: list[HistoryEvent] = field(default_factory=list, init=False)
    on_failure_task: int = field(default=0, init=False)
    last_event_id: int = field(default=0, init=False)
    began: datetime | None = field(default=None, init=False)
    clock: datetime | None = field(default=None, init=False)
    held_at: datetime | None = field(default=None, init=False)
    is_continued: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._by_event: dict[int, Record] = {}
        self._admitted: dict[str, Sequence[Payload]] = {}
        self._reset_run_id = ""
        self._local: dict[str, StepRecord] = {}
        self._backoffs: dict[timedelta, StepRecord] = {}
        #: What was begun before the run continued, by the id that the server knows it by.
        self._carried: dict[str, Record] = {}
        #: When the last workflow task began, and what the clock of its worker said then.
        self._task_began: datetime | None = None
        self._worker_began: datetime | None = None
        events, self.events = self.events, ()
        for event in events:
            self.add(event)

    @property
    def steps(self) -> list[StepRecord]:
        """The steps, in the order in which the handler made them."""
        return [each for each in self.commands if isinstance(each, StepRecord)]

    @property
    def timers(self) -> list[TimerRecord]:
        """The sleeps and other timers, likewise."""
        return [each for each in self.commands if isinstance(each, TimerRecord)]

    @property
    def children(self) -> list[ChildRecord]:
        """The runs that it has started, likewise."""
        return [each for each in self.commands if isinstance(each, ChildRecord)]

    @property
    def run_id(self) -> str:
        """Its id. A run that was made by a reset has the first events of another; its own id stands where they end."""
        return self._reset_run_id or (self.started.original_execution_run_id if self.started is not None else "")

    @property
    def next_run_id(self) -> str:
        """The id of the run that continues it: as new, or by a retry or schedule of the workflow's; else empty."""
        if self.ended is None:
            return ""
        return (
            self.ended.workflow_execution_continued_as_new_event_attributes.new_execution_run_id
            or self.ended.workflow_execution_failed_event_attributes.new_execution_run_id
            or self.ended.workflow_execution_completed_event_attributes.new_execution_run_id
        )

    @property
    def blocked(self) -> str | None:
        """Why the run stands still: what the last workflow task failed with, if it is not simply done again."""
        failed = self.failed_task
        if failed is None or failed.cause in _DONE_AGAIN:
            return None
        where = next(iter(users_places(failed.failure.stack_trace)), "")  # the innermost, of a handler that was cut off
        return stalled_text(failed.failure.message, where) or failed.failure.message

    @property
    def nondeterminism(self) -> str | None:
        """Why the last workflow task was given up, if that is because the history does not fit the code."""
        failed = self.failed_task
        if failed is None or failed.cause != WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR:
            return None
        return failed.failure.message

    def scheduled_by(self, event_id: int) -> Record | None:
        """Return what an event began."""
        return self._by_event.get(event_id)

    def failed_step(self, failure: Failure) -> Record | None:
        """Return the step that the failure of an activity is of. Of a local one no event says when it began."""
        failed = failure.activity_failure_info
        step = self._by_event.get(failed.scheduled_event_id)
        # One that had failed before the run continued is of an event of another history.
        if isinstance(step, StepRecord) and failed.activity_id in ("", step.activity_id):
            return step
        return self.local_step(failed.activity_id) or self._carried.get(f"step {failed.activity_id}")

    def local_step(self, id: str) -> StepRecord | None:
        """Return a local step by its id in the run."""
        return self._local.get(id)

    def add(self, event: HistoryEvent) -> Record | None:
        """Take in the next event, and return the step or timer that it is about, if any."""
        self.last_event_id, self.clock = event.event_id, moment(event.event_time)
        if event.event_type in _ENDS_OF_RUNS:
            self.ended = event
        match event.event_type:
            case EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                return self._begin_step(event)
            case EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
                return self._attempt(event)
            case EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
                done = event.activity_task_completed_event_attributes
                return self._end(done.scheduled_event_id, "completed", result=done.result.payloads)
            case EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED:
                failed = event.activity_task_failed_event_attributes
                return self._end(failed.scheduled_event_id, "failed", failed.failure)
            case EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
                late = event.activity_task_timed_out_event_attributes
                return self._end(late.scheduled_event_id, "failed", late.failure)
            case EventType.EVENT_TYPE_ACTIVITY_TASK_CANCELED:
                return self._end(event.activity_task_canceled_event_attributes.scheduled_event_id, "cancelled")
            case EventType.EVENT_TYPE_TIMER_STARTED:
                return self._begin_timer(event)
            case EventType.EVENT_TYPE_TIMER_FIRED:
                return self._end(event.timer_fired_event_attributes.started_event_id, "completed")
            case EventType.EVENT_TYPE_TIMER_CANCELED:
                return self._end(event.timer_canceled_event_attributes.started_event_id, "cancelled")
            case EventType.EVENT_TYPE_MARKER_RECORDED if (marker := local_marker(event)) is not None:
                return self._add_local(marker, event)
            case _:
                self._add_of_the_run(event)
                return self._add_of_a_child(event)

    def _begin_step(self, event: HistoryEvent) -> Record | None:
        step = event.activity_task_scheduled_event_attributes
        if step.activity_id.startswith(FOLLOW_ID_PREFIX):
            return None  # by which a run that has continued waits for its children: markers tell of their ends
        task = step.workflow_task_completed_event_id
        if (carried := self._taken_up("step", step.activity_id, event, task)) is not None:
            if isinstance(carried, StepRecord):
                carried.input = step.input.payloads
            return carried
        if (handed_over := self._local.get(step.activity_id)) is not None:
            handed_over.input = step.input.payloads
            self._by_event[event.event_id] = handed_over
            return handed_over
        record = StepRecord(
            event_id=event.event_id,
            began=moment(event.event_time),
            summary=_summary(event),
            activity_id=step.activity_id,
            name=step.activity_type.name,
            input=step.input.payloads,
        )
        if record.is_carried:
            self._carried[f"step {record.activity_id}"] = record
            record.is_local = record.activity_id.startswith(LOCAL_ID_PREFIX)
            if record.is_local:
                self._local[record.activity_id] = record
        else:
            self.tasks[event.event_id] = task
        return self._begin(record)

    def _taken_up(self, kind: str, id: str, event: HistoryEvent, task: int) -> Record | None:
        """Return what was open when the run continued, or was still to be begun, and is begun by an event."""
        carried = self._carried.get(f"{kind} {id}")
        if carried is None or event.event_id < 0 or carried.outcome != "open":
            return None
        self._by_event[event.event_id] = carried
        self.tasks[carried.event_id] = task
        return carried

    def _begin_timer(self, event: HistoryEvent) -> Record:
        timer = event.timer_started_event_attributes
        if (
            carried := self._taken_up("timer", timer.timer_id, event, timer.workflow_task_completed_event_id)
        ) is not None:
            return carried
        duration = timer.start_to_fire_timeout.ToTimedelta()
        summary = _summary(event)
        retries = None if summary is not None else self._backoffs.pop(duration, None)
        began = moment(event.event_time)
        record = TimerRecord(
            event_id=event.event_id,
            began=began,
            summary=summary,
            timer_id=timer.timer_id,
            duration=duration,
            retries=retries,
        )
        if record.is_carried:
            self._carried[f"timer {timer.timer_id}"] = record
        return self._begin(record)

    def _add_local(self, marker: LocalMarker, event: HistoryEvent) -> Record | None:
        if marker.name == JOURNAL_REPLAY and not marker.id.startswith(LOCAL_ID_PREFIX):
            return None  # of the machinery
        step = self._local.get(marker.id)
        if step is None:
            began = self._began_at(marker)
            step = StepRecord(
                event_id=event.event_id,
                began=began,
                summary=_summary(event),
                activity_id=marker.id,
                name=marker.name,
                is_local=True,
                was_begun=True,
            )
            self.tasks[event.event_id] = marker.task
            self._begin(step)
            self._local[marker.id] = step
        elif step.is_carried:
            self._by_event[event.event_id] = step
            self.tasks[step.event_id] = marker.task
            step.was_begun = True
        step.attempt = marker.attempt
        if marker.is_handed_over:
            return step
        if marker.backoff is not None:
            step.failure = marker.failure
            self._backoffs[marker.backoff] = step
            return step
        failed = marker.failure
        is_cancelled = failed is not None and failed.HasField("canceled_failure_info")
        step.outcome = "cancelled" if is_cancelled else "completed" if failed is None else "failed"
        step.ended, step.ended_by = max(marker.completed, step.began), event.event_id
        step.failure, step.result = failed or step.failure, marker.result
        return step

    def _began_at(self, marker: LocalMarker) -> datetime:
        """Return when a local step was asked for, on the clock of the run: its worker's may be another."""
        if self._task_began is None:
            return marker.completed
        if self._worker_began is None:
            self._worker_began = marker.scheduled
        since = marker.scheduled - self._worker_began
        return min(max(self._task_began + since, self._task_began), max(marker.completed, self._task_began))

    def _add_of_a_child(self, event: HistoryEvent) -> Record | None:
        about: Any = getattr(event, event.WhichOneof("attributes") or "", None)
        if about is None or event.event_type not in _OF_CHILDREN:
            return None
        match event.event_type:
            case EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
                if about.workflow_type.name.startswith(OWN_WORKFLOWS):
                    return None
                task = about.workflow_task_completed_event_id
                if (carried := self._taken_up("run", about.workflow_id, event, task)) is not None:
                    return carried
                record = ChildRecord(
                    event_id=event.event_id,
                    began=moment(event.event_time),
                    summary=_summary(event),
                    name=about.workflow_type.name,
                    workflow_id=about.workflow_id,
                    input=about.input.payloads,
                )
                if record.is_carried:
                    self._carried[f"run {record.workflow_id}"] = record
                return self._begin(record)
            case EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED:
                child = self._by_event.get(about.initiated_event_id)
                if isinstance(child, ChildRecord):
                    child.run_id = about.workflow_execution.run_id
                return child
            case EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED:
                child = self._end(about.initiated_event_id, "failed")
                if isinstance(child, ChildRecord):
                    child.was_there = about.cause == _EXISTS
                return child
            case EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED:
                return self._end(about.initiated_event_id, "failed", about.failure)
            case _:
                return self._end(about.initiated_event_id, _OF_CHILDREN[event.event_type])

    def _add_of_the_run(self, event: HistoryEvent) -> None:
        match event.event_type:
            case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
                self.started, self.began = event.workflow_execution_started_event_attributes, self.clock
                if event.event_id < 0:
                    self.is_continued = True
                    self.memo.update(self.started.memo.fields)
            case EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED:
                self._task_began, self._worker_began = self.clock, None
            case EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
                self.failed_task = None
                self.completed_tasks.append(event.event_id)
            case EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
                self.failed_task, self.failed_at = event.workflow_task_failed_event_attributes, self.clock
                if self.failed_task.new_run_id:
                    self._reset_run_id = self.failed_task.new_run_id
                    self.resets.append(event)
            case EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED if event.event_id > 0:
                child = event.start_child_workflow_execution_initiated_event_attributes
                self.tasks[event.event_id] = child.workflow_task_completed_event_id
            case EventType.EVENT_TYPE_MARKER_RECORDED:
                self._add_patch(event)
            case EventType.EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED:
                self.memo.update(event.workflow_properties_modified_event_attributes.upserted_memo.fields)
            case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ADMITTED:
                # After a reset: what was accepted beyond that point is handed to the workflow again.
                request = event.workflow_execution_update_admitted_event_attributes.request
                self._admitted[request.meta.update_id] = request.input.args.payloads
            case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
                accepted = event.workflow_execution_update_accepted_event_attributes
                given = accepted.accepted_request.input.args.payloads
                self.updates.append(given or self._admitted.get(accepted.protocol_instance_id, ()))

    def _add_patch(self, event: HistoryEvent) -> None:
        marker = event.marker_recorded_event_attributes
        if event.event_id > 0 and _is_patch(marker, HELD_MARKER):
            self.held_at = self.clock
        if _is_patch(marker, CHILD_ENDED_MARKER) and (ended := _ENDED_CHILD.search(_patch_id(marker))):
            child = next((each for each in self.children if each.run_id == ended[1]), None)
            if child is not None and child.outcome == "open":
                self._end(child.event_id, _OUTCOMES[ended[2]])
        if _is_patch(marker, ON_FAILURE_MARKER) and not self.on_failure_task:
            self.on_failure_task = marker.workflow_task_completed_event_id

    def _begin(self, record: Record) -> Record:
        self.commands.append(record)
        self._by_event[record.event_id] = record
        return record

    def _attempt(self, event: HistoryEvent) -> Record | None:
        start = event.activity_task_started_event_attributes
        step = self._by_event.get(start.scheduled_event_id)
        if isinstance(step, StepRecord):
            step.attempt, step.was_begun = start.attempt, True
            if start.HasField("last_failure"):
                step.failure = start.last_failure
        return step

    def _end(
        self, begun_by: int, outcome: Outcome, failure: Failure | None = None, result: Sequence[Payload] = ()
    ) -> Record | None:
        record = self._by_event.get(begun_by)
        if record is not None:
            record.outcome, record.ended, record.ended_by = outcome, self.clock, self.last_event_id
            if not isinstance(record, TimerRecord):
                record.failure = failure or record.failure
            if isinstance(record, StepRecord):
                record.result = result
        return record


def _summary(event: HistoryEvent) -> Payload | None:
    return event.user_metadata.summary if event.user_metadata.HasField("summary") else None


def _is_patch(marker: MarkerRecordedEventAttributes, name: str) -> bool:
    """Return whether it is a marker of `workflow.patched`, which the SDK's core writes, and so encodes, by itself."""
    return marker.marker_name == _PATCH and name in _patch_id(marker)


def _patch_id(marker: MarkerRecordedEventAttributes) -> str:
    details = (each.data for values in marker.details.values() for each in values.payloads)
    return b"".join(details).decode(errors="replace")
