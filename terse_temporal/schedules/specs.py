"""A trigger as a Temporal schedule has it, and what a server says of one, so that the two can be compared.

Cron expressions are not sent as such. Of a day of month and a day of week that are both given the server takes those
days that fit both, cron those that fit either: `0 9 1 * 1` would be the firsts of a month that are Mondays. So an
expression is sent as what it is made of, sets of numbers; as two calendars where either day fits, of which a server
takes the moments together, each once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

from google.protobuf.duration_pb2 import Duration
from temporalio.api.schedule.v1 import IntervalSpec, Range, ScheduleSpec, StructuredCalendarSpec

from ..triggers import CronTrigger, EveryTrigger, ScheduleTrigger
from ..triggers.cron import Cron, read_cron
from ..triggers.moments import LATER
from .clock_changes import ONCE, corrections

__all__ = ["Times", "schedule_spec", "times_of"]

_FIELDS: Final = ("second", "minute", "hour", "day_of_month", "month", "year", "day_of_week")
_ALL_DAYS: Final = frozenset(range(1, 32))
_ALL_WEEKDAYS: Final = frozenset(range(7))

#: What a field that says nothing means: its first second, minute and hour, and any day, month and year.
_UNSAID: Final = {
    "second": frozenset({0}),
    "minute": frozenset({0}),
    "hour": frozenset({0}),
    "day_of_month": _ALL_DAYS,
    "month": frozenset(range(1, 13)),
    "day_of_week": _ALL_WEEKDAYS,
}


@dataclass(frozen=True)
class Times:
    """The moments of a schedule, in one form, whatever ranges, steps and order they are written in.

    Attributes:
        calendars: for each, the numbers that fit each of its fields.
        intervals: for each, its length and its offset.
        timezone: of the calendars.
        excluded: as `calendars`, of what these start nothing for.
        others: what no trigger has, as text: a first or last moment, data of a zone.
    """

    calendars: frozenset[tuple[frozenset[int], ...]]
    intervals: frozenset[tuple[timedelta, timedelta]]
    timezone: str
    excluded: frozenset[tuple[frozenset[int], ...]]
    others: str

    @property
    def regular(self) -> Times:
        """The same without what is given for the changes of the clocks."""
        intervals = frozenset(each for each in self.intervals if each[0] != ONCE)
        return replace(self, intervals=intervals, excluded=frozenset())


def schedule_spec(trigger: ScheduleTrigger, now: datetime | None = None) -> ScheduleSpec:
    """Return the moments of a trigger as a Temporal schedule takes them.

    Args:
        trigger: cron or every.
        now: a time of the first of the years for which the changes of the clocks are put right; by default this year.
    """
    jitter = _duration(trigger.jitter) if trigger.jitter else None
    if isinstance(trigger, EveryTrigger):
        offset = _duration(trigger.offset) if trigger.offset else None
        interval = IntervalSpec(interval=_duration(trigger.interval), phase=offset)
        return ScheduleSpec(interval=[interval], jitter=jitter)
    assert isinstance(trigger, CronTrigger)
    cron = read_cron(trigger.expression)
    correct = corrections(cron, trigger.timezone, now or datetime.now(UTC))
    return ScheduleSpec(
        structured_calendar=_calendars(cron, trigger.expression),
        interval=[_once(each) for each in correct.moments],
        exclude_structured_calendar=[_excluded(date, hours) for date, hours in _by_date(correct.hours).items()],
        timezone_name="UTC" if correct.by_utc else trigger.timezone,
        jitter=jitter,
    )


def times_of(spec: ScheduleSpec) -> Times:
    """Return the moments of a schedule in the form that can be compared."""
    others = ScheduleSpec()
    others.CopyFrom(spec)
    for field in ("structured_calendar", "exclude_structured_calendar", "interval", "jitter", "timezone_name"):
        others.ClearField(field)
    return Times(
        calendars=frozenset(_calendar_numbers(each) for each in spec.structured_calendar),
        intervals=frozenset((each.interval.ToTimedelta(), each.phase.ToTimedelta()) for each in spec.interval),
        timezone=spec.timezone_name or "UTC",
        excluded=frozenset(_calendar_numbers(each) for each in spec.exclude_structured_calendar),
        others=str(others),
    )


def _once(moment: datetime) -> IntervalSpec:
    since = moment + LATER - datetime(1970, 1, 1, tzinfo=UTC)
    return IntervalSpec(interval=_duration(ONCE), phase=_duration(since % ONCE))


def _by_date(hours: Iterable[datetime]) -> dict[date, list[int]]:
    found: dict[date, list[int]] = {}
    for each in hours:
        found.setdefault(each.date(), []).append(each.hour)
    return found


def _excluded(date: date, hours: list[int]) -> StructuredCalendarSpec:
    return StructuredCalendarSpec(
        second=_ranges({0}),
        minute=_ranges(range(60)),
        hour=_ranges(hours),
        day_of_month=_ranges({date.day}),
        month=_ranges({date.month}),
        year=_ranges({date.year}),
        day_of_week=_ranges(_ALL_WEEKDAYS),
        comment="the clocks are changed",
    )


def _calendars(cron: Cron, expression: str) -> list[StructuredCalendarSpec]:
    days = [(cron.days, cron.weekdays)]
    if cron.either_day:
        days = [(cron.days, _ALL_WEEKDAYS), (_ALL_DAYS, cron.weekdays)]
    return [
        StructuredCalendarSpec(
            second=_ranges({0}),
            minute=_ranges(cron.minutes),
            hour=_ranges(cron.hours),
            day_of_month=_ranges(day),
            month=_ranges(cron.months),
            day_of_week=_ranges(weekday),
            comment=expression,
        )
        for day, weekday in days
    ]


def _ranges(numbers: Iterable[int]) -> list[Range]:
    """Return numbers as ranges, each as long as its step stays the same: few enough to be read in the Web UI."""
    left = sorted(numbers)
    ranges = []
    while left:
        length, step = 1, 1
        if len(left) > 1:
            step = left[1] - left[0]
            while length < len(left) and left[length] - left[length - 1] == step:
                length += 1
            # Two numbers that are not neighbours are no range to who reads them.
            if length == 2 and step > 1:
                length, step = 1, 1
        ranges.append(Range(start=left[0], end=left[length - 1], step=step))
        left = left[length:]
    return ranges


def _calendar_numbers(calendar: StructuredCalendarSpec) -> tuple[frozenset[int], ...]:
    return tuple(_numbers(getattr(calendar, field)) or _UNSAID.get(field, frozenset()) for field in _FIELDS)


def _numbers(ranges: Iterable[Range]) -> frozenset[int]:
    # An end of zero, or below the start, is the start; a step of zero is one.
    return frozenset(
        number for each in ranges for number in range(each.start, max(each.start, each.end) + 1, max(1, each.step))
    )


def _duration(length: timedelta) -> Duration:
    duration = Duration()
    duration.FromTimedelta(length)
    return duration
