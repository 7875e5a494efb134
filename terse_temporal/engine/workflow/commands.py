"""What the calls of a handler leave in its history, for showing what the code does now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["PendingCommand"]


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
