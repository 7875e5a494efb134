"""A schedule's moments on the server are those that cron means."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim, CronSimError
from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.common.v1 import WorkflowType
from temporalio.api.schedule.v1 import Schedule, ScheduleSpec
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    CreateScheduleRequest,
    DeleteScheduleRequest,
    DescribeScheduleRequest,
    ListScheduleMatchingTimesRequest,
)
from temporalio.client import Client

from terse_temporal import Triggers
from terse_temporal.schedules import schedule_spec
from terse_temporal.schedules.specs import times_of
from terse_temporal.testing import JobEnvironment
from terse_temporal.triggers import ScheduleTrigger

_SEED = 12
_MOST = 300


async def on_the_server(client: Client, spec: ScheduleSpec, start: datetime, end: datetime) -> list[datetime]:
    """The moments that the server finds for a spec, and it means the same by it after it has written it in its way."""
    name = f"times-{uuid.uuid4()}"
    schedule = Schedule(spec=spec)
    schedule.state.paused = True
    schedule.action.start_workflow.workflow_id = name
    schedule.action.start_workflow.workflow_type.CopyFrom(WorkflowType(name="none"))
    schedule.action.start_workflow.task_queue.CopyFrom(TaskQueue(name="none"))
    service: Any = client.workflow_service
    of: dict[str, Any] = {"namespace": client.namespace, "schedule_id": name}
    await service.create_schedule(CreateScheduleRequest(**of, schedule=schedule, request_id=name))
    try:
        found = await service.list_schedule_matching_times(
            ListScheduleMatchingTimesRequest(**of, start_time=_timestamp(start), end_time=_timestamp(end))
        )
        there = await service.describe_schedule(DescribeScheduleRequest(**of))
    finally:
        await service.delete_schedule(DeleteScheduleRequest(**of))
    assert times_of(there.schedule.spec) == times_of(spec)
    return [each.ToDatetime(tzinfo=UTC) for each in found.start_time]


def _timestamp(moment: datetime) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(moment.astimezone(UTC))
    return timestamp


def _field(rng: random.Random, low: int, high: int, names: str = "") -> str:
    """One field of a cron expression, of any kind that there is."""

    def number() -> str:
        value = rng.randint(low, high)
        words = names.split()
        return words[value - low] if words and value - low < len(words) and rng.random() < 0.4 else str(value)

    def span() -> str:
        first, last = sorted((rng.randint(low, high), rng.randint(low, high)))
        return f"{first}-{last}"

    kinds: dict[str, Callable[[], str]] = {
        "any": lambda: "*",
        "number": number,
        "list": lambda: ",".join(number() for _ in range(rng.randint(2, 3))),
        "range": span,
        "step": lambda: f"*/{rng.randint(2, 9)}",
        "range with step": lambda: f"{span()}/{rng.randint(2, 5)}",
        "number with step": lambda: f"{rng.randint(low, high)}/{rng.randint(2, 20)}",
        "mixed": lambda: f"{number()},{span()}",
    }
    return kinds[rng.choice(list(kinds))]()


def expressions(seed: int, count: int) -> list[str]:
    """Random expressions that fit now and then."""
    rng = random.Random(seed)
    found: list[str] = []
    while len(found) < count:
        month = "*" if rng.random() < 0.7 else _field(rng, 1, 12, "jan FEB mar apr may jun jul aug sep oct nov dec")
        expression = " ".join(
            [
                str(rng.randint(0, 59)) if rng.random() < 0.7 else _field(rng, 0, 59),
                str(rng.randint(0, 23)) if rng.random() < 0.5 else _field(rng, 0, 23),
                _field(rng, 1, 31),
                month,
                _field(rng, 0, 7, "sun MON tue wed thu fri sat"),
            ]
        )
        try:
            next(CronSim(expression, datetime(2026, 5, 1, tzinfo=UTC)))
        except (CronSimError, StopIteration):
            continue
        found.append(expression)
    return found


def moments(found: Iterable[datetime], end: datetime) -> list[datetime]:
    """Those before an end, in UTC."""
    return [at.astimezone(UTC) for at in takewhile(lambda at: at.astimezone(UTC) < end.astimezone(UTC), found)]


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
async def test_as_cron_means(env: JobEnvironment, zone: str) -> None:
    """For random expressions, and those that servers read otherwise, the server finds what cron means, in any zone."""
    start = datetime(2026, 4, 6, tzinfo=ZoneInfo(zone))
    fired = 0
    for expression in [
        "0 9 1 * 1",
        "0 9 */2 * 1",
        "0 9 1-31/2 * 1",
        "30 8 13 * fri",
        "0 9 * * 7",
        *expressions(_SEED, 40),
    ]:
        end = start + timedelta(weeks=5)
        expected = moments(CronSim(expression, start), end)
        if len(expected) > _MOST:  # the server has a limit to what it lists
            end = expected[_MOST]
            expected = expected[:_MOST]
        trigger = Triggers.schedule.cron(expression, zone)
        found = await on_the_server(env.client, schedule_spec(trigger), start, end - timedelta(seconds=1))
        assert found == expected, expression
        assert moments(trigger.after(start), end) == expected
        fired += len(expected)
    assert fired > 500


@pytest.mark.parametrize(
    "trigger",
    [Triggers.schedule.every("90m", offset="15m"), Triggers.schedule.every("7d"), Triggers.schedule.every("61m")],
    ids=str,
)
async def test_intervals(env: JobEnvironment, trigger: ScheduleTrigger) -> None:
    """The moments of an interval are those that the trigger says."""
    start, end = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 15, tzinfo=UTC)
    found = await on_the_server(env.client, schedule_spec(trigger), start, end)
    assert found == moments(trigger.after(start), end + timedelta(seconds=1))
