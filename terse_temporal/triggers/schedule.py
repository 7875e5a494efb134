"""A job that the clock starts.

What is written is checked when the module is imported: a schedule that never fires is noticed weeks later.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final, Literal, TypeAlias, get_args
from zoneinfo import ZoneInfo, available_timezones

from ..diagnostics.text import did_you_mean
from ..durations import parse_duration
from ..errors import DurationError
from ..events import EventModel
from .base import Trigger, UtcDatetime, quoted, refusal
from .cron import CronError, read_cron

__all__ = [
    "CronTrigger",
    "EveryTrigger",
    "Overlap",
    "ScheduleTrigger",
    "ScheduleTriggers",
    "ScheduledEvent",
    "duration_text",
]

#: What is done where a run is due while the one before still runs.
Overlap: TypeAlias = Literal["skip", "buffer_one", "buffer_all", "cancel_other", "terminate_other", "allow_all"]

#: How long after its moment a run is still started, where the server was away at that moment.
DEFAULT_CATCH_UP: Final = timedelta(days=1)

#: Characters of what people call zones by, `PST` or `CEST`, of which the database knows few.
_LONGEST_ABBREVIATION: Final = 5

#: The server's own: below it, a schedule would miss runs whenever the server is busy.
SHORTEST_CATCH_UP: Final = timedelta(seconds=10)

#: The server's own, and that of the ids of runs, in which the moment stands to the second.
SHORTEST_INTERVAL: Final = timedelta(seconds=1)

_SIZES: Final = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CRON: Final = "schedule.cron"
_CRON_EXAMPLE: Final = (
    'schedule.cron("0 9 * * 1", timezone="Europe/Berlin"): minute, hour, day of month, month, day of week'
)
_EVERY: Final = "schedule.every"
_EVERY_EXAMPLE: Final = 'schedule.every("30m"), with a whole number of seconds'


class ScheduledEvent(EventModel):
    """A moment of a schedule has come.

    Attributes:
        scheduled_at: when the run was due, in UTC, however late it began: of a schedule of Temporal the moment that it
            was for, without its jitter, else when the run was started. `None` only where the model is filled by hand.
        timezone: the zone of the trigger, `"Europe/Berlin"`; `"UTC"` for `every`. `None` where no schedule of
            `terse-temporal schedules sync` started the run.
        manual: whether somebody started the run, and not the clock: by `schedules trigger`, the Temporal CLI or the Web
            UI, or without any schedule. A run of a backfill is not `manual`: it is for a moment of the schedule.
    """

    scheduled_at: UtcDatetime | None = None
    timezone: str | None = None
    manual: bool = False


@dataclass(frozen=True, kw_only=True, repr=False)
class ScheduleTrigger(Trigger[ScheduledEvent], ABC):
    """Moments that a schedule is for.

    Attributes:
        timezone: the IANA name of the zone that the moments are meant in.
        overlap: what is done where a run is due while the one before still runs.
        catch_up: how long after its moment a run is still started, if the server was away.
        jitter: runs are started up to this much later, each by another amount; zero for none.
    """

    timezone: str
    overlap: Overlap
    catch_up: timedelta
    jitter: timedelta

    @abstractmethod
    def after(self, moment: datetime) -> Iterator[datetime]:
        """Return the moments after one, in UTC, without an end."""

    def _options(self) -> list[str]:
        options = [] if self.overlap == "skip" else [f"overlap={quoted(self.overlap)}"]
        if self.catch_up != DEFAULT_CATCH_UP:
            options.append(f"catch_up={quoted(duration_text(self.catch_up))}")
        if self.jitter:
            options.append(f"jitter={quoted(duration_text(self.jitter))}")
        return options


@dataclass(frozen=True, kw_only=True, repr=False)
class CronTrigger(ScheduleTrigger):
    """Moments given by a cron expression.

    Attributes:
        expression: five fields, in the syntax of cron, or a short form of its: `"@daily"`.
    """

    expression: str

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Return the moments that cron means after one, in UTC, without an end."""
        return (each.astimezone(UTC) for each in read_cron(self.expression).after(moment, self.timezone))

    def _arguments(self) -> list[str]:
        return [quoted(self.expression), f"timezone={quoted(self.timezone)}", *self._options()]


@dataclass(frozen=True, kw_only=True, repr=False)
class EveryTrigger(ScheduleTrigger):
    """Moments that come back after a while, counted from 1970-01-01T00:00:00Z.

    Attributes:
        interval: from one to the next.
        offset: how much later than the multiples of the interval.
    """

    interval: timedelta
    offset: timedelta

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Return the moments after one, in UTC, without an end."""
        first = (moment - _EPOCH - self.offset) // self.interval + 1
        return (_EPOCH + self.offset + number * self.interval for number in count(first))

    def _arguments(self) -> list[str]:
        offset = [f"offset={quoted(duration_text(self.offset))}"] if self.offset else []
        return [quoted(duration_text(self.interval)), *offset, *self._options()]


class ScheduleTriggers:
    """`Triggers.schedule`."""

    @staticmethod
    def cron(
        expression: str,
        timezone: str = "UTC",
        *,
        overlap: Overlap = "skip",
        catch_up: str | timedelta = DEFAULT_CATCH_UP,
        jitter: str | timedelta | None = None,
    ) -> CronTrigger:
        """Start the job at the moments that fit a cron expression, by a schedule of Temporal.

        `terse-temporal schedules sync MODULE` makes the schedule, or a worker with `--sync-schedules`.

        Args:
            expression: minute, hour, day of month, month and day of week: `"0 9 * * 1"` is Mondays at nine. Names
                (`mon`, `jan`), lists, ranges and steps are fine, 7 is Sunday too, and `@daily` and its like are known.
                A day of month and a day of week that are both given mean either, as with cron.
            timezone: an IANA name, such as `"Europe/Berlin"`. What happens when its clocks are changed stands in
                docs/schedules.md: choose an hour at which they never are.
            overlap: where a run is due and the one before still runs: `"skip"` starts none, `"buffer_one"` one when
                that has ended, `"buffer_all"` each one after the other, `"cancel_other"` and `"terminate_other"` end
                that first, `"allow_all"` starts it beside it. Only runs of the same schedule are looked at.
            catch_up: a run that was due while the server was away is still started, up to this long after; 10 seconds
                or more. With `"skip"`, the oldest of those that were missed is.
            jitter: let runs begin up to this much later, each by another amount, so that not all of a minute begin at
                its first second. `scheduled_at` is without it.

        Raises:
            JobDefinitionError: the expression or the timezone means nothing, the expression never fits, or an option is
                none of those.
        """
        if not isinstance(expression, str):
            raise refusal(_CRON, f"the expression {expression!r} is not a string", _CRON_EXAMPLE)
        try:
            read_cron(expression)
        except CronError as error:
            raise refusal(_CRON, f"the expression {expression!r} {error}", _CRON_EXAMPLE) from None
        _check_timezone(timezone)
        return CronTrigger(
            source="schedule",
            name=_CRON,
            event_model=ScheduledEvent,
            expression=" ".join(expression.split()),
            timezone=timezone,
            **_checked(_CRON, _CRON_EXAMPLE, overlap, catch_up, jitter),
        )

    @staticmethod
    def every(
        interval: str | timedelta,
        *,
        offset: str | timedelta | None = None,
        overlap: Overlap = "skip",
        catch_up: str | timedelta = DEFAULT_CATCH_UP,
        jitter: str | timedelta | None = None,
    ) -> EveryTrigger:
        """Start the job again and again, by a schedule of Temporal.

        The moments are the multiples of the interval since 1970-01-01T00:00:00Z, whenever the schedule is made:
        `"30m"` is every hour at :00 and :30 in UTC, `"1d"` midnight in UTC, `"7d"` the midnight before a Thursday.

        Args:
            interval: from one moment to the next, such as `"30m"`: whole seconds. Each moment costs the server some
                events: what comes every few seconds had better be a run that sleeps.
            offset: how much later than those multiples, less than the interval: `every("1h", offset="15m")`.
            overlap: as for `cron`.
            catch_up: likewise.
            jitter: likewise; less than the interval.

        Raises:
            JobDefinitionError: the interval is no duration or too short, or an option is none of those.
        """
        every = _duration(_EVERY, _EVERY_EXAMPLE, "the interval", interval)
        if every < SHORTEST_INTERVAL:
            raise refusal(_EVERY, f"the interval {interval!r} is shorter than a second", _EVERY_EXAMPLE)
        later = timedelta() if offset is None else _duration(_EVERY, _EVERY_EXAMPLE, "offset", offset)
        if later >= every:
            raise refusal(_EVERY, f"offset={offset!r} is not less than the interval {interval!r}", _EVERY_EXAMPLE)
        options = _checked(_EVERY, _EVERY_EXAMPLE, overlap, catch_up, jitter)
        if options["jitter"] >= every:
            raise refusal(_EVERY, f"jitter={jitter!r} is not less than the interval {interval!r}", _EVERY_EXAMPLE)
        return EveryTrigger(
            source="schedule",
            name=_EVERY,
            event_model=ScheduledEvent,
            timezone="UTC",
            interval=every,
            offset=later,
            **options,
        )


def duration_text(duration: timedelta) -> str:
    """Return a duration of whole seconds as it is given: `"90m"`."""
    seconds = duration // timedelta(seconds=1)
    return next(f"{seconds // size}{unit}" for unit, size in _SIZES if seconds % size == 0)


def _checked(name: str, example: str, overlap: Any, catch_up: Any, jitter: Any) -> dict[str, Any]:
    known = get_args(Overlap)
    if overlap not in known:
        hint = did_you_mean(str(overlap), known, most=1)
        raise refusal(name, f"overlap={overlap!r} is none of {', '.join(map(repr, known))}{hint}", example)
    window = _duration(name, example, "catch_up", catch_up)
    if window < SHORTEST_CATCH_UP:
        raise refusal(name, f"catch_up={catch_up!r} is shorter than 10 seconds", example)
    return {
        "overlap": overlap,
        "catch_up": window,
        "jitter": timedelta() if jitter is None else _duration(name, example, "jitter", jitter),
    }


def _duration(name: str, example: str, what: str, given: object) -> timedelta:
    try:
        # A timedelta of no length is what a trigger has without one.
        found = given if isinstance(given, timedelta) else parse_duration(given)  # type: ignore[arg-type]
    except DurationError as error:
        raise refusal(name, f"{what}: {error}", example) from None
    if found < timedelta():
        raise refusal(name, f"{what}: {given!r} is less than nothing", example)
    if found % timedelta(seconds=1):
        raise refusal(name, f"{what}: {given!r} is not a whole number of seconds", example)
    return found


def _check_timezone(timezone: object) -> None:
    try:
        if isinstance(timezone, str) and timezone:
            ZoneInfo(timezone)
            return
    # ValueError: not a name at all, such as a path. OSError: half a name, which is a directory.
    except (KeyError, ValueError, OSError):
        pass
    zones = sorted(available_timezones())
    if not zones:
        problem = f"this machine has no IANA database to find the timezone {timezone!r} in; `pip install tzdata` is one"
        raise refusal(_CRON, problem, _CRON_EXAMPLE)
    if isinstance(timezone, str) and timezone.isupper() and len(timezone) <= _LONGEST_ABBREVIATION:
        hint = "; write a region and a city, such as 'America/Los_Angeles'"  # 'MST' is not what 'PST' means
    else:
        hint = did_you_mean(str(timezone), zones, most=1)
    raise refusal(_CRON, f"the timezone {timezone!r} is not in the IANA database{hint}", _CRON_EXAMPLE)
