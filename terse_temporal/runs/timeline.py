"""A run as a person sees it: its steps and sleeps, with attempts and times, out of its history.

A history tells of an attempt only when the step has ended: what runs now, and how often it was tried, the server tells
in a description of the run. So a timeline is fed with both, and both may come late or out of step.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from temporalio.api.enums.v1 import PendingActivityState, TimeoutType
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflow.v1 import PendingActivityInfo

from ..diagnostics.text import one_line, shorten
from ..durations import format_duration
from ..engine.wire.history import RunHistory
from ..engine.wire.records import ChildRecord, Outcome, Record, StepRecord, TimerRecord, moment
from ..execution.token_usage import Tokens
from ..inputs.questions import read_time
from ..serialization.wire_names import DELIVERY_SIGNAL, EVENT_SIGNAL, OWN_WORKFLOWS
from .questions import PastQuestion

__all__ = ["Entry", "State", "Timeline", "failure_text", "short"]

State = Literal["waiting", "running", "done", "failed", "cancelled"]

_STATES: Final[dict[Outcome, State]] = {
    "open": "running",
    "completed": "done",
    "failed": "failed",
    "cancelled": "cancelled",
}

#: By how a question is over.
_ENDS: Final[dict[str, State]] = {"answered": "done", "timed_out": "failed"}

_UNITS: Final = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


#: Characters of the name of an event: anybody may have sent it.
_LONGEST_NAME: Final = 100

#: Characters of a question, which has one line of a terminal with its answer, and of that.
_LONGEST_QUESTION: Final = 60
_LONGEST_ANSWER: Final = 200

_TIMEOUT: Final = "timeout of the run"

#: Timers are exact to the millisecond.
_EXACT: Final = timedelta(milliseconds=1)


@dataclass
class Entry:
    """One line of a timeline.

    Attributes:
        kind: `"step"`, `"sleep"`, `"run"` for one that the handler has started, `"event"` for one that was sent to it,
            `"question"` for one to a person, or `"timer"` for what waits beside it.
        name: the step's or job's name, what is asked, or how long the sleep or timer is; of the timeout of the run,
            that, where the job is known.
        begun: when the handler asked for it.
        ended: when it was over.
        attempt: how often it was started; 0 until it is, and where it had timed out or was cancelled before the run
            continued as new by itself, unless the timeline was read before that.
        trouble: why the last attempt but one, or the whole, failed.
        label: what tells it from others of its name.
        id: of a run, its own workflow id; of a question, its number.
        answer: of a question, the option that counts and who has chosen it, as far as that is known.
    """

    kind: str
    name: str
    begun: datetime
    state: State = "waiting"
    ended: datetime | None = None
    attempt: int = 0
    trouble: str = ""
    label: str = ""
    id: str = ""
    answer: str = ""

    @property
    def title(self) -> str:
        """The name, and the label or id if there is one."""
        label = self.label or self.id
        return f"{self.name} ({label})" if label else self.name

    @property
    def came_of_it(self) -> str:
        """Of a question: the answer, and why it is over without one."""
        return ": ".join(filter(None, (self.answer, self.trouble)))

    def line(self) -> str:
        """Return the entry as it stands, as one line of text."""
        took = f" in {short(self.ended - self.begun)}" if self.ended else ""
        attempts = f" (attempt {self.attempt})" if self.attempt > 1 else ""
        trouble = f": {self.trouble}" if self.trouble and self.state in ("waiting", "failed") else ""
        if self.kind == "run":
            was_there = self.state == "done" and self.trouble
            return f"run   {self.title}  {self.trouble if was_there else self.state + took}{trouble}"
        if self.kind == "question":
            state = {"done": "answered", "failed": "over", "cancelled": "withdrawn"}.get(self.state, self.state)
            return f"question  {self.title}  {state}{took}{f': {self.came_of_it}' if self.came_of_it else ''}"
        if self.kind != "step":
            done = "came" if self.kind == "event" else "over"
            return f"{self.kind:<5} {self.name}  {done if self.state == 'done' else self.state}"
        if self.state == "waiting" and self.attempt:
            return f"step  {self.title}  attempt {self.attempt} failed, and is tried again{trouble}"
        return f"step  {self.title}  {self.state}{took}{attempts}{trouble}"


@dataclass
class Timeline:
    """The entries of a run, in the order in which its handler made them, and the tokens that its models used.

    Args:
        timeout: of the job, where that is known: nothing in a history says which timer it is.

    Attributes:
        history: what it is made from.
    """

    entries: list[Entry] = field(default_factory=list)
    tokens: Tokens | None = None
    timeout: timedelta | None = None

    def __post_init__(self) -> None:
        self.history = RunHistory()
        self._by_event: dict[int, Entry] = {}
        self._by_activity: dict[str, Entry] = {}
        #: The entries of the run by what names them in each of its histories, should it continue as new by itself; and
        #: the events that it was sent.
        self._known: dict[str, Entry] = {}
        self._sent: list[Entry] = []
        #: By the run that asks, as it was before any reset, and the number.
        self._questions: dict[tuple[str, str], Entry] = {}
        #: When the memo last said anything of them.
        self._told_at: datetime | None = None
        self._told_again = 0

    @property
    def started(self) -> datetime | None:
        """When the run began."""
        return self.history.began

    def apply(self, event: HistoryEvent, label: str = "") -> Entry | None:
        """Take in the next event, and return the entry that it changed in a way worth telling.

        Args:
            event: of the history.
            label: what it says of itself, see `memo.read_label`.
        """
        is_first = event.HasField("workflow_execution_started_event_attributes")
        if is_first and self.history.last_event_id:  # of the run that continues it
            self.history = RunHistory()
            self._by_event, self._by_activity, self._told_again = {}, {}, 0
            if event.event_id > 0:
                self.end()
                self._known, self._sent = {}, []
        record = self.history.add(event)
        if isinstance(record, TimerRecord) and record.is_internal:
            return None
        if record is None:
            return self._apply_event(event, label)
        entry = self._by_event.get(record.event_id)
        was_told = False
        if entry is None:
            was_told = record.is_carried and _key(record) in self._known
            entry = self._begin(record, label)
        if record.is_carried and (was_told or entry.ended is not None):
            return None  # when it happened, in an earlier history
        if record.is_carried and event.event_id > 0 and record.ended is None:
            return None  # it is taken up by the run that continues
        if isinstance(record, StepRecord):
            # What the server says of a step that is open may be ahead of its history.
            entry.attempt = max(entry.attempt, record.attempt)
            entry.trouble = failure_text(record.failure) if record.failure is not None else entry.trouble
        elif isinstance(record, ChildRecord):
            entry.state = "running" if record.run_id else entry.state
            entry.trouble = _trouble_of_child(record)
        if record.ended is not None:
            entry.state, entry.ended = _STATES[record.outcome], record.ended
            if isinstance(record, ChildRecord) and record.was_there:
                entry.state = "done"
        is_told = record.run_id if isinstance(record, ChildRecord) else not isinstance(record, StepRecord)
        return entry if record.ended is not None or is_told else None

    def as_it_stands(self) -> Timeline:
        """Return a copy that stays as it is while this one goes on. The history is that of both."""
        copy = replace(self, entries=[replace(entry) for entry in self.entries])
        copy.history = self.history
        return copy

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

    def apply_questions(
        self,
        asked: Mapping[str, Mapping[str, Any]] | None,
        over: Mapping[str, PastQuestion],
        at: datetime,
        *,
        is_carried: bool = False,
    ) -> list[Entry]:
        """Take in what the memo of the run says of its questions, and return the entries of those that are over since.

        Args:
            asked: by their numbers, the first twenty that are open; `None` where it does not say.
            over: likewise, the last twenty that are over.
            at: when it says so.
            is_carried: whether that is what it said as it continued as new by itself.
        """
        told = [(number, past.run, past.prompt, past.since) for number, past in over.items()]
        for number, each in (asked or {}).items():
            told.append(
                (number, str(each.get("run") or ""), str(each.get("prompt") or ""), read_time(each.get("since")))
            )
        for number, run, prompt, since in sorted(told, key=lambda each: _in_order(each[0])):
            if since is not None and (run, number) not in self._questions:
                is_later = self._told_at is None or since > self._told_at
                is_new = is_later and not is_carried and asked is not None and number in asked
                self._ask(number, run, prompt, since, is_new=is_new)
        self._told_at = at
        changed = []
        for (run, number), entry in self._questions.items():
            if entry.state != "waiting":
                continue
            past = over.get(number)
            if past is not None and past.run == run:
                entry.state, entry.ended = _ENDS.get(past.ended, "cancelled"), max(past.at or entry.begun, entry.begun)
                if past.ended == "timed_out":
                    entry.trouble = "nobody answered in time"
                said = [past.label, f"by {past.by_name}" if past.by_name else ""]
                entry.answer = shorten(one_line(", ".join(filter(None, said))), _LONGEST_ANSWER)
            elif asked is not None and number not in asked:  # what is shown stays so until it is over
                entry.state, entry.ended = "cancelled", max(at, entry.begun)
                entry.trouble = "over, with so many others that its run does not say how"
            else:
                continue
            changed.append(entry)
        return changed

    def _ask(self, number: str, run: str, prompt: str, since: datetime, *, is_new: bool) -> None:
        title, shown = (shorten(one_line(each), _LONGEST_QUESTION) for each in (prompt, number))
        entry = self._questions[run, number] = Entry("question", title, since, id=shown)
        # Where one that is not belongs is known by its time alone, and by its number.
        place = len(self.entries) if is_new else bisect_right(self.entries, _place(entry), key=_place)
        self.entries.insert(place, entry)

    def end(self) -> None:
        """Say of what is open that the run has ended over it."""
        for entry in self.entries:
            if entry.ended is None:
                entry.state, entry.trouble = "cancelled", "open when the run ended"

    def _apply_event(self, event: HistoryEvent, label: str) -> Entry | None:
        """Take in an event that was sent to the run."""
        if not event.HasField("workflow_execution_signaled_event_attributes"):
            return None
        name = event.workflow_execution_signaled_event_attributes.signal_name
        if name in (EVENT_SIGNAL, DELIVERY_SIGNAL):
            name = label
        if not name or name.startswith(OWN_WORKFLOWS):
            return None
        self._told_again += 1
        if event.event_id < 0 and self._told_again <= len(self._sent):
            return None
        came = moment(event.event_time)
        entry = Entry("event", shorten(one_line(name), _LONGEST_NAME), came, "done", came)
        self._sent.append(entry)
        self.entries.append(entry)
        return entry

    def _begin(self, record: Record, label: str) -> Entry:
        key = _key(record)
        if record.is_carried and (known := self._known.get(key)) is not None:
            self._by_event[record.event_id] = known
            if isinstance(record, StepRecord):
                self._by_activity[record.activity_id] = known
            return known
        if isinstance(record, StepRecord):
            entry = self._by_activity[record.activity_id] = Entry("step", record.name, record.began, label=label)
        elif isinstance(record, ChildRecord):
            entry = Entry("run", record.name, record.began, label=label, id=record.workflow_id)
        else:
            name = _TIMEOUT if self._is_timeout(record) else format_duration(record.duration)
            entry = Entry("sleep" if record.is_sleep else "timer", name, record.began, "running")
        self.entries.append(entry)
        self._by_event[record.event_id] = self._known[key] = entry
        return entry

    def _is_timeout(self, record: TimerRecord) -> bool:
        """Return whether a timer is the timeout of the run, which is begun before the handler."""
        if self.timeout is None:
            return False
        alike = (
            each for each in self.history.timers if not each.is_sleep and abs(each.duration - self.timeout) <= _EXACT
        )
        return record is next(alike, None)


def _place(entry: Entry) -> tuple[datetime, int, str]:
    """Return what entries are sorted by: of one moment, what is no question comes first."""
    return entry.begun, *(_in_order(entry.id) if entry.kind == "question" else (0, ""))


def _in_order(number: str) -> tuple[int, str]:
    """Return what numbers that are texts are sorted by."""
    return len(number), number


def _key(record: Record) -> str:
    match record:
        case StepRecord():
            return f"step {record.activity_id}"
        case TimerRecord():
            return f"timer {record.timer_id}"
        case ChildRecord():
            return f"run {record.workflow_id}"


def short(duration: timedelta) -> str:
    """Return a duration in few letters: `12 ms`, `2.3 s`, `3 d 11 s`."""
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
    """Return a failure in one line: what was raised, or that the worker was lost."""
    if failure.HasField("timeout_failure_info"):
        if failure.timeout_failure_info.timeout_type == TimeoutType.TIMEOUT_TYPE_HEARTBEAT:
            return "its worker was lost"
        return failure.message
    kind = failure.application_failure_info.type
    message = " ".join(failure.message.split())
    return message if not kind or message.startswith(f"{kind}:") else f"{kind}: {message}"


def _trouble_of_child(record: ChildRecord) -> str:
    if record.was_there:
        return "was there already"
    if record.failure is not None:
        return failure_text(record.failure)
    return "was terminated, or its time was up" if record.outcome == "failed" else ""
