"""Whether a moment is one of a schedule's, by what the memo of its runs says of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from .cron import CronError, read_cron

__all__ = ["LATER", "is_of_schedule", "moment_of"]

#: How much later than its moment a run is due on the nights on which clocks are changed (`schedules/clock_changes.py`).
LATER: Final = timedelta(seconds=1)

#: Around a change of the clocks. Where it is left to the server, that reads the clock by the offset before it or after
#: it, and starts runs by either; none is ever changed by more than this.
_NEAR: Final = timedelta(hours=3)

#: About as long as the day on which midnight is skipped: all of its moments are later.
_SAME_DAY: Final = timedelta(hours=25)


def moment_of(memo: Mapping[str, Any], due: datetime) -> datetime:
    """Return the moment that a run is for, from when the server says that it was due."""
    moment = due - LATER
    # Cron has whole minutes. At any other time somebody has started it in that second.
    is_later = "cron" in memo and due.second == LATER.seconds and is_of_schedule(memo, moment)
    return moment if is_later and len(_offsets(memo, moment, _SAME_DAY)) > 1 else due


def is_of_schedule(memo: Mapping[str, Any], moment: datetime) -> bool | None:
    """Return whether a schedule has a moment, to the second; None where the memo does not tell.

    What a schedule starts by itself, and by a backfill, is for one of its moments, and the server says for which,
    without jitter. What a person has it start is for the moment of that. Nothing else that the server tells a run tells
    the two apart; a person who meets the very second of a moment is taken for the clock.

    Args:
        memo: as `schedules/markers.py` writes it.
        moment: which the run is for, in UTC.
    """
    try:
        if "cron" in memo:
            cron, offsets = read_cron(memo["cron"]), _offsets(memo, moment)
            if any(cron.fits(moment.replace(tzinfo=None) + offset) for offset in offsets):
                return True
            # What was due in an hour that is skipped comes right after it.
            return len(offsets) > 1 and next(cron.after(moment - LATER, memo["timezone"])).astimezone(UTC) == moment
        if "every" in memo:
            since = moment - datetime(1970, 1, 1, tzinfo=UTC) - timedelta(seconds=memo["offset"])
            return not since % timedelta(seconds=memo["every"])
    # A memo is outside data: anybody may start a workflow with one.
    except (CronError, KeyError, ValueError, TypeError, AttributeError, ArithmeticError, OSError):
        pass
    return None


def _offsets(memo: Mapping[str, Any], moment: datetime, near: timedelta = _NEAR) -> set[timedelta]:
    """Return the offsets that a zone has about a moment: two where its clocks are changed."""
    zone = ZoneInfo(memo["timezone"])
    found = {(moment + by).astimezone(zone).utcoffset() for by in (-near, timedelta(), near)}
    return {each for each in found if each is not None}
