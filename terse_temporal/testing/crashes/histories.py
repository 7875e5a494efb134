"""What the history of a run says of where it could have been interrupted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio.client import WorkflowHandle

from ...durations import format_duration
from ...engine.wire.history import RunHistory, StepRecord, TimerRecord
from ...runs.clocks import clock_of, next_attempt_of
from .points import CrashPoint, Moment

__all__ = [
    "Place",
    "is_asleep",
    "places",
    "read_history",
    "recorded_attempts",
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


def places(history: RunHistory) -> list[Place]:
    """Return every point at which a run could have been interrupted, in the order of its history."""
    found: list[Place] = []
    seen: Counter[str] = Counter()
    sleeps = 0
    moments: tuple[Moment, ...] = ("before", "after_effect", "after_record")
    for record in history.commands:
        if isinstance(record, StepRecord):
            seen[record.name] += 1
            found += [Place(CrashPoint(record.name, moment, seen[record.name]), record.name) for moment in moments]
        elif isinstance(record, TimerRecord):
            sleeps += 1
            found.append(Place(CrashPoint("sleep", "asleep", sleeps), format_duration(record.duration)))
    return found


def recorded_attempts(history: RunHistory) -> dict[str, int]:
    """For each activity that has ended, by its id, the attempt whose outcome is recorded."""
    return {step.activity_id: step.attempt for step in history.steps if step.attempt}


async def read_history(run: WorkflowHandle[Any, Any]) -> RunHistory:
    """Return the history of a run, so far."""
    return RunHistory((await run.fetch_history()).events)


async def is_asleep(run: WorkflowHandle[Any, Any], occurrence: int) -> bool:
    """Return whether a sleep of a run has begun, and nothing else of the run is open; or the sleep is over by now."""
    timers = (await read_history(run)).timers
    if len(timers) < occurrence:
        return False
    return timers[occurrence - 1].outcome != "open" or await _is_idle(run)


async def until_next_sleep_ends(run: WorkflowHandle[Any, Any], before: int) -> timedelta | None:
    """Return how long until the next sleep of a run ends; `None` if the run has come to the sleep of that number, or is
    not asleep.
    """
    history = await read_history(run)
    ends = [timer.until for timer in history.timers if timer.outcome == "open"]
    if len(history.timers) >= before or not ends or history.clock is None or not await _is_idle(run):
        return None
    # By the run's own clock, whose last known time is that of the last event.
    return max(min(ends) - history.clock, timedelta(milliseconds=1))


async def until_next_attempt(run: WorkflowHandle[Any, Any]) -> timedelta | None:
    """Return how long until a step of a run is tried again, if that is all that the run waits for."""
    described = (await run.describe()).raw_description
    attempt = next_attempt_of(described)
    return None if attempt is None else max(attempt - clock_of(described), timedelta(milliseconds=1))


async def _is_idle(run: WorkflowHandle[Any, Any]) -> bool:
    described = (await run.describe()).raw_description
    return not described.pending_activities and not described.HasField("pending_workflow_task")
