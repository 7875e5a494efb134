"""A run as a person sees it: its steps and sleeps, with attempts and times, out of its history.

A history tells of an attempt only when the step has ended: what runs now, and how often it was tried, the server tells
in a description of the run. So a timeline is fed with both, and both may come late or out of step.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from google.protobuf.timestamp_pb2 import Timestamp
from rich.table import Table
from rich.text import Text
from temporalio.api.enums.v1 import EventType, PendingActivityState, TimeoutType
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflow.v1 import PendingActivityInfo

from ..durations import format_duration
from ..execution.token_usage import Tokens

__all__ = ["Entry", "Timeline", "failure_text", "short", "timeline_table"]

State = Literal["waiting", "running", "done", "failed", "cancelled"]

_STYLES: Final[dict[State, str]] = {
    "waiting": "dim",
    "running": "cyan",
    "done": "green",
    "failed": "red",
    "cancelled": "yellow",
}

_UNITS: Final = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


@dataclass
class Entry:
    """One line of a timeline.

    Attributes:
        kind: `"step"`, `"sleep"`, or what else a workflow can wait for.
        name: the step's name, or how long the sleep is.
        begun: when the handler asked for it.
        ended: when it was over.
        attempt: how often it was started; 0 until it is.
        trouble: why the last attempt but one, or the whole, failed.
        label: what tells it from others of its name.
    """

    kind: str
    name: str
    begun: datetime
    state: State = "waiting"
    ended: datetime | None = None
    attempt: int = 0
    trouble: str = ""
    label: str = ""

    @property
    def title(self) -> str:
        """The name, and the label if there is one."""
        return f"{self.name} ({self.label})" if self.label else self.name

    def line(self) -> str:
        """The entry as it stands, as one line of text."""
        took = f" in {short(self.ended - self.begun)}" if self.ended else ""
        attempts = f" (attempt {self.attempt})" if self.attempt > 1 else ""
        trouble = f": {self.trouble}" if self.trouble and self.state in ("waiting", "failed") else ""
        if self.kind != "step":
            return f"{self.kind:<5} {self.name}  {'over' if self.state == 'done' else self.state}"
        if self.state == "waiting" and self.attempt:
            return f"step  {self.title}  attempt {self.attempt} failed, and is tried again{trouble}"
        return f"step  {self.title}  {self.state}{took}{attempts}{trouble}"


@dataclass
class Timeline:
    """The entries of a run, in the order in which its handler made them, and the tokens that its models used."""

    started: datetime | None = None
    entries: list[Entry] = field(default_factory=list)
    tokens: Tokens | None = None

    def __post_init__(self) -> None:
        self._by_event: dict[int, Entry] = {}
        self._by_activity: dict[str, Entry] = {}

    def attempts_at(self, event_id: int) -> int:
        """How often the step that was scheduled by an event has been started."""
        entry = self._by_event.get(event_id)
        return entry.attempt if entry else 0

    def apply(self, event: HistoryEvent, label: str = "") -> Entry | None:
        """Take in the next event, and return the entry that it changed in a way worth telling.

        Args:
            event: of the history.
            label: what it says of itself, see `memos.read_label`.
        """
        at = _moment(event.event_time)
        match event.event_type:
            case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
                self.started = at
            case EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                step = event.activity_task_scheduled_event_attributes
                entry = self._add(event, Entry("step", step.activity_type.name, at, label=label))
                self._by_activity[step.activity_id] = entry
            case EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
                start = event.activity_task_started_event_attributes
                entry = self._by_event[start.scheduled_event_id]
                entry.attempt = start.attempt
                if start.HasField("last_failure"):
                    entry.trouble = failure_text(start.last_failure)
            case EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
                done = event.activity_task_completed_event_attributes
                return self._end(done.scheduled_event_id, "done", at)
            case EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED:
                failed = event.activity_task_failed_event_attributes
                return self._end(failed.scheduled_event_id, "failed", at, failure_text(failed.failure))
            case EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
                late = event.activity_task_timed_out_event_attributes
                return self._end(late.scheduled_event_id, "failed", at, failure_text(late.failure))
            case EventType.EVENT_TYPE_ACTIVITY_TASK_CANCELED:
                cancelled = event.activity_task_canceled_event_attributes
                return self._end(cancelled.scheduled_event_id, "cancelled", at)
            case EventType.EVENT_TYPE_TIMER_STARTED:
                duration = event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta()
                return self._add(event, Entry("sleep", format_duration(duration), at, "running"))
            case EventType.EVENT_TYPE_TIMER_FIRED:
                return self._end(event.timer_fired_event_attributes.started_event_id, "done", at)
            case EventType.EVENT_TYPE_TIMER_CANCELED:
                return self._end(event.timer_canceled_event_attributes.started_event_id, "cancelled", at)
        return None

    def apply_pending(self, pending: Iterable[PendingActivityInfo]) -> list[Entry]:
        """Take in what the server says of the steps that are open, and return the entries that it changed."""
        changed = []
        for info in pending:
            entry = self._by_activity.get(info.activity_id)
            if entry is None or entry.ended is not None:
                continue
            before = (entry.state, entry.attempt, entry.trouble)
            is_running = info.state != PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
            entry.state = "running" if is_running else "waiting"
            # The attempt that is waited for counts as one before it has begun.
            entry.attempt = info.attempt if is_running else info.attempt - 1
            if info.HasField("last_failure"):
                entry.trouble = failure_text(info.last_failure)
            if before != (entry.state, entry.attempt, entry.trouble):
                changed.append(entry)
        return changed

    def _add(self, event: HistoryEvent, entry: Entry) -> Entry:
        self.entries.append(entry)
        self._by_event[event.event_id] = entry
        return entry

    def _end(self, begun_by: int, state: State, at: datetime, trouble: str = "") -> Entry:
        entry = self._by_event[begun_by]
        entry.state, entry.ended = state, at
        entry.trouble = trouble or entry.trouble
        return entry


def timeline_table(timeline: Timeline, *, now: datetime | None = None, last: int | None = None) -> Table:
    """The timeline as a table: when each entry began, counted from the start of the run, and how long it took.

    Args:
        timeline: of the run.
        now: shown as the end of what is not over.
        last: how many entries to show at most; those before are left out.
    """
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    table.add_column("", no_wrap=True)
    for heading in ("attempts", "began", "took"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    for entry in timeline.entries[-last:] if last else timeline.entries:
        end = entry.ended or now
        table.add_row(
            entry.kind,
            Text(entry.title, _STYLES[entry.state]),
            str(entry.attempt or "") if entry.kind == "step" else "",
            f"+{short(entry.begun - timeline.started)}" if timeline.started else "",
            short(max(end - entry.begun, timedelta())) if end else "",
            Text(_remark(entry), "dim"),
        )
    return table


def short(duration: timedelta) -> str:
    """A duration in few letters: `12 ms`, `2.3 s`, `3 d 11 s`."""
    seconds = duration.total_seconds()
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    parts = []
    rest = round(seconds)
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def failure_text(failure: Failure) -> str:
    """A failure in one line: what was raised, or that the worker was lost."""
    if failure.HasField("timeout_failure_info"):
        if failure.timeout_failure_info.timeout_type == TimeoutType.TIMEOUT_TYPE_HEARTBEAT:
            return "its worker was lost"
        return failure.message
    kind = failure.application_failure_info.type
    message = " ".join(failure.message.split())
    return message if not kind or message.startswith(f"{kind}:") else f"{kind}: {message}"


def _remark(entry: Entry) -> str:
    if not entry.trouble:
        return "" if entry.state == "done" or entry.kind != "step" else entry.state
    if entry.state in ("done", "running"):
        return f"attempt {entry.attempt - 1}: {entry.trouble}"
    return entry.trouble


def _moment(timestamp: Timestamp) -> datetime:
    return timestamp.ToDatetime(tzinfo=UTC)
