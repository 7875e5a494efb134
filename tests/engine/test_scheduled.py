"""A run that a schedule of Temporal starts knows when it was due."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleBackfill,
    ScheduleHandle,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    ScheduleSpec,
    WorkflowHandle,
)

from terse_temporal import Job
from terse_temporal.schedules import sync
from terse_temporal.schedules.operating import backfill, trigger_now

from ..bench import Bench
from ..waiting import until
from .jobs_scheduled import own, plain, strict, told, typed, untyped, zoned

_DUE = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)


async def scheduled(client: Client, task_queue: str, job: Job, *event: Any) -> ScheduleHandle:
    """A schedule of the job, and one run of it that was due in the past."""
    return await client.create_schedule(
        f"{job.name}-{uuid.uuid4()}",
        Schedule(
            action=ScheduleActionStartWorkflow(job.name, args=event, id=f"due-{uuid.uuid4()}", task_queue=task_queue),
            spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(days=1), offset=timedelta(hours=5))]),
        ),
        backfill=[
            ScheduleBackfill(
                start_at=_DUE - timedelta(hours=1),
                end_at=_DUE + timedelta(hours=1),
                overlap=ScheduleOverlapPolicy.ALLOW_ALL,
            )
        ],
    )


async def result_of(client: Client, schedule: ScheduleHandle) -> Any:
    """What its run returns."""
    while not (actions := (await schedule.describe()).info.recent_actions):  # noqa: ASYNC110  # nothing tells of it
        await asyncio.sleep(0.02)
    action: Any = actions[0].action
    run: WorkflowHandle[Any, Any] = client.get_workflow_handle(action.workflow_id)
    return await run.result()


async def result_for(client: Client, schedule: str, moment: str) -> Any:
    """What its run for a moment returns."""

    async def is_there() -> bool:
        actions = (await client.get_schedule_handle(schedule).describe()).info.recent_actions
        return f"{schedule}-{moment}" in [getattr(each.action, "workflow_id", "") for each in actions]

    await until(is_there, f"a run of {schedule} for {moment}")
    return await client.get_workflow_handle(f"{schedule}-{moment}").result()


async def test_by_a_schedule(bench: Bench) -> None:
    """`scheduled_at` is the moment that the run was for, however late: in UTC, aware, the same on replay."""
    client = await Client.connect(bench.env.address)
    async with bench.worker(typed, plain, untyped, own, strict):
        made = [
            await scheduled(client, bench.task_queue, typed),
            await scheduled(client, bench.task_queue, plain),
            await scheduled(client, bench.task_queue, untyped, {"scheduledAt": None}),
            await scheduled(client, bench.task_queue, own, {"note": "kept"}),
            await scheduled(client, bench.task_queue, typed, {"scheduledAt": "2026-01-02T04:00:00+01:00"}),
            await scheduled(client, bench.task_queue, strict, {"note": "nothing is added"}),
        ]
        try:
            results = await asyncio.gather(*(result_of(client, schedule) for schedule in made))
        finally:
            await asyncio.gather(*(schedule.delete() for schedule in made))
    assert [text.replace(" 05", "T05") for text in results[:4]] == [
        "2026-03-01T05:00:00+00:00",
        "2026-03-01T05:00:00+00:00",
        "2026-03-01T05:00:00+00:00",
        "kept 2026-03-01T05:00:00+00:00",
    ]
    assert results[4] == "2026-01-02T03:00:00+00:00", "what the schedule's own input says is left as it is"
    assert results[5] == "nothing is added"


async def test_by_hand(bench: Bench) -> None:
    """A run that nobody scheduled was due when it was started, and only where the event is that of a schedule."""
    client = await Client.connect(bench.env.address)
    before = datetime.now(UTC)
    async with bench.worker(typed, plain, untyped):
        runs = [
            await client.start_workflow(job.name, id=f"due-{uuid.uuid4()}", task_queue=bench.task_queue)
            for job in (typed, plain, untyped)
        ]
        results = [await run.result() for run in runs]
    assert all(before <= datetime.fromisoformat(each) <= datetime.now(UTC) for each in results[:2])
    assert results[2] == "None"


async def test_of_a_trigger(bench: Bench) -> None:
    """A schedule that was made from a trigger also tells its zone, and whether somebody started the run by hand."""
    client = await Client.connect(bench.env.address)
    ids = {"due-told": "00", "due-told#2": "15", "due-zoned": "00"}
    try:
        async with bench.worker(told, zoned):
            await sync([told, zoned], client, task_queue=bench.task_queue)
            by_hand = await trigger_now(client, "due-told")
            assert by_hand is not None
            started = await client.get_workflow_handle(by_hand.id).result()
            assert started == [by_hand.id.removeprefix("due-told-").replace("Z", "+00:00"), "Europe/Berlin", True]
            for name in ids:
                await backfill(client, name, _DUE, _DUE + timedelta(minutes=15), "allow_all")
            results = [await result_for(client, name, f"2026-03-01T05:{minute}:00Z") for name, minute in ids.items()]
    finally:
        for name in ids:
            await client.get_schedule_handle(name).delete()
    assert results == [
        ["2026-03-01T05:00:00+00:00", "Europe/Berlin", False],
        ["2026-03-01T05:15:00+00:00", "UTC", False],
        "2026-03-01T05:00:00+00:00 Europe/Berlin",
    ]
