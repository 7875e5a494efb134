"""What a schedule does on the nights on which clocks are changed, put right by moments that are given one by one.

Servers read a calendar there in their own way (`tests/schedules/test_clock_changes.py` shows it, of 1.32). Of the hour
that is skipped they start nothing; `30 1 * * *` they start twice when clocks go back, in Berlin the second time at half
past two; of what is due every hour they miss one; and where midnight is skipped, as in Santiago, the whole day is to
them of the weekday before. Cron starts what was due in the skipped hour right after it, and what is due in the doubled
hour once, unless its minute or hour begins with `*`: that goes by the time that passes. So says cron(8), and so does
cronsim.

So around each change the server's own moments are taken out, by calendars of the hours around it, and those of cron are
put in as intervals of thirty years: they alone name a moment in UTC, where a clock shows the same numbers twice. What
is taken out is taken out by the clock, to the second, so these moments are a second later (`LATER`), which the event of
the run leaves out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from itertools import takewhile
from typing import Final
from zoneinfo import ZoneInfo

from ..triggers.cron import Cron
from ..triggers.moments import LATER

__all__ = ["ONCE", "YEARS", "Corrections", "corrections"]

#: Calendar years for which it is done, this one included: a sync of the next year adds another. What is not synced for
#: so long has what the server does by itself.
YEARS: Final = 3

#: The interval of a moment that comes once: thirty years. So it came before too, in the nineties: of a moment that lies
#: before the first multiple of its interval servers miscount the next.
ONCE: Final = timedelta(days=10_957)

#: Moments around one change, each of which is an entry of the schedule. What has more comes every few minutes, at
#: certain hours or on certain days only, and is left to the server.
_MOST: Final = 20

_HOUR: Final = timedelta(hours=1)
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class Corrections:
    """What a schedule is given beside its calendars.

    Attributes:
        by_utc: read the calendars in UTC, where the zone makes no difference: then there is nothing else.
        hours: hours by the clock in which the calendars start nothing.
        moments: what is started in these, in UTC.
    """

    by_utc: bool = False
    hours: tuple[datetime, ...] = ()
    moments: tuple[datetime, ...] = ()


def corrections(cron: Cron, timezone: str, now: datetime) -> Corrections:
    """Return what is to be put right for an expression in a zone, in this year and the next ones."""
    zone = ZoneInfo(timezone)
    # Clocks that are changed by half an hour (Lord Howe Island) are left to the server: cronsim misses moments there.
    changes = [each for each in _changes(zone, now.year) if not (each[2] - each[1]) % _HOUR]
    if changes and cron.every_hour and not any(offset % _HOUR for each in changes for offset in each[1:]):
        return Corrections(by_utc=True)
    hours: list[datetime] = []
    moments: list[datetime] = []
    for moment, before, after in changes:
        # By the clock, from an hour before what it skips, or shows twice, to an hour after.
        shown = sorted(moment.replace(tzinfo=None) + offset for offset in (before, after))
        first, last = shown[0] - _HOUR, shown[1] + _HOUR
        # By its weekday the server has another day, of which anything may be due.
        other_day = _without_midnight(*shown) if after > before and len(cron.weekdays) < 7 else None
        last = other_day or last
        start, end = (first - before).replace(tzinfo=UTC), (last - after).replace(tzinfo=UTC)
        around = list(takewhile(lambda each: each < end, _in_utc(cron.after(start - LATER, timezone))))  # noqa: B023
        clock_hours = [first + number * _HOUR for number in range((last - first) // _HOUR)]
        fits = any(cron.fits(hour + minute * _MINUTE) for hour in clock_hours for minute in cron.minutes)
        if (around or fits or other_day) and len(around) <= _MOST:
            hours += clock_hours
            moments += around
    return Corrections(hours=tuple(hours), moments=tuple(moments))


def _without_midnight(skipped: datetime, until: datetime) -> datetime | None:
    """Return the end of the day whose midnight is skipped, if one is."""
    midnight = datetime.combine(until.date(), time())
    return midnight + timedelta(days=1) if skipped <= midnight < until else None


def _in_utc(moments: Iterator[datetime]) -> Iterator[datetime]:
    return (each.astimezone(UTC) for each in moments)


@lru_cache(maxsize=100)  # an offset for each day of three years
def _changes(zone: ZoneInfo, year: int) -> tuple[tuple[datetime, timedelta, timedelta], ...]:
    """Return when the clocks of a zone are changed, and their offsets before and after."""
    found = []
    day = datetime(year, 1, 1, tzinfo=UTC)
    while day.year < year + YEARS:
        next_day = day + timedelta(days=1)
        if (before := _offset(zone, day)) != (after := _offset(zone, next_day)):
            low, high = 0, 24 * 60
            while high - low > 1:
                middle = (low + high) // 2
                if _offset(zone, day + middle * _MINUTE) == before:
                    low = middle
                else:
                    high = middle
            found.append((day + high * _MINUTE, before, after))
        day = next_day
    return tuple(found)


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()
