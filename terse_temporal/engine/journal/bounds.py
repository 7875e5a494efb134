"""When a run continues as new by itself.

The server ends a run whose history has 51,200 events or 50 MiB, or that has been sent 2,000 updates. It suggests to
continue long before: at 4,096 events, 4 MiB or 1,800 updates, where nobody has set that otherwise.

What hurts first is something else. A worker that has not got the run in its cache replays its history in one go, for
which the server gives it the time of a workflow task, ten seconds. One that needs longer is given the task again, and
again, and the run stands still for good: with 25,000 local steps, at 1.9 ms each, it did. What is carried is replayed
in slices and so knows no such time, at a third of the cost; but each time that a run continues, all of it is. So the
histories of a run grow with what it carries, and it says how long a task may take in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from temporalio.api.enums.v1 import SuggestContinueAsNewReason
from temporalio.bridge.proto.workflow_activation import WorkflowActivation

__all__ = ["DEFAULT_BOUNDS", "Bounds", "bounds_of", "task_seconds"]

#: From these on a run continues as soon as nothing is in flight, whatever the server suggests.
_MOST_EVENTS: Final = 30_000
_MOST_BYTES: Final = 20 * 1024 * 1024

#: What comes to a handler in one history at most, beside what is carried.
_MOST_ENTRIES: Final = 15_000

#: Over these nothing new is begun, until what is in flight has ended.
_HOLD_EVENTS: Final = 36_000
_HOLD_BYTES: Final = 30 * 1024 * 1024

#: Over these a run that is still waiting for that is failed, since the server would end it.
_LAST_EVENTS: Final = 48_000
_LAST_BYTES: Final = 46 * 1024 * 1024

#: Local steps are short, so that a run which never comes to rest for them need not go that far: it holds at so many
#: times of what it should continue at.
_HOLD_LOCAL: Final = 1.2

#: Seconds of a workflow task for each of what comes to a handler. A replay takes half of it on a machine that has
#: other things to do.
_TASK_SECONDS: Final = 0.004
_SHORTEST_TASK: Final = 10.0

_UPDATES: Final = SuggestContinueAsNewReason.SUGGEST_CONTINUE_AS_NEW_REASON_TOO_MANY_UPDATES


@dataclass(frozen=True, slots=True)
class Length:
    """How long a history is.

    Attributes:
        carried: entries of the journal that it began with.
        came: how much has come to the handler since.
        local: local steps that have ended since the server has said how many events there are.
        is_local: whether nothing but local steps keeps the run from continuing.
    """

    carried: int
    came: int
    local: int
    is_local: bool = False


@dataclass(frozen=True, slots=True)
class Bounds:
    """The sizes of a history at which a run continues.

    Attributes:
        every: events after which it does, where that is not left to what is best. Small numbers are for tests.
    """

    every: int | None = None

    def is_due(self, act: WorkflowActivation, length: Length) -> bool:
        """Return whether a run is to continue, as soon as nothing is in flight.

        Args:
            act: what has come to the handler, and what the server says of the history.
            length: of the history.
        """
        events = act.history_length + length.local
        if self.every is not None:
            return events >= self.every
        if self.is_late(act, length):
            return True
        return act.continue_as_new_suggested and (
            _UPDATES in act.suggest_continue_as_new_reasons or length.came >= _most_entries(length.carried)
        )

    def is_late(self, act: WorkflowActivation, length: Length) -> bool:
        """Return whether a history is longer than one is to be, whatever the server suggests."""
        events = act.history_length + length.local
        return self.every is not None or events >= _MOST_EVENTS or act.history_size_bytes >= _MOST_BYTES

    def is_urgent(self, act: WorkflowActivation, length: Length) -> bool:
        """Return whether nothing new is to be begun any more."""
        events = act.history_length + length.local
        if self.every is not None:
            return events >= 2 * self.every
        if events >= _HOLD_EVENTS or act.history_size_bytes >= _HOLD_BYTES:
            return True
        if not act.continue_as_new_suggested:
            return False
        return _UPDATES in act.suggest_continue_as_new_reasons or (
            length.is_local and length.came >= _HOLD_LOCAL * _most_entries(length.carried)
        )

    def is_over(self, act: WorkflowActivation) -> bool:
        """Return whether the server is about to end the run."""
        if self.every is not None and act.history_length >= 10 * self.every:
            return True
        return act.history_length >= _LAST_EVENTS or act.history_size_bytes >= _LAST_BYTES


def _most_entries(carried: int) -> int:
    return min(carried, _MOST_ENTRIES)


def task_seconds(carried: int) -> float:
    """Return how long a workflow task may take in a history that begins with so many entries."""
    return max(_SHORTEST_TASK, _TASK_SECONDS * _most_entries(carried))


DEFAULT_BOUNDS: Final = Bounds()

#: Fewer events are over before a run has come to anything.
_FEWEST: Final = 20


def bounds_of(continue_after: int | None) -> Bounds:
    """Return the bounds for an option of a worker.

    Raises:
        ValueError: it is out of range.
    """
    if continue_after is None:
        return DEFAULT_BOUNDS
    if not isinstance(continue_after, int) or not _FEWEST <= continue_after <= _MOST_EVENTS:
        raise ValueError(f"continue_after={continue_after!r}: from {_FEWEST} to {_MOST_EVENTS:,} events")
    return Bounds(continue_after)
