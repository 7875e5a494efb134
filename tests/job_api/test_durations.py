"""A duration is one number and one unit, spelled as the `ms` package spells them, and everything else is refused."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terse_temporal.durations import LONGEST, format_duration, parse_duration, time_until, to_timedelta
from terse_temporal.errors import DurationError, TerseError

DAY = 86_400.0
YEAR = 365.25 * DAY

#: Every spelling that `ms` has, and the seconds it stands for.
UNITS: dict[str, float] = {
    **dict.fromkeys(["ms", "msec", "msecs", "millisecond", "milliseconds"], 0.001),
    **dict.fromkeys(["s", "sec", "secs", "second", "seconds"], 1.0),
    **dict.fromkeys(["m", "min", "mins", "minute", "minutes"], 60.0),
    **dict.fromkeys(["h", "hr", "hrs", "hour", "hours"], 3600.0),
    **dict.fromkeys(["d", "day", "days"], DAY),
    **dict.fromkeys(["w", "week", "weeks"], 7 * DAY),
    **dict.fromkeys(["mo", "month", "months"], YEAR / 12),
    **dict.fromkeys(["y", "yr", "yrs", "year", "years"], YEAR),
}


@pytest.mark.parametrize("unit", UNITS)
def test_every_spelling_of_a_unit(unit: str) -> None:
    """A unit may be written in each of its spellings, in any case, and with or without spaces before it."""
    for text in (f"2{unit}", f"2 {unit}", f"2   {unit.upper()}", f"2 {unit.title()}", f" 2{unit} "):
        assert parse_duration(text).total_seconds() == pytest.approx(2 * UNITS[unit], abs=1e-6), text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("5m", 300),
        ("1h", 3600),
        ("3d", 3 * DAY),
        ("2 weeks", 14 * DAY),
        ("1.5h", 5400),
        (".5h", 1800),
        ("0.5 min", 30),
        ("100ms", 0.1),
        ("100", 0.1),
        ("1500", 1.5),
        ("1mo", 30.4375 * DAY),
        ("1y", 365.25 * DAY),
        ("007s", 7),
        ("1ms", 0.001),
        ("53 milliseconds", 0.053),
        ("17 msecs", 0.017),
    ],
)
def test_what_texts_mean(text: str, seconds: float) -> None:
    """A bare number is milliseconds, a year 365.25 days and a month a twelfth of it."""
    assert parse_duration(text) == to_timedelta(text) == timedelta(seconds=seconds)


@given(
    number=st.decimals(min_value="0.000001", max_value="100000", places=6),
    unit=st.sampled_from(sorted(UNITS)),
    spaces=st.integers(0, 3),
    upper=st.booleans(),
)
def test_number_times_unit(number: Any, unit: str, spaces: int, upper: bool) -> None:
    """A duration is its number times its unit, to the millisecond, and refused where that is under one or too long."""
    text = f"{number}{' ' * spaces}{unit.upper() if upper else unit}"
    seconds = float(number) * UNITS[unit]
    if 0.0011 < seconds < LONGEST.total_seconds():
        assert parse_duration(text).total_seconds() == pytest.approx(seconds, abs=0.001)
    elif seconds < 0.0009 or seconds > LONGEST.total_seconds() + 1:
        with pytest.raises(DurationError):
            parse_duration(text)


@given(text=st.text(max_size=12) | st.from_regex(r"-?[0-9.]{1,4} ?[a-z]{0,8}", fullmatch=True))
def test_any_text_is_a_duration_or_an_error_that_shows_it(text: str) -> None:
    """Whatever a string is, it is a duration longer than zero, or a DurationError that shows the text."""
    found = caught = None
    try:
        found = parse_duration(text)
    except DurationError as error:
        caught = str(error)
    if caught is not None:
        assert repr(text) in caught
        assert "accepted: one number and one unit" in caught
    else:
        assert found is not None
        assert timedelta(milliseconds=1) <= found <= LONGEST
        assert re.fullmatch(r"\s*\d*\.?\d+ *[a-zA-Z]*\s*", text)


@given(st.timedeltas(min_value=timedelta(milliseconds=1), max_value=LONGEST))
def test_a_timedelta_is_itself(duration: timedelta) -> None:
    """A timedelta is the duration that it is, to the millisecond."""
    assert abs(to_timedelta(duration) - duration) < timedelta(milliseconds=1)
    assert format_duration(duration)


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("abc", "'abc'"),
        ("1h30m", "'1h30m'"),
        ("1h 30m", "'1h 30m'"),
        ("", "''"),
        ("  ", "'  '"),
        ("h", "'h'"),
        ("1.", "'1.'"),
        ("1,5h", "'1,5h'"),
        ("1 fortnight", "no unit 'fortnight'"),
        ("1e3s", "'1e3s'"),
        ("+1s", "'+1s'"),
        ("٣s", "'٣s'"),
        ("Infinity", "'Infinity'"),
        ("0", "'0' is not longer than zero"),
        ("0s", "'0s' is not longer than zero"),
        ("0.1ms", "'0.1ms' is not longer than zero"),
        ("-1h", "'-1h' is not longer than zero"),
        ("-5", "'-5' is not longer than zero"),
        ("201y", "'201y' is longer than 200 years"),
        ("9" * 90, "is longer than 200 years"),
        (timedelta(0), "timedelta(0)"),
        (timedelta(seconds=-1), "timedelta(days=-1"),
        (timedelta(microseconds=1), "timedelta(microseconds=1)"),
        (timedelta.max, "is longer than 200 years"),
        (5, "5 is not a duration: a bare number has no unit"),
        (1.5, "1.5 is not a duration"),
        (math.nan, "nan is not a duration"),
        (True, "True is not a duration"),
        (None, "None is not a duration"),
        (b"1h", "b'1h' is not a duration"),
        (["1h"], "['1h'] is not a duration"),
    ],
)
def test_what_is_refused(value: Any, names: str) -> None:
    """Zero, negative, unparsable and bare numbers are a DurationError, which shows the value and what is accepted."""
    with pytest.raises(DurationError) as caught:
        to_timedelta(value)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, TerseError)
    assert names in str(caught.value)
    for accepted in ('"30s"', '"5m"', '"1.5h"', '"3d"', '"2 weeks"', "timedelta", "datetime"):
        assert accepted in str(caught.value)


@pytest.mark.parametrize("value", [5, 1.5, None, timedelta(seconds=1)])
def test_the_parser_takes_texts_alone(value: Any) -> None:
    """`parse_duration` reads texts, and refuses the rest as it refuses a wrong text."""
    with pytest.raises(DurationError, match="is not a duration"):
        parse_duration(value)


NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)


def test_until_a_moment() -> None:
    """A moment to sleep until is as far away as it is, whatever its timezone."""
    assert time_until(datetime(2025, 6, 4, 12, tzinfo=UTC), NOW) == timedelta(days=3)
    assert time_until(datetime.fromisoformat("2025-06-01T15:00:00+02:00"), NOW) == timedelta(hours=1)


@pytest.mark.parametrize(
    ("moment", "names"),
    [
        (datetime(2025, 6, 4), "datetime.datetime(2025, 6, 4, 0, 0): it has no timezone"),
        (NOW, "2025-06-01T12:00:00+00:00: it is not after 2025-06-01T12:00:00+00:00"),
        (NOW - timedelta(days=1), "2025-05-31T12:00:00+00:00: it is not after"),
        (datetime(2300, 1, 1, tzinfo=UTC), "'2300-01-01T00:00:00+00:00' is longer than 200 years"),
    ],
)
def test_moments_that_are_refused(moment: datetime, names: str) -> None:
    """A naive moment, one that has passed and one that is out of reach are a DurationError that shows it."""
    with pytest.raises(DurationError) as caught:
        time_until(moment, NOW)
    assert names in str(caught.value)
    assert "timezone-aware datetime in the future" in str(caught.value)
