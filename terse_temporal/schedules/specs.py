"""A trigger as a Temporal schedule has it, and what a server says of one, so that the two can be compared.

Cron expressions are not sent as such. Of a day of month and a day of week that are both given the server takes those
days that fit both, cron those that fit either: `0 9 1 * 1` would be the firsts of a month that are Mondays. So an
expression is sent as what it is made of, sets of numbers; as two calendars where either day fits, of which a server
takes the moments together, each once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from google.protobuf.duration_pb2 import Duration
from temporalio.api.schedule.v1 import IntervalSpec, Range, ScheduleSpec, StructuredCalendarSpec

from ..triggers import CronTrigger, EveryTrigger, ScheduleTrigger
from ..triggers.cron import read_cron

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
        others: what no trigger has, as text: calendars that are left out, a first or last moment, data of a zone.
    """

    calendars: frozenset[tuple[frozenset[int], ...]]
    intervals: frozenset[tuple[timedelta, timedelta]]
    timezone: str
    others: str


def schedule_spec(trigger: ScheduleTrigger) -> ScheduleSpec:
    """Return the moments of a trigger as a Temporal schedule takes them."""
    jitter = _duration(trigger.jitter) if trigger.jitter else None
    if isinstance(trigger, EveryTrigger):
        offset = _duration(trigger.offset) if trigger.offset else None
        interval = IntervalSpec(interval=_duration(trigger.interval), phase=offset)
        return ScheduleSpec(interval=[interval], jitter=jitter)
    assert isinstance(trigger, CronTrigger)
    return ScheduleSpec(structured_calendar=_calendars(trigger), timezone_name=trigger.timezone, jitter=jitter)


def times_of(spec: ScheduleSpec) -> Times:
    """Return the moments of a schedule in the form that can be compared."""
    others = ScheduleSpec()
    others.CopyFrom(spec)
    for field in ("structured_calendar", "interval", "jitter", "timezone_name"):
        others.ClearField(field)
    return Times(
        calendars=frozenset(_calendar_numbers(each) for each in spec.structured_calendar),
        intervals=frozenset((each.interval.ToTimedelta(), each.phase.ToTimedelta()) for each in spec.interval),
        timezone=spec.timezone_name or "UTC",
        others=str(others),
    )


def _calendars(trigger: CronTrigger) -> list[StructuredCalendarSpec]:
    cron = read_cron(trigger.expression)
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
            comment=trigger.expression,
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
