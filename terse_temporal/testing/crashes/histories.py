"""What the history of a run says of where it could have been interrupted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHandle

from ...durations import format_duration
from ..clocks import clock_of, ended_timers, next_attempt_of
from .points import CrashPoint, Moment

__all__ = [
    "Place",
    "is_asleep",
    "places",
    "recorded_attempts",
    "step_names",
    "until_next_attempt",
    "until_next_sleep_ends",
]


@dataclass(frozen=True, slots=True)
class Place:
    """A point of a run, in words.

    Attributes:
        point: for `CrashWorkers`.
        what: the step's name, or how long the sleep is.
    """

    point: CrashPoint
    what: str


def places(events: Iterable[HistoryEvent]) -> list[Place]:
    """Every point at which a run could have been interrupted, in the order of its history."""
    found: list[Place] = []
    seen: Counter[str] = Counter()
    sleeps = 0
    moments: tuple[Moment, ...] = ("before", "after_effect", "after_record")
    for event in events:
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            name = event.activity_task_scheduled_event_attributes.activity_type.name
            seen[name] += 1
            found += [Place(CrashPoint(name, moment, seen[name]), name) for moment in moments]
        elif event.event_type == EventType.EVENT_TYPE_TIMER_STARTED:
            sleeps += 1
            found.append(Place(CrashPoint("sleep", "asleep", sleeps), format_duration(_length(event))))
    return found


def step_names(events: Iterable[HistoryEvent]) -> list[str]:
    """What the run scheduled, in order."""
    return [
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    ]


def recorded_attempts(events: Iterable[HistoryEvent]) -> dict[str, int]:
    """For each activity that has ended, by its id, the attempt whose outcome is recorded."""
    ids: dict[int, str] = {}
    attempts: dict[str, int] = {}
    for event in events:
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            ids[event.event_id] = event.activity_task_scheduled_event_attributes.activity_id
        elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
            started = event.activity_task_started_event_attributes
            attempts[ids[started.scheduled_event_id]] = started.attempt
    return attempts


async def is_asleep(run: WorkflowHandle[Any, Any], occurrence: int) -> bool:
    """Whether a sleep of a run has begun, and nothing else of the run is open; or the sleep is over by now."""
    events = (await run.fetch_history()).events
    sleeps = [event.event_id for event in events if event.event_type == EventType.EVENT_TYPE_TIMER_STARTED]
    if len(sleeps) < occurrence:
        return False
    return sleeps[occurrence - 1] in ended_timers(events) or await _is_idle(run)


async def until_next_sleep_ends(run: WorkflowHandle[Any, Any], before: int) -> timedelta | None:
    """How long until the next sleep of a run ends; `None` if the run has come to the sleep of that number, or is not
    asleep.
    """
    events = (await run.fetch_history()).events
    sleeps = [event for event in events if event.event_type == EventType.EVENT_TYPE_TIMER_STARTED]
    over = ended_timers(events)
    ends = [_moment(event.event_time) + _length(event) for event in sleeps if event.event_id not in over]
    if len(sleeps) >= before or not ends or not await _is_idle(run):
        return None
    # By the run's own clock, whose last known time is that of the last event.
    return max(min(ends) - _moment(events[-1].event_time), timedelta(milliseconds=1))


async def until_next_attempt(run: WorkflowHandle[Any, Any]) -> timedelta | None:
    """How long until a step of a run is tried again, if that is all that the run waits for."""
    described = (await run.describe()).raw_description
    attempt = next_attempt_of(described)
    return None if attempt is None else max(attempt - clock_of(described), timedelta(milliseconds=1))


async def _is_idle(run: WorkflowHandle[Any, Any]) -> bool:
    described = (await run.describe()).raw_description
    return not described.pending_activities and not described.HasField("pending_workflow_task")


def _length(event: HistoryEvent) -> timedelta:
    return event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta()


def _moment(timestamp: Timestamp) -> datetime:
    return timestamp.ToDatetime(tzinfo=UTC)
