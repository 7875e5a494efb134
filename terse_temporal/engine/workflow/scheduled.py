"""The moment that a run was due, for the events of schedules.

A schedule of Temporal starts its runs with an input that is the same each time. When a run was due stands in a search
attribute of the run, and the trigger that the schedule was made from in its memo. Both are recorded with its start, and
so are the same on every replay and after a reset.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from temporalio import workflow
from temporalio.common import SearchAttributeKey

from ...jobs.scheduled_events import with_due, with_start
from ...serialization.wire_names import SCHEDULE_MEMO
from ...triggers.moments import is_of_schedule, moment_of

__all__ = ["with_moment"]

_SCHEDULE: Final = SearchAttributeKey.for_keyword("TemporalScheduledById")
_DUE: Final = SearchAttributeKey.for_datetime("TemporalScheduledStartTime")


def with_moment(raw: Any, expected: Any) -> Any:
    """Return the input of a run with `scheduled_at` in it, in UTC, where that is missing and the event has room for it.

    Likewise `timezone` and `manual`, of a schedule that was made from a trigger. A run that no schedule has started was
    due when it was started, as far as a handler of `ScheduledEvent` goes; other events are left as they came.

    Args:
        raw: the input as plain JSON, or None where there was none.
        expected: the type of the event.
    """
    info = workflow.info()
    due = info.typed_search_attributes.get(_DUE)
    if due is None or info.typed_search_attributes.get(_SCHEDULE) is None:
        return with_start(raw, expected, info.workflow_start_time)
    memo = workflow.memo_value(SCHEDULE_MEMO, None)
    if not isinstance(memo, Mapping):
        return with_due(raw, expected, due)
    timezone = memo.get("timezone")
    due = moment_of(memo, due)
    of_schedule = is_of_schedule(memo, due)
    return with_due(
        raw,
        expected,
        due,
        timezone=timezone if isinstance(timezone, str) else None,
        manual=None if of_schedule is None else not of_schedule,
    )
