"""What the event of a job that schedules start says of its schedule: when the run was due, in which zone, by whom."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from ..events import Event
from ..serialization.keys import fold
from ..triggers import ScheduledEvent

__all__ = ["with_due", "with_start"]

_DUE: Final = "scheduled_at"

#: The fields by their folded spellings.
_FIELDS: Final = {fold(name): name for name in (_DUE, "timezone", "manual")}

#: What the keys begin with: this is asked of every key of every event, large ones too.
_LETTERS: Final = frozenset("sStTmM")


def with_due(raw: Any, expected: Any, due: datetime, *, timezone: str | None = None, manual: bool | None = None) -> Any:
    """Return the input of a run that a schedule has started, with what is known of it, where the event has room for it.

    An event that has no `scheduled_at` is that of something else, and is left as it came.

    Args:
        raw: the input as plain JSON, or None where there was none.
        expected: the type of the event.
        due: when the run was due.
        timezone: the zone of its trigger, if that is known.
        manual: whether somebody started it, and not the clock, if that is known.
    """
    if not _has_room(expected, _DUE):
        return raw
    known = {_DUE: due.astimezone(UTC).isoformat(), "timezone": timezone, "manual": manual}
    return _fill(raw, {name: value for name, value in known.items() if value is not None and _has_room(expected, name)})


def with_start(raw: Any, expected: Any, started_at: datetime) -> Any:
    """Return the input of a run that no schedule has started.

    It is the same, with the time at which it was started for a `ScheduledEvent`, and that nobody's clock did it.
    """
    is_scheduled = inspect.isclass(expected) and issubclass(expected, ScheduledEvent)
    if not is_scheduled or (isinstance(raw, dict) and _given(raw).get(_DUE) is not None):
        return raw
    return _fill(raw, {_DUE: started_at.astimezone(UTC).isoformat(), "manual": True})


def _fill(raw: Any, values: Mapping[str, Any]) -> Any:
    """Add to an input what it does not say, or says as null."""
    if raw is not None and not isinstance(raw, dict):
        return raw
    given = {} if raw is None else _given(raw)
    missing = {name: value for name, value in values.items() if given.get(name) is None}
    if not missing:
        return raw
    kept = {key: value for key, value in (raw or {}).items() if _field(key) not in missing}
    return {**kept, **missing}


def _given(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {field: value for key, value in raw.items() if (field := _field(key)) is not None and value is not None}


def _field(key: str) -> str | None:
    return _FIELDS.get(fold(key)) if key[:1] in _LETTERS else None


def _has_room(expected: Any, field: str) -> bool:
    if expected is Event or expected is dict:
        return True
    # Of pydantic models, dataclasses and typed dicts.
    fields = [getattr(expected, name, None) for name in ("model_fields", "__dataclass_fields__", "__annotations__")]
    return any(field in each for each in fields if isinstance(each, dict))
