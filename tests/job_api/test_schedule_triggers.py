"""What a schedule's trigger is given is checked where it is written, and its moments are those that cron means."""

from __future__ import annotations

import sys
import zoneinfo
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest

from terse_temporal import Triggers
from terse_temporal.errors import JobDefinitionError
from terse_temporal.triggers import ScheduleTrigger

_MAY = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("trigger", "text"),
    [
        (Triggers.schedule.every("90m"), 'schedule.every("90m")'),
        (Triggers.schedule.every(timedelta(days=7), offset="1h"), 'schedule.every("7d", offset="1h")'),
        (
            Triggers.schedule.every("1 day", overlap="allow_all", catch_up="1h", jitter="90s"),
            'schedule.every("1d", overlap="allow_all", catch_up="1h", jitter="90s")',
        ),
        (
            Triggers.schedule.cron("@daily", overlap="buffer_one", catch_up="1d"),
            'schedule.cron("@daily", timezone="UTC", overlap="buffer_one")',
        ),
    ],
)
def test_as_it_is_written(trigger: ScheduleTrigger, text: str) -> None:
    """A trigger is shown as it could be written, without what it has by default."""
    assert trigger.describe() == text
    assert eval(f"Triggers.{text}") == trigger


@pytest.mark.parametrize(
    ("interval", "options", "wrong"),
    [
        (timedelta(), {}, "shorter than a second"),
        ("soon", {}, "'soon' is not a duration"),
        (30, {}, "30 is not a duration"),
        ("0s", {}, "not longer than zero"),
        (timedelta(minutes=-5), {}, "less than nothing"),
        ("90.5s", {}, "not a whole number of seconds"),
        ("1h", {"offset": "1h"}, "offset='1h' is not less than the interval '1h'"),
        ("1h", {"offset": "soon"}, "offset: 'soon' is not a duration"),
        ("1h", {"jitter": "2h"}, "jitter='2h' is not less than the interval '1h'"),
        ("1h", {"jitter": "1.5s"}, "jitter: '1.5s' is not a whole number of seconds"),
        ("1h", {"catch_up": "9s"}, "catch_up='9s' is shorter than 10 seconds"),
        ("1h", {"overlap": "skipp"}, "overlap='skipp' is none of 'skip', 'buffer_one'"),
        ("1h", {"overlap": None}, "overlap=None is none of"),
    ],
)
def test_wrong_options_are_refused_at_import(interval: Any, options: dict[str, Any], wrong: str) -> None:
    """What is wrong is refused with the value, the line and an example, whichever of the two triggers has it."""
    with pytest.raises(JobDefinitionError) as raised:
        Triggers.schedule.every(interval, **options)
    assert wrong in str(raised.value)
    assert f"test_schedule_triggers.py:{raised.traceback[0].lineno + 1}" in str(raised.value)
    assert "write it as Triggers.schedule.every(" in str(raised.value)
    if options.keys() & {"catch_up", "overlap"}:
        with pytest.raises(JobDefinitionError, match=r"Triggers\.schedule\.cron \("):
            Triggers.schedule.cron("0 9 * * *", **options)


def test_every() -> None:
    """The moments of an interval are its multiples since 1970, whenever one asks, and strictly after that."""
    quarter = Triggers.schedule.every("1h", offset="15m")
    assert list(islice(quarter.after(_MAY), 2)) == [_MAY + timedelta(minutes=15), _MAY + timedelta(minutes=75)]
    assert next(quarter.after(_MAY + timedelta(minutes=15))) == _MAY + timedelta(minutes=75)
    weekly = next(Triggers.schedule.every("7d").after(_MAY))
    assert (weekly, weekly.strftime("%A")) == (datetime(2026, 5, 7, tzinfo=UTC), "Thursday")


@pytest.mark.parametrize(
    ("expression", "days"),
    [
        # Both given: either.
        ("0 9 1 * 1", ["Fri 1", "Mon 4", "Mon 11", "Mon 18", "Mon 25"]),
        ("0 9 30 2 7", []),
        ("0 9 30 2,5 7", ["Sun 3", "Sun 10", "Sun 17", "Sun 24", "Sat 30", "Sun 31"]),
        # One of the two begins with a star: both.
        ("0 9 */10 * 1", ["Mon 11"]),
        ("0 9 10-20 * */3", ["Sun 10", "Wed 13", "Sat 16", "Sun 17", "Wed 20"]),
        # A range with a step is restricted.
        ("0 9 1-31/15 * sun", ["Fri 1", "Sun 3", "Sun 10", "Sat 16", "Sun 17", "Sun 24", "Sun 31"]),
        ("@weekly", ["Sun 3", "Sun 10", "Sun 17", "Sun 24", "Sun 31"]),
    ],
)
def test_days(expression: str, days: list[str]) -> None:
    """Where both days are given either fits, unless one of them begins with a star."""
    found = []
    for each in Triggers.schedule.cron(expression).after(_MAY - timedelta(seconds=1)):
        if (each.year, each.month) > (2026, 5):
            break
        found.append(f"{each:%a} {each.day}")
    assert found == days


def test_a_zone() -> None:
    """The moments of a cron expression are in UTC, and those of its zone."""
    trigger = Triggers.schedule.cron("0 9 * * *", timezone="America/New_York")
    assert next(trigger.after(_MAY)) == datetime(2026, 5, 1, 13, tzinfo=UTC)
    assert next(trigger.after(datetime(2026, 12, 1, tzinfo=UTC))) == datetime(2026, 12, 1, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "timezone", "wrong"),
    [
        ("0 9 30 2 *", "UTC", "'0 9 30 2 *' never fits a day: its months have no such day"),
        ("0 9 31 4,6 *", "UTC", "never fits a day"),
        ("0 9 32 4 *", "UTC", "has a bad day of month"),
        ("0 9 30 13 *", "UTC", "has a bad month"),
        ("0 9 * * 1", "Europe/Berln", "did you mean 'Europe/Berlin'?"),
        ("0 9 * * 1", "PST", "'PST' is not in the IANA database; write a region and a city, such as"),
    ],
)
def test_what_never_comes_is_refused_with_why(expression: str, timezone: str, wrong: str) -> None:
    with pytest.raises(JobDefinitionError) as refused:
        Triggers.schedule.cron(expression, timezone=timezone)
    assert wrong in str(refused.value)


def test_a_machine_without_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """A zone that is right is not called wrong where there is nothing to find it in, as in small images."""
    zoneinfo.reset_tzpath(to=[])
    for name in {"tzdata", *(each for each in sys.modules if each.startswith("tzdata."))}:
        monkeypatch.setitem(sys.modules, name, None)
    zoneinfo.ZoneInfo.clear_cache()
    try:
        with pytest.raises(JobDefinitionError, match=r"this machine has no IANA database .* `pip install tzdata`"):
            Triggers.schedule.cron("0 9 * * 1", timezone="Europe/Berlin")
    finally:
        zoneinfo.reset_tzpath()
