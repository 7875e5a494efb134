"""What the history of a run says of where it could have been interrupted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from temporalio.api.enums.v1 import ParentClosePolicy
from temporalio.client import WorkflowHandle

from ...durations import format_duration
from ...engine.wire.history import RunHistory
from ...engine.wire.records import StepRecord, TimerRecord
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

_MOMENTS: Final[tuple[Moment, ...]] = ("before", "after_effect", "after_record")


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
    for record in history.commands:
        if isinstance(record, StepRecord):
            seen[record.name] += 1
            # What a local step gave is recorded with what the handler does next.
            is_with_task = record.is_local and not record.input
            moments: tuple[Moment, ...] = ("before", "after_effect") if is_with_task else _MOMENTS
            found += [Place(CrashPoint(record.name, moment, seen[record.name]), record.name) for moment in moments]
        elif isinstance(record, TimerRecord) and record.is_sleep:
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
    sleeps = _sleeps(await read_history(run))
    if len(sleeps) < occurrence:
        return False
    return sleeps[occurrence - 1].outcome != "open" or await _is_idle(run)


async def until_next_sleep_ends(run: WorkflowHandle[Any, Any], before: int) -> timedelta | None:
    """Return how long until the next sleep of a run ends, or another timer; `None` if the run has come to the sleep of
    that number, or does not wait for time alone.
    """
    history = await read_history(run)
    ends = [timer.until for timer in history.timers if timer.outcome == "open"]
    if len(_sleeps(history)) >= before or not ends or history.clock is None:
        return None
    # The server skips no time while a child run is open, and afterwards all of it at once, with what comes then.
    if not await _is_idle(run, with_any_child=False):
        return None
    # By the run's own clock, whose last known time is that of the last event.
    return max(min(ends) - history.clock, timedelta(milliseconds=1))


async def until_next_attempt(run: WorkflowHandle[Any, Any]) -> timedelta | None:
    """Return how long until a step of a run is tried again, if that is all that the run waits for."""
    described = (await run.describe()).raw_description
    attempt = next_attempt_of(described)
    return None if attempt is None else max(attempt - clock_of(described), timedelta(milliseconds=1))


def _sleeps(history: RunHistory) -> list[TimerRecord]:
    """Return those of its timers that are no timeouts: of the job, of a wait, or `asyncio.timeout`."""
    return [timer for timer in history.timers if timer.is_sleep]


async def _is_idle(run: WorkflowHandle[Any, Any], *, with_any_child: bool = True) -> bool:
    """Return whether nothing is under way: not the handler, no step, and no child run.

    Args:
        run: the run.
        with_any_child: whether child runs that go on by themselves may be open.
    """
    described = (await run.describe()).raw_description
    children = [
        each
        for each in described.pending_children
        if not with_any_child or each.parent_close_policy != ParentClosePolicy.PARENT_CLOSE_POLICY_ABANDON
    ]
    return not (described.pending_activities or children or described.HasField("pending_workflow_task"))
