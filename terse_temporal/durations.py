"""Durations as people write them: `"30s"`, `"1.5h"`, `"3 days"`.

The grammar is that of the `ms` package of JavaScript, because jobs are carried over from there and because one number
with one unit cannot be misread. `humanfriendly` does the parsing, but means other things by some of the same text (a
bare number is seconds, a year is 364 days, there is no month), so every unit is first brought to one that both read
alike.
"""

from __future__ import annotations

import functools
import math
import re
from datetime import datetime, timedelta
from typing import Final

import humanfriendly

from .diagnostics.text import shorten
from .errors import DurationError

__all__ = ["ACCEPTED", "LONGEST", "format_duration", "parse_duration", "time_until", "to_timedelta"]

_DAYS_A_YEAR: Final = 365.25
_DAYS_A_MONTH: Final = _DAYS_A_YEAR / 12

#: The longest sleep. Past it the arithmetic of servers and of `datetime` comes near its end, and it is a typing error.
LONGEST: Final = timedelta(days=200 * _DAYS_A_YEAR)

# Spellings of `ms`, and what each is for humanfriendly: a factor and a unit that both mean the same by.
_UNITS: Final[dict[str, tuple[float, str]]] = {
    spelling: meaning
    for spellings, meaning in (
        ("milliseconds millisecond msecs msec ms", (1, "ms")),
        ("seconds second secs sec s", (1, "s")),
        ("minutes minute mins min m", (1, "m")),
        ("hours hour hrs hr h", (1, "h")),
        ("days day d", (1, "d")),
        ("weeks week w", (7, "d")),
        ("months month mo", (_DAYS_A_MONTH, "d")),
        ("years year yrs yr y", (_DAYS_A_YEAR, "d")),
    )
    for spelling in spellings.split()
}

_DURATION: Final = re.compile(
    r"(?P<sign>-?)(?P<number>[0-9]+(?:\.[0-9]+)?|\.[0-9]+) *(?P<unit>[a-z]*)", re.IGNORECASE | re.ASCII
)

#: Characters of a duration. One may come from outside, with a million digits in it.
_MOST_CHARACTERS: Final = 100
_SHOWN: Final = 20

#: The end of every error.
ACCEPTED: Final = (
    'accepted: one number and one unit, such as "30s", "5m", "1.5h", "3d" or "2 weeks", a timedelta,'
    " or a timezone-aware datetime in the future"
)


def parse_duration(text: str) -> timedelta:
    """Read one `ms`-style duration.

    Args:
        text: one number and one unit, in any case, with or without spaces between: `"100ms"`, `"2 weeks"`, `"1.5h"`.
            A bare number is milliseconds; a year is 365.25 days and a month a twelfth of that, as in `ms`.

    Raises:
        DurationError: the text is something else, has more than 100 characters, or comes to zero, less than zero, or
            more than `LONGEST`.
    """
    if isinstance(text, str) and len(text) > _MOST_CHARACTERS:
        raise DurationError(
            f"{shorten(repr(text), _SHOWN)} is not a duration: it has {len(text):,} characters, of {_MOST_CHARACTERS}"
            f" at most; {ACCEPTED}"
        )
    match = _DURATION.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise DurationError(f"{text!r} is not a duration; {ACCEPTED}")
    unit = match["unit"].lower() or "ms"
    if unit not in _UNITS:
        raise DurationError(f"{text!r} is not a duration: there is no unit {match['unit']!r}; {ACCEPTED}")
    factor, known_unit = _UNITS[unit]
    amount = float(match["number"]) * factor
    # Not in exponent notation, which humanfriendly does not read.
    seconds = humanfriendly.parse_timespan(f"{amount:.12f}{known_unit}") if math.isfinite(amount) else math.inf
    return _check_positive(-seconds if match["sign"] else seconds, text)


#: The durations of a code base are few, and each step that is made or replayed has one.
_parsed = functools.lru_cache(maxsize=256)(parse_duration)


def to_timedelta(duration: str | timedelta) -> timedelta:
    """Return the same as `parse_duration`, for a string or a `timedelta`.

    Raises:
        DurationError: as `parse_duration`, and for anything that is neither, a bare number among them: whether `5`
            means seconds or milliseconds is a guess.
    """
    if isinstance(duration, timedelta):
        return _check_positive(duration.total_seconds(), duration)
    if isinstance(duration, str):
        return _parsed(duration)
    raise DurationError(f"{duration!r} is not a duration: a bare number has no unit; {ACCEPTED}")


def time_until(moment: datetime, now: datetime) -> timedelta:
    """Return how long it is from `now` to `moment`.

    Raises:
        DurationError: `moment` is naive, in the past, or more than `LONGEST` away.
    """
    if moment.utcoffset() is None:
        raise DurationError(f"cannot sleep until {moment!r}: it has no timezone; {ACCEPTED}")
    if moment <= now:
        raise DurationError(f"cannot sleep until {moment.isoformat()}: it is not after {now.isoformat()}; {ACCEPTED}")
    return _check_positive((moment - now).total_seconds(), moment.isoformat())


def format_duration(duration: timedelta) -> str:
    """Return the duration in words, such as `3 days` or `1 hour and 30 minutes`."""
    return str(humanfriendly.format_timespan(duration, detailed=duration < timedelta(seconds=1)))


def _check_positive(seconds: float, value: object) -> timedelta:
    if seconds > LONGEST.total_seconds():
        raise DurationError(f"{value!r} is longer than {LONGEST.days / _DAYS_A_YEAR:.0f} years; {ACCEPTED}")
    # The engine's timers are exact to the millisecond.
    if seconds < 0.001:
        raise DurationError(f"{value!r} is not longer than zero (the shortest is 1ms); {ACCEPTED}")
    return timedelta(seconds=seconds)
