"""What a history has beside what the code does now, out of the engine's sentence about where they differ."""

from __future__ import annotations

import re
from typing import Final

from ..durations import format_duration
from ..engine.wire.history import RunHistory
from ..engine.wire.records import StepRecord, TimerRecord
from ..engine.workflow.nondeterminism import summarize

__all__ = ["mismatch_text"]

_PREFIX: Final = re.compile(r"^(?:\[TMPRL\d+\] )?(?:Nondeterminism error: )?")

#: An event, as some parts of the engine write one, and others.
_EVENT: Final = r"HistoryEvent(?:\(id:| \{ event_id:) (?P<event>\d+)"

#: Two things of one kind with different names.
_NAMES: Final = re.compile(
    r"(?P<kind>Activity|Child workflow) type of (?:scheduled )?event '(?P<was>.*)' does not match"
    r" (?:activity|child workflow) type of (?:activity )?command '(?P<now>.*)'"
)

#: Something else than what is recorded.
_KINDS: Final = re.compile(rf"(?P<now>[A-Za-z ]+) machine does not handle this event: {_EVENT}")

#: Nothing, where something is recorded.
_NOTHING: Final = re.compile(rf"No command scheduled for event {_EVENT}")

_NOW: Final = {
    "Activity": "makes a step",
    "Timer": "sleeps, or starts another timer,",
    "Child workflow": "starts a run",
    "Complete workflow": "ends the run",
    "Fail workflow": "fails the run",
    "Cancel workflow": "ends the run as cancelled",
    "Continue as new workflow": "continues the run as new",
}

_OF_A_KIND: Final = {"Activity": "step", "Child workflow": "run of the job"}


def mismatch_text(message: str, history: RunHistory) -> str:
    """Return a clause that has what was recorded beside what the code does now; the message, where it has not both.

    Args:
        message: of the engine, or of this package.
        history: as much of the run's as there is.
    """
    said = _PREFIX.sub("", summarize(message))
    if found := _NAMES.search(said):
        kind = _OF_A_KIND[found["kind"]]
        return f"recorded is the {kind} {found['was']!r}, and the code now makes the {kind} {found['now']!r} there"
    if (found := _KINDS.search(said)) and (now := _NOW.get(found["now"].strip())):
        return f"recorded is {_recorded(int(found['event']), history)}, and the code now {now} there"
    if found := _NOTHING.search(said):
        return f"recorded is {_recorded(int(found['event']), history)}, and the code now makes nothing there"
    return said


def _recorded(event_id: int, history: RunHistory) -> str:
    record = history.scheduled_by(event_id)
    if isinstance(record, StepRecord):
        return f"the step {record.name!r} (event {event_id})"
    if isinstance(record, TimerRecord):
        what = "a sleep" if record.is_sleep else "a timer"
        return f"{what} of {format_duration(record.duration)} (event {event_id})"
    return f"event {event_id}"
