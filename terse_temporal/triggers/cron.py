"""Cron expressions, by the rules of Vixie cron: what cron(8) and crontab(5) of most systems say.

Five fields. A day fits by its day of month *or* its day of week where both are restricted; where one of the two begins
with `*` both have to fit, and that holds for `*/2` too, which crontab(5) of Debian says in so many words. Sunday is 0
and 7. `@daily` and its like are short for five fields.

`cronsim` reads the fields, and gives the moments that cron means; a schedule of Temporal takes sets of numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, cast
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

__all__ = ["SHORT_FORMS", "Cron", "CronError", "read_cron"]

#: What crontab(5) has for five fields. `@reboot` is no time.
SHORT_FORMS: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}

#: Any moment will do where only is asked whether an expression can be read, and whether it ever fits.
_SOME_MOMENT: Final = datetime(2000, 1, 1, tzinfo=UTC)


#: Each minute of an hour by its number has 170. One may come from outside, in the memo of a run.
_MOST_CHARACTERS: Final = 1_000


class CronError(Exception):
    """What is wrong with an expression."""


@dataclass(frozen=True)
class Cron:
    """A cron expression, read.

    Attributes:
        expression: five fields.
        minutes, hours, days, months, weekdays: the numbers that fit each; Sunday is 0.
        either_day: whether a day fits by its day of month or its day of week; otherwise by both.
    """

    expression: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool

    @property
    def every_hour(self) -> bool:
        """Whether it comes in every hour of every day, by the time that passes: a zone then makes no difference.

        Not by the clock, as what names its minutes and its hours does on the day on which one hour comes twice.
        """
        minute, hour = self.expression.split()[:2]
        by_time = minute.startswith("*") or hour.startswith("*")
        whole = (len(self.hours), len(self.days), len(self.months), len(self.weekdays)) == (24, 31, 12, 7)
        return by_time and whole

    def fits(self, moment: datetime) -> bool:
        """Return whether a moment, by its own clock, is one of the expression's."""
        in_days = moment.day in self.days
        in_weekdays = moment.isoweekday() % 7 in self.weekdays
        return (
            moment.second == 0
            and moment.minute in self.minutes
            and moment.hour in self.hours
            and moment.month in self.months
            and (in_days or in_weekdays if self.either_day else in_days and in_weekdays)
        )

    def after(self, moment: datetime, timezone: str) -> Iterator[datetime]:
        """Return the moments that cron means after one, without an end, in a zone and with its daylight saving."""
        return CronSim(self.expression, moment.astimezone(ZoneInfo(timezone)))


def read_cron(expression: str) -> Cron:
    """Read a cron expression.

    Raises:
        CronError: it cannot be read, has something that schedules do not have, or never fits.
    """
    text = expression.strip()
    if len(text) > _MOST_CHARACTERS:
        raise CronError(f"has {len(text):,} characters, of {_MOST_CHARACTERS:,} at most")
    if text.startswith("@"):
        return read_cron(_long_form(text))
    fields = text.upper().split()
    if len(fields) != 5:
        found = "1 field" if len(fields) == 1 else f"{len(fields)} fields"
        raise CronError(f"has {found}, not five")
    _, _, day, _, weekday = fields
    # cronsim knows these, the schedules of the server do not.
    if "#" in weekday or "L" in weekday or "L" in day or "W" in day:
        raise CronError("uses L, W or #, which schedules do not have")
    try:
        parsed = CronSim(" ".join(fields), _SOME_MOMENT)
        next(parsed)
    except CronSimError as error:
        if _can_be_read([*fields[:3], "*", weekday]) and _can_be_read([*fields[:2], "*", *fields[3:]]):
            raise CronError("never fits a day: its months have no such day") from None
        raise CronError(f"has a {str(error).lower().replace('-', ' ')}") from None
    except StopIteration:
        raise CronError("never fits a day") from None
    return Cron(
        expression=" ".join(text.split()),
        minutes=frozenset(parsed.minutes),
        hours=frozenset(parsed.hours),
        days=frozenset(parsed.days),
        months=frozenset(parsed.months),
        # 7 is Sunday too.
        weekdays=frozenset(each % 7 for each in cast("set[int]", parsed.weekdays)),
        either_day=not parsed.day_and,
    )


def _can_be_read(fields: list[str]) -> bool:
    try:
        CronSim(" ".join(fields), _SOME_MOMENT)
    except CronSimError:
        return False
    return True


def _long_form(text: str) -> str:
    name = text.lower()
    if name in SHORT_FORMS:
        return SHORT_FORMS[name]
    if name.startswith("@every"):
        raise CronError('is no cron expression: Triggers.schedule.every("30m") is for what comes back after a while')
    if name == "@reboot":
        raise CronError("is no time: nothing is ever rebooted here")
    raise CronError(f"is none of {', '.join(SHORT_FORMS)}")
