"""The moment that a run was due, in the event of a job that schedules start."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime
from typing import Any, Final

from ..events import Event
from ..serialization.keys import fold
from ..triggers import ScheduledEvent

__all__ = ["with_due", "with_start"]

_FIELD: Final = "scheduled_at"
_FOLDED: Final = fold(_FIELD)


def with_due(raw: Any, expected: Any, due: datetime) -> Any:
    """Return the input of a run that a schedule has started, with when it was due, where the event has room for it."""
    return _fill(raw, due) if _has_room(expected) else raw


def with_start(raw: Any, expected: Any, started_at: datetime) -> Any:
    """Return the input of a run that no schedule has started.

    It is the same, with the time at which it was started for a `ScheduledEvent`.
    """
    is_scheduled = inspect.isclass(expected) and issubclass(expected, ScheduledEvent)
    return _fill(raw, started_at) if is_scheduled else raw


def _fill(raw: Any, due: datetime) -> Any:
    if raw is not None and not (isinstance(raw, dict) and _is_missing(raw)):
        return raw
    others = {} if raw is None else {key: value for key, value in raw.items() if not _is_it(key)}
    return {**others, _FIELD: due.astimezone(UTC).isoformat()}


def _is_missing(raw: dict[str, Any]) -> bool:
    return all(value is None for key, value in raw.items() if _is_it(key))


def _is_it(key: str) -> bool:
    # The letter first: this is asked of every key of every event, large ones too.
    return key[:1] in ("s", "S") and fold(key) == _FOLDED


def _has_room(expected: Any) -> bool:
    if expected is Event or expected is dict:
        return True
    # Of pydantic models, dataclasses and typed dicts.
    fields = [getattr(expected, name, None) for name in ("model_fields", "__dataclass_fields__", "__annotations__")]
    return any(_FIELD in each for each in fields if isinstance(each, dict))
