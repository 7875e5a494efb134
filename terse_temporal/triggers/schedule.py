"""A job that the clock starts.

Both parts of a schedule are checked when the module is imported: a schedule that never fires is noticed weeks later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from ..diagnostics.text import did_you_mean
from ..events import EventModel
from .base import Trigger, UtcDatetime, quoted, refusal

__all__ = ["CronTrigger", "ScheduleTriggers", "ScheduledEvent"]

_NAME: Final = "schedule.cron"
_EXAMPLE: Final = 'schedule.cron("0 9 * * 1", timezone="Europe/Berlin"): minute, hour, day of month, month, day of week'


class ScheduledEvent(EventModel):
    """A moment of a schedule has come.

    Attributes:
        scheduled_at: when the run was due, in UTC, however late it began: of a schedule of Temporal the moment that it
            was for, else when the run was started. `None` only where the model is filled by hand.
    """

    scheduled_at: UtcDatetime | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class CronTrigger(Trigger[ScheduledEvent]):
    """Moments given by a cron expression.

    Attributes:
        expression: five fields, in the syntax of cron.
        timezone: the IANA name of the zone the fields are read in, daylight saving included.
    """

    expression: str
    timezone: str

    def _arguments(self) -> list[str]:
        return [quoted(self.expression), f"timezone={quoted(self.timezone)}"]


class ScheduleTriggers:
    """`Triggers.schedule`."""

    @staticmethod
    def cron(expression: str, timezone: str = "UTC") -> CronTrigger:
        """Return a moment that fits a cron expression.

        Args:
            expression: minute, hour, day of month, month and day of week: `"0 9 * * 1"` is Mondays at nine. Names
                (`mon`, `jan`), lists, ranges and steps are fine.
            timezone: an IANA name, such as `"Europe/Berlin"`.

        Raises:
            JobDefinitionError: the expression or the timezone means nothing.
        """
        _check_expression(expression)
        _check_timezone(timezone)
        return CronTrigger(
            source="schedule",
            name=_NAME,
            event_model=ScheduledEvent,
            expression=" ".join(expression.split()),
            timezone=timezone,
        )


def _check_expression(expression: object) -> None:
    if not isinstance(expression, str):
        raise refusal(_NAME, f"the expression {expression!r} is not a string", _EXAMPLE)
    fields = expression.upper().split()
    if len(fields) != 5:
        found = "1 field" if len(fields) == 1 else f"{len(fields)} fields"
        raise refusal(_NAME, f"the expression {expression!r} has {found}, not five", _EXAMPLE)
    _, _, day, _, weekday = fields
    # cronsim knows these, the schedules of the server do not.
    if "#" in weekday or "L" in weekday or "L" in day or "W" in day:
        raise refusal(_NAME, f"the expression {expression!r} uses L, W or #, which schedules do not have", _EXAMPLE)
    try:
        # Any start will do: only whether it parses is asked, and whether a day like 30 February is.
        CronSim(expression, datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        reason = str(error).lower().replace("-", " ")
        raise refusal(_NAME, f"the expression {expression!r} has a {reason}", _EXAMPLE) from None


def _check_timezone(timezone: object) -> None:
    try:
        if isinstance(timezone, str) and timezone:
            ZoneInfo(timezone)
            return
    # ValueError: not a name at all, such as a path. OSError: half a name, which is a directory.
    except (KeyError, ValueError, OSError):
        pass
    hint = did_you_mean(str(timezone), sorted(available_timezones()), most=1)
    raise refusal(_NAME, f"the timezone {timezone!r} is not in the IANA database{hint}", _EXAMPLE)
