"""What the calls of a handler leave in its history, for showing what the code does now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["PendingCommand", "PendingCommands"]

#: Different calls that are kept once for all of them.
_MOST_SHARED: Final = 1_000


@dataclass(frozen=True, slots=True)
class PendingCommand:
    """A call of the handler that left something in the history.

    Attributes:
        kind: `"step"`, `"sleep"`, or `"run"` for one that is started.
        name: of the step or job, or how long the sleep is.
        where: the line of the call.
    """

    kind: Literal["step", "sleep", "run"]
    name: str
    where: str


class PendingCommands(list[PendingCommand]):
    """The calls of a handler, in their order. A loop makes one call a hundred thousand times, which is kept once."""

    def __init__(self) -> None:
        super().__init__()
        self._shared: dict[tuple[str, str, str], PendingCommand] = {}

    def note(self, kind: Literal["step", "sleep", "run"], name: str, where: str) -> None:
        """Add a call, as `PendingCommand` has it."""
        key = (kind, name, where)
        call = self._shared.get(key)
        if call is None:
            call = PendingCommand(kind, name, where)
            if len(self._shared) < _MOST_SHARED:
                self._shared[key] = call
        self.append(call)
