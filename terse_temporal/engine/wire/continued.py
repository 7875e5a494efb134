"""What a run has done before it continued as new by itself, as events of a history.

Whoever looks at a run reads events. Those of its earlier histories may be gone, and there may be many of these; the
journal that the run carries has all of them, but how often a step was tried that has ended without a word, and what
failed before an attempt that did not. So what is in it is told as the events that said it first, in the place of the
one that its last history begins with. Their numbers are negative: no history has them, and all that comes later has
larger ones.
"""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.common import RawValue
from temporalio.converter import DataConverter

from ...encryption.reading import readable
from ...errors import JournalError
from ...serialization.wire_names import HANDED_OVER_FAILURE, LOCAL_ID_PREFIX
from .attempts import attempt_of_failure, attempt_of_result
from .history import RunHistory
from .journal import Journal, read_entries, read_journal, wire_to_payload

__all__ = ["as_events", "begin_of", "carried_journal", "events_of", "may_carry", "read_history"]

#: Inputs of a run that carries a journal: its event, the manifest, and a page at least.
_FEWEST_INPUTS: Final = 3

#: More than a run has ever had events. The numbers begin with it, so that they grow as those of a history do.
_MOST: Final = 1 << 50


async def as_events(event: HistoryEvent, converter: DataConverter) -> list[HistoryEvent]:
    """Return an event of a history as it is read: itself, or what it carries of the histories before.

    Args:
        event: of a history. The texts of its failures are decoded.
        converter: with the codec and the storage of the workers.
    """
    return await _carried(event, converter) or [await readable(event, converter)]


async def begin_of(event: HistoryEvent, converter: DataConverter) -> HistoryEvent:
    """Return the event that a run began with, by the one that its last history begins with.

    Args:
        event: the latter. What it carries of the histories before is read no further.
        converter: with the codec and the storage of the workers.
    """
    carried = await _carried(event, converter, 1)
    return carried[0] if carried else event


async def _carried(event: HistoryEvent, converter: DataConverter, most: int | None = None) -> list[HistoryEvent]:
    """Return the first events of what one carries, all by default; none where it carries nothing that can be read."""
    journal = await carried_journal(event, converter)
    if journal is None:
        return []
    try:
        return list(itertools.islice(events_of(journal, event), most))
    except (JournalError, LookupError, ValueError, TypeError, AttributeError):
        return []  # written by somebody else: then no more is told than what this history has


def may_carry(event: HistoryEvent) -> bool:
    """Return whether a history that begins so is one of a run that has continued as new by itself, without reading it.

    Nothing else has that many inputs and is continued, unless somebody makes it by hand.
    """
    started = event.workflow_execution_started_event_attributes
    return bool(started.continued_execution_run_id) and (
        event.event_id < 0 or len(started.input.payloads) >= _FEWEST_INPUTS
    )


async def read_history(events: Iterable[HistoryEvent], converter: DataConverter) -> RunHistory:
    """Return what the events of a history say, with what the run carries of those before."""
    history = RunHistory()
    for event in events:
        for each in await as_events(event, converter):
            history.add(each)
    return history


async def carried_journal(event: HistoryEvent, converter: DataConverter) -> Journal | None:
    """Return the journal that the first event of a history carries, or `None` where there is none that can be read."""
    if event.event_id < 0 or not may_carry(event):
        return None
    started = event.workflow_execution_started_event_attributes
    try:
        inputs = await converter.decode(started.input.payloads, [RawValue] * len(started.input.payloads))
        return read_journal([each.payload for each in inputs])
    except Exception:  # of whatever codec or storage: what a reader cannot read is not told
        return None


def events_of(journal: Journal, first: HistoryEvent) -> Iterator[HistoryEvent]:
    """Yield what a journal says, as events, beginning with the start of the run.

    Args:
        journal: of the run.
        first: the event that its last history begins with.

    Raises:
        JournalError: it cannot be read.
    """
    yield from _Events(journal).all(first)


class _Events:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._numbers = itertools.count(-_MOST)
        self._time = journal.manifest.started
        #: The event that each of what a handler asked for began with, by its kind and number.
        self._begun: dict[tuple[str, int], int] = {}
        #: Local steps: by number their id, and those that are gone on with under another, by what they are called.
        self._local: dict[int, tuple[str, tuple[Any, ...]]] = {}
        self._again: dict[tuple[Any, ...], list[tuple[str, int]]] = {}
        self._timers_again = 0
        self._names = itertools.count(1)

    def all(self, first: HistoryEvent) -> Iterator[HistoryEvent]:
        manifest, large = self._journal.manifest, self._journal.large
        event = self._event(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED)
        started = event.workflow_execution_started_event_attributes
        started.CopyFrom(first.workflow_execution_started_event_attributes)
        inputs = list(started.input.payloads[: min(manifest.inputs, 1)])
        if manifest.carried is not None:
            inputs.append(wire_to_payload(manifest.carried, large))
        del started.input.payloads[:]
        started.input.payloads.extend(inputs)
        yield event
        for entry in read_entries(self._journal):
            self._time = entry["t"]
            for job in entry["j"]:
                yield from self._came(job)
            for command in entry.get("c", ()):
                yield from self._asked(command)

    def _event(self, kind: EventType.ValueType) -> HistoryEvent:
        event = HistoryEvent(event_id=next(self._numbers), event_type=kind)
        event.event_time.FromNanoseconds(self._time)
        return event

    def _asked(self, command: Sequence[Any]) -> Iterator[HistoryEvent]:
        """Yield what a command of the handler says."""
        kind = command[0]
        match kind:
            case "timer":
                summary = command[3] if len(command) > 3 else None
                if summary is None and self._timers_again:
                    self._timers_again -= 1  # until a local step is tried again
                    return
                event = self._event(EventType.EVENT_TYPE_TIMER_STARTED)
                timer = event.timer_started_event_attributes
                timer.timer_id = str(command[1])
                timer.start_to_fire_timeout.FromNanoseconds(command[2])
                yield self._begin("timer", command[1], event, summary)
            case "cancel_timer":
                if (begun := self._begun.get(("timer", command[1]))) is not None:
                    event = self._event(EventType.EVENT_TYPE_TIMER_CANCELED)
                    event.timer_canceled_event_attributes.started_event_id = begun
                    yield event
            case "step" | "local":
                yield from self._step(command)
            case "run":
                event = self._event(EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED)
                child = event.start_child_workflow_execution_initiated_event_attributes
                child.workflow_type.name, child.workflow_id = command[2], command[3]
                yield self._begin("run", command[1], event, None)
            case "patch":
                event = self._event(EventType.EVENT_TYPE_MARKER_RECORDED)
                event.marker_recorded_event_attributes.marker_name = "core_patch"
                event.marker_recorded_event_attributes.workflow_task_completed_event_id = event.event_id
                event.marker_recorded_event_attributes.details["data"].payloads.add(data=command[1].encode())
                yield event

    def _step(self, command: Sequence[Any]) -> Iterator[HistoryEvent]:
        kind, number, name, *said = command
        called = (name, *said)
        goes_on = self._again.get(called)
        if goes_on:
            step_id, begun = goes_on.pop(0)
            self._begun["step", number] = begun
            if kind == "local":
                self._local[number] = (step_id, called)
            return
        event = self._event(EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED)
        step = event.activity_task_scheduled_event_attributes
        step.activity_id = str(number)
        step.activity_type.name = name
        if kind == "local":
            step.activity_id = f"{LOCAL_ID_PREFIX}{next(self._names)}"
            self._local[number] = (step.activity_id, called)
        yield self._begin("step", number, event, said[0] if said else None)

    def _begin(self, kind: str, number: int, event: HistoryEvent, summary: Any) -> HistoryEvent:
        self._begun[kind, number] = event.event_id
        if summary is not None:
            event.user_metadata.summary.CopyFrom(
                Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(summary).encode())
            )
        return event

    def _came(self, job: Mapping[str, Any]) -> Iterator[HistoryEvent]:
        """Yield what has come to the handler."""
        match job["k"]:
            case "timer":
                if (begun := self._begun.get(("timer", job["n"]))) is not None:
                    event = self._event(EventType.EVENT_TYPE_TIMER_FIRED)
                    event.timer_fired_event_attributes.started_event_id = begun
                    yield event
            case "step":
                yield from self._step_ended(job)
            case "signal":
                event = self._event(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED)
                signal = event.workflow_execution_signaled_event_attributes
                signal.signal_name, signal.identity = job["name"], job["by"]
                signal.input.payloads.extend(self._payloads(job["input"]))
                yield event
            case "update":
                event = self._event(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED)
                accepted = event.workflow_execution_update_accepted_event_attributes
                accepted.protocol_instance_id = job["of"]
                accepted.accepted_request.input.args.payloads.extend(self._payloads(job["input"]))
                yield event
            case "begun" | "not_begun" | "run":
                if (begun := self._begun.get(("run", job["n"]))) is not None:
                    yield self._child(job, begun)

    def _step_ended(self, job: Mapping[str, Any]) -> Iterator[HistoryEvent]:
        number = job["n"]
        begun = self._begun.get(("step", number))
        if begun is None:
            return
        local = self._local.get(number)
        failure = _failure(job)
        is_handed_over = failure is not None and failure.application_failure_info.type == HANDED_OVER_FAILURE
        if local is not None and ("again" in job or is_handed_over):
            step_id, called = local
            self._again.setdefault(called, []).append((step_id, begun))
            self._timers_again += "again" in job
            return
        results = self._payloads([job["ok"]]) if job.get("ok") is not None else []
        if attempt := _attempt(job, failure, results):
            event = self._event(EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED)
            event.activity_task_started_event_attributes.scheduled_event_id = begun
            event.activity_task_started_event_attributes.attempt = attempt
            yield event
        if "ok" in job:
            event = self._event(EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED)
            done = event.activity_task_completed_event_attributes
            done.scheduled_event_id = begun
            done.result.payloads.extend(results)
        elif "failed" in job:
            event = self._event(EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED)
            event.activity_task_failed_event_attributes.scheduled_event_id = begun
            if failure is not None:
                event.activity_task_failed_event_attributes.failure.CopyFrom(failure)
        else:
            event = self._event(EventType.EVENT_TYPE_ACTIVITY_TASK_CANCELED)
            event.activity_task_canceled_event_attributes.scheduled_event_id = begun
        yield event

    def _child(self, job: Mapping[str, Any], begun: int) -> HistoryEvent:
        if job["k"] == "begun":
            event = self._event(EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED)
            event.child_workflow_execution_started_event_attributes.workflow_execution.run_id = job["run"]
            event.child_workflow_execution_started_event_attributes.initiated_event_id = begun
        elif job["k"] == "not_begun":
            event = self._event(EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED)
            event.start_child_workflow_execution_failed_event_attributes.initiated_event_id = begun
            event.start_child_workflow_execution_failed_event_attributes.cause = job.get("cause", 0)
        elif "ok" in job:
            event = self._event(EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED)
            event.child_workflow_execution_completed_event_attributes.initiated_event_id = begun
        elif "failed" in job:
            event = self._event(EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED)
            event.child_workflow_execution_failed_event_attributes.initiated_event_id = begun
            if (failure := _failure(job)) is not None:
                event.child_workflow_execution_failed_event_attributes.failure.CopyFrom(failure)
        else:
            event = self._event(EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED)
            event.child_workflow_execution_canceled_event_attributes.initiated_event_id = begun
        return event

    def _payloads(self, wires: Iterable[Mapping[str, Any]]) -> list[Payload]:
        return [wire_to_payload(each, self._journal.large) for each in wires]


def _attempt(job: Mapping[str, Any], failure: Failure | None, results: Sequence[Payload]) -> int:
    """Return how often a step was started; 0 where nothing says it."""
    if "ok" in job:
        return attempt_of_result(results[0]) if results else 1
    return 0 if failure is None else attempt_of_failure(failure)


def _failure(job: Mapping[str, Any]) -> Failure | None:
    """Return what has come of a step or a run, as a history has it: not what the handler is told beside it."""
    if "failed" not in job:
        return None
    failure = Failure.FromString(base64.b64decode(job["failed"]))
    is_wrapped = failure.HasField("activity_failure_info") or failure.HasField("child_workflow_execution_failure_info")
    return failure.cause if is_wrapped and failure.HasField("cause") else failure
