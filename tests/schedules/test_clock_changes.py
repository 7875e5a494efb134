"""On the nights on which clocks are changed a schedule starts what cron starts, which a server by itself does not."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from temporalio.api.schedule.v1 import ScheduleSpec
from temporalio.api.workflowservice.v1 import UpdateScheduleRequest
from temporalio.client import Client

from terse_temporal import Job, Triggers, create_job
from terse_temporal.schedules import schedule_spec, sync
from terse_temporal.schedules.clock_changes import YEARS
from terse_temporal.schedules.specs import times_of
from terse_temporal.testing import JobEnvironment
from terse_temporal.triggers.moments import is_of_schedule, moment_of

from .test_times import moments, on_the_server

_YEAR = datetime(2026, 6, 1, tzinfo=UTC)

#: Zone and day, forward and back.
NIGHTS = {
    "berlin-forward": ("Europe/Berlin", date(2027, 3, 28)),
    "berlin-back": ("Europe/Berlin", date(2026, 10, 25)),
    "new-york-forward": ("America/New_York", date(2026, 3, 8)),
    "new-york-back": ("America/New_York", date(2028, 11, 5)),
}

#: Expressions, and what they start in each of those nights, by the clock and its offset.
FIRES: dict[str, dict[str, list[str]]] = {
    # In the hour before the change, and in the one that is skipped or doubled.
    "30 1 * * *": {
        "berlin-forward": ["01:30+0100"],
        "berlin-back": ["01:30+0200"],
        "new-york-forward": ["01:30-0500"],
        "new-york-back": ["01:30-0400"],
    },
    "30 2 * * *": {
        "berlin-forward": ["03:00+0200"],
        "berlin-back": ["02:30+0200"],
        "new-york-forward": ["03:00-0400"],
        "new-york-back": ["02:30-0500"],
    },
    # By the time that passes.
    "0 */2 * * *": {
        "berlin-forward": ["00:00+0100", "04:00+0200"],
        "berlin-back": ["00:00+0200", "02:00+0200", "02:00+0100", "04:00+0100"],
        "new-york-forward": ["00:00-0500", "04:00-0400"],
        "new-york-back": ["00:00-0400", "02:00-0500", "04:00-0500"],
    },
    "0 * * * *": {
        "berlin-forward": ["00:00+0100", "01:00+0100", "03:00+0200", "04:00+0200"],
        "berlin-back": ["00:00+0200", "01:00+0200", "02:00+0200", "02:00+0100", "03:00+0100", "04:00+0100"],
        "new-york-forward": ["00:00-0500", "01:00-0500", "03:00-0400", "04:00-0400"],
        "new-york-back": ["00:00-0400", "01:00-0400", "01:00-0500", "02:00-0500", "03:00-0500", "04:00-0500"],
    },
}


def night(name: str) -> tuple[str, datetime, datetime]:
    """A zone, and the night from midnight until four."""
    zone, day = NIGHTS[name]
    start = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return zone, start, start.replace(hour=4)


async def found(client: Client, spec: ScheduleSpec, name: str) -> list[str]:
    zone, start, end = night(name)
    times = await on_the_server(client, spec, start - timedelta(seconds=1), end)
    return [f"{each.astimezone(ZoneInfo(zone)):%H:%M%z}" for each in times]


@pytest.mark.parametrize("name", NIGHTS)
async def test_as_cron_does(env: JobEnvironment, name: str) -> None:
    """What was due in the skipped hour comes right after it; what is due in the doubled hour comes once, at its first;
    and what has a star for its minute or hour goes by the time that passes.
    """
    for expression, fires in FIRES.items():
        spec = schedule_spec(Triggers.schedule.cron(expression, night(name)[0]), _YEAR)
        assert await found(env.client, spec, name) == fires[name], expression


@pytest.mark.parametrize(
    ("expression", "name", "fires"),
    [
        ("30 2 * * *", "berlin-forward", []),
        ("30 2 * * *", "new-york-forward", []),
        ("30 1 * * *", "berlin-back", ["01:30+0200", "02:30+0200"]),
        ("30 1 * * *", "new-york-back", ["01:30-0400", "01:30-0500"]),
        ("0 * * * *", "berlin-back", ["00:00+0200", "01:00+0200", "02:00+0200", "03:00+0100", "04:00+0100"]),
    ],
)
async def test_why_it_is_done(env: JobEnvironment, expression: str, name: str, fires: list[str]) -> None:
    """A server by itself starts some twice and some not at all. Where this fails one has learnt better."""
    spec = schedule_spec(Triggers.schedule.cron(expression))
    spec.timezone_name = night(name)[0]
    assert await found(env.client, spec, name) == fires


async def test_a_day_without_midnight(env: JobEnvironment) -> None:
    """Where midnight is skipped a server by itself has the weekday before, all day long."""
    zone = "America/Santiago"
    start = datetime(2026, 9, 5, tzinfo=ZoneInfo(zone))
    end = start + timedelta(days=3)
    differs = 0
    for expression in ("15 2 * * 0", "59 23 * * sat", "0 0 * * sun", "0 */6 * * 5-7", "30 12 7 * 6"):
        trigger = Triggers.schedule.cron(expression, zone)
        spec = schedule_spec(trigger, _YEAR)
        memo = {"cron": expression, "timezone": zone}
        times = await on_the_server(env.client, spec, start - timedelta(seconds=1), end)
        expected = moments(trigger.after(start - timedelta(seconds=1)), end)
        assert [moment_of(memo, each) for each in times] == expected, expression
        assert all(is_of_schedule(memo, each) for each in expected)
        regular = ScheduleSpec(structured_calendar=spec.structured_calendar, timezone_name=zone)
        differs += await on_the_server(env.client, regular, start - timedelta(seconds=1), end) != expected
    assert differs >= 3


async def test_random_expressions(env: JobEnvironment) -> None:
    """So for any expression with hours of the night, two days around each change."""
    rng, changes = random.Random(3), 0
    for _ in range(12):
        minute = rng.choice([str(rng.randint(0, 59)), "0,30", "*/15", f"{rng.randint(0, 59)},7"])
        hour = rng.choice([str(rng.randint(0, 4)), "1-3", "*/2", "*/3", "0,2,4", "2", "1", "0-23"])
        day = rng.choice(["*", "*", "*/2", "25-31", "1", "28"])
        expression = f"{minute} {hour} {day} * {rng.choice(['*', '*', '0', 'sun,mon', '*/2'])}"
        for name in NIGHTS:
            zone, start, _ = night(name)
            trigger = Triggers.schedule.cron(expression, zone)
            start, end = start - timedelta(seconds=1), start + timedelta(days=2)
            times = await on_the_server(env.client, schedule_spec(trigger, _YEAR), start, end)
            expected = moments(trigger.after(start), end + timedelta(seconds=1))
            assert [each.replace(second=0) for each in times] == expected, (expression, name)
            changes += any(each.second for each in times)
    assert changes > 20


def test_what_needs_none() -> None:
    """What is due at other hours, or in a zone that changes no clocks, is calendars; what goes by the hour, in UTC."""
    for expression, zone in (("0 9 * * *", "Europe/Berlin"), ("30 2 * * *", "UTC"), ("30 2 * * *", "Asia/Kolkata")):
        spec = schedule_spec(Triggers.schedule.cron(expression, zone))
        assert (len(spec.interval), len(spec.exclude_structured_calendar), spec.timezone_name) == (0, 0, zone)
    assert schedule_spec(Triggers.schedule.cron("*/15 * * * *", "Europe/Berlin")).timezone_name == "UTC"
    assert schedule_spec(Triggers.schedule.cron("*/15 * * * *", "Asia/Kolkata")).timezone_name == "Asia/Kolkata"
    assert len(schedule_spec(Triggers.schedule.cron("*/5 * * * 0", "Europe/Berlin")).interval) == 0


@pytest.mark.parametrize(
    ("expression", "zone", "due", "moment"),
    [
        ("30 2 * * *", "Europe/Berlin", "2027-03-28T01:00:01", "2027-03-28T01:00:00"),
        ("30 1 * * *", "America/New_York", "2028-11-05T05:30:01", "2028-11-05T05:30:00"),
        ("0 9 * * *", "Europe/Berlin", "2026-07-01T07:00:00", "2026-07-01T07:00:00"),
    ],
)
def test_the_moment_of_a_run(expression: str, zone: str, due: str, moment: str) -> None:
    """The second by which such a moment is later is not in the event, and the clock is not taken for a person."""
    memo = {"v": 1, "cron": expression, "timezone": zone}
    found = moment_of(memo, datetime.fromisoformat(due).replace(tzinfo=UTC))
    assert found == datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert is_of_schedule(memo, found) is True
    assert is_of_schedule(memo, found + timedelta(seconds=7)) is False
    assert is_of_schedule(memo, found + timedelta(minutes=1)) is False


@pytest.mark.parametrize(
    "memo",
    [
        {},
        {"cron": "0 9 * * *"},
        {"cron": 5, "timezone": "UTC"},
        {"cron": "* " * 900, "timezone": "UTC"},
        {"cron": "0 9 * * *", "timezone": "../etc/passwd"},
        {"every": 0, "offset": 0},
        {"every": "1h", "offset": 0},
        {"every": 10**40, "offset": 10**40},
        {"every": 60},
    ],
)
def test_a_memo_of_somebody(memo: dict[str, Any]) -> None:
    """A memo that tells nothing says so, whatever is in it."""
    for second in (0, 1):
        moment = datetime(2026, 5, 1, second=second, tzinfo=UTC)
        assert is_of_schedule(memo, moment) is None
        assert moment_of(memo, moment) == moment


def test_a_second_after_a_moment() -> None:
    """On any other night who starts it in the second after a moment is a person."""
    memo = {"v": 1, "cron": "0 9 * * *", "timezone": "Europe/Berlin"}
    due = datetime(2026, 7, 1, 7, 0, 1, tzinfo=UTC)
    assert moment_of(memo, due) == due
    assert is_of_schedule(memo, due) is False


@create_job(name="small-hours", triggers=[Triggers.schedule.cron("30 2 * * *", "Europe/Berlin")])
def small_hours(event: dict[str, Any]) -> None: ...


async def test_another_year(client: Client) -> None:
    """A sync of a later year adds the changes of that, and says so; one of the same year has nothing to do."""
    job: Job = small_hours
    await sync([job], client)
    server: Any = client.workflow_service
    raw = (await client.get_schedule_handle("small-hours").describe()).raw_description
    assert len(times_of(raw.schedule.spec).intervals) == 2 * YEARS
    raw.schedule.spec.CopyFrom(schedule_spec(job.triggers[0], datetime.now(UTC) - timedelta(days=366)))  # type: ignore[arg-type]
    await server.update_schedule(
        UpdateScheduleRequest(
            namespace=client.namespace, schedule_id="small-hours", schedule=raw.schedule, request_id="y"
        )
    )
    (change,) = await sync([job], client)
    assert change.what == (f"changes of the clocks: up to {datetime.now(UTC).year + YEARS - 1}",)
    assert [each.action for each in await sync([job], client)] == ["unchanged"]
