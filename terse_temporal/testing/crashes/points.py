"""Where a worker process is to die."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from ...errors import CrashTestError

__all__ = ["ActivityMark", "CrashPoint", "Ending", "Moment"]

#: `before`: the function has not begun. `after_effect`: it has ended, and nobody has heard of it. `after_record`: what
#: it gave is in the history, and the handler has not gone on, which cannot be of a local step. `asleep`: nothing of the
#: run is open but a sleep.
Moment: TypeAlias = Literal["before", "after_effect", "after_record", "asleep"]

#: How an attempt ended. One that is tried again has not ended its step; one of a local step that is handed over goes on
#: as an attempt of an activity.
Ending: TypeAlias = Literal["returned", "failed", "tried again", "handed over", "cancelled"]

_MOMENTS: Final = get_args(Moment)


@dataclass(frozen=True, slots=True)
class CrashPoint:
    """One point at which the worker process is killed, once.

    Args:
        name: of the step, tool, `generate_text` or job that is not durable, as in the history; for `asleep` of no
            meaning.
        moment: when, in the course of it.
        occurrence: of which one of that name, or which sleep of a run, counted from 1. Attempts do not count.

    Raises:
        CrashTestError: there is no such moment, or the occurrence is less than 1.
    """

    name: str
    moment: Moment
    occurrence: int = 1

    def __post_init__(self) -> None:
        if self.moment not in _MOMENTS:
            raise CrashTestError(
                f"a worker cannot crash {self.moment!r} {self.name!r}: choose one of {', '.join(map(repr, _MOMENTS))}"
            )
        if self.occurrence < 1:
            raise CrashTestError(f"occurrence={self.occurrence!r} for {self.name!r}: the first one is 1")

    def __str__(self) -> str:
        number = f" ({self.occurrence})" if self.occurrence > 1 else ""
        return f"asleep{number}" if self.moment == "asleep" else f"{self.moment} {self.name!r}{number}"


@dataclass(frozen=True, slots=True)
class ActivityMark:
    """An attempt of an activity, as its worker process tells of it."""

    workflow_id: str
    run_id: str
    activity_id: str
    name: str
    attempt: int
    key: str
    is_local: bool = False
