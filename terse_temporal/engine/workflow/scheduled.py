"""The moment that a run was due, for the events of schedules.

A schedule of Temporal starts its runs with an input that is the same each time. When a run was due stands in a search
attribute of the run, which is recorded with its start, and so is the same on every replay and after a reset.
"""

from __future__ import annotations

import inspect
from datetime import UTC, datetime
from typing import Any, Final

from temporalio import workflow
from temporalio.common import SearchAttributeKey

from ...events import Event
from ...serialization.keys import fold
from ...triggers import ScheduledEvent

__all__ = ["with_moment", "with_start"]

_FIELD: Final = "scheduled_at"
_FOLDED: Final = fold(_FIELD)
_SCHEDULE: Final = SearchAttributeKey.for_keyword("TemporalScheduledById")
_DUE: Final = SearchAttributeKey.for_datetime("TemporalScheduledStartTime")


def with_moment(raw: Any, expected: Any) -> Any:
    """Return the input of a run with `scheduled_at` in it, in UTC, where that is missing and the event has room for it.

    A run that no schedule has started was due when it was started, as far as a handler of `ScheduledEvent` goes; other
    events are left as they came.

    Args:
        raw: the input as plain JSON, or None where there was none.
        expected: the type of the event.
    """
    info = workflow.info()
    due = info.typed_search_attributes.get(_DUE)
    if due is None or info.typed_search_attributes.get(_SCHEDULE) is None:
        return with_start(raw, expected, info.workflow_start_time)
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
