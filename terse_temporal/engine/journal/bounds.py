"""When a run continues as new by itself.

The server ends a run whose history has 51,200 events or 50 MiB. It suggests to continue long before, but each time the
handler is replayed from the top, and whoever looks at the run by its history sees the last part of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from temporalio.bridge.proto.workflow_activation import WorkflowActivation

__all__ = ["DEFAULT_BOUNDS", "Bounds", "bounds_of"]

#: From these on a run continues as soon as nothing is in flight.
_MOST_EVENTS: Final = 30_000
_MOST_BYTES: Final = 20 * 1024 * 1024

#: Over these nothing new is begun, until what is in flight has ended.
_HOLD_EVENTS: Final = 36_000
_HOLD_BYTES: Final = 30 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Bounds:
    """The sizes of a history at which a run continues.

    Attributes:
        every: events after which it does, where that is not left to what is best. Small numbers are for tests.
    """

    every: int | None = None

    def is_due(self, act: WorkflowActivation, local: int) -> bool:
        """Return whether a run is to continue.

        Args:
            act: what has come to the handler.
            local: local steps that have ended since the history was told of.
        """
        length = act.history_length + local
        if self.every is not None:
            return length >= self.every
        return length >= _MOST_EVENTS or act.history_size_bytes >= _MOST_BYTES

    def is_urgent(self, act: WorkflowActivation, local: int) -> bool:
        """Return whether nothing new is to be begun any more."""
        length = act.history_length + local
        if self.every is not None:
            return length >= 2 * self.every
        return length >= _HOLD_EVENTS or act.history_size_bytes >= _HOLD_BYTES


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
