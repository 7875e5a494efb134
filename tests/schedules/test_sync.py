"""A sync makes the schedules of a server match the triggers of jobs, and touches no others."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from temporalio.api.workflowservice.v1 import UpdateScheduleRequest
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleSpec,
)

from terse_temporal import Job, Triggers, create_job
from terse_temporal.errors import ScheduleError
from terse_temporal.schedules import Change, sync
from terse_temporal.schedules.server import ScheduleServer
from terse_temporal.triggers import ScheduledEvent, Trigger

from ..waiting import until

_NIGHTLY = Triggers.schedule.cron("0 3 * * *", "Europe/Berlin")
_HOURLY = Triggers.schedule.every("1h", jitter="1m")


@create_job(name="synced", triggers=[Triggers.stripe.on_customer_created(), _NIGHTLY])
def synced(event: dict[str, Any]) -> None: ...


@create_job(name="twice", triggers=[_NIGHTLY, Triggers.webhook.on_request(), _HOURLY])
def twice(event: dict[str, Any]) -> None: ...


@create_job(name="unscheduled")
def unscheduled(event: ScheduledEvent) -> None: ...


def having(job: Job, *triggers: Trigger, **changes: Any) -> Job:
    """The same job in another version of its code."""
    return replace(job, triggers=triggers, **changes)


def actions(changes: Sequence[Change]) -> dict[str, str]:
    return {each.id: each.action for each in changes}


async def listed(client: Client, *ids: str) -> None:
    """Wait until the server lists these schedules, and no others."""

    async def are_listed() -> bool:
        return {each.id async for each in await client.list_schedules()} == set(ids)

    await until(are_listed, f"{ids} are listed")


async def changed_by_hand(client: Client, id: str, change: Callable[[Any], None]) -> None:
    """Change a schedule as an operator does, by the API."""
    raw = (await client.get_schedule_handle(id).describe()).raw_description
    change(raw.schedule)
    await client.workflow_service.update_schedule(
        UpdateScheduleRequest(
            namespace=client.namespace, schedule_id=id, schedule=raw.schedule, request_id=str(uuid.uuid4())
        )
    )


async def test_from_nothing_and_back(client: Client) -> None:
    """Schedules are made as `<job>` and `<job>#2`, left alone while they fit, and removed with their triggers."""
    jobs: list[Job] = [synced, twice, unscheduled]
    planned = await sync(jobs, client, dry_run=True)
    assert actions(planned) == {"synced": "created", "twice": "created", "twice#2": "created"}
    assert planned[2] == Change("twice#2", "twice", "created", ('schedule.every("1h", jitter="1m")',))
    assert actions(await sync(jobs, client, dry_run=True)) == actions(planned), "a dry run does nothing"

    assert await sync(jobs, client, task_queue="reports") == planned
    await listed(client, "synced", "twice", "twice#2")
    there = await client.get_schedule_handle("twice#2").describe()
    action: Any = there.schedule.action
    assert (action.workflow, action.id, action.task_queue, list(action.args)) == ("twice", "twice#2", "reports", [])
    token = there.raw_description.conflict_token

    assert set(actions(await sync(jobs, client, task_queue="reports")).values()) == {"unchanged"}
    again = (await client.get_schedule_handle("twice#2").describe()).raw_description
    assert again.conflict_token == token, "nothing was written"

    fewer: list[Job] = [having(synced, Triggers.stripe.on_customer_created()), having(twice, _NIGHTLY), unscheduled]
    removals = {"twice": "unchanged", "synced": "removed", "twice#2": "removed"}
    assert actions(await sync(fewer, client, task_queue="reports", dry_run=True)) == removals
    await listed(client, "synced", "twice", "twice#2")
    assert actions(await sync(fewer, client, task_queue="reports")) == removals
    await listed(client, "twice")


async def test_what_changes_is_told(client: Client) -> None:
    """Each change is told; what an operator has done stays: a pause, a note, attributes and times out of our hands."""
    await sync([synced], client)
    handle = client.get_schedule_handle("synced")
    await handle.pause(note="until the audit is over")

    def limit(schedule: Any) -> None:
        schedule.policies.pause_on_failure = True
        schedule.action.start_workflow.workflow_run_timeout.seconds = 3600

    await changed_by_hand(client, "synced", limit)
    assert actions(await sync([synced], client)) == {"synced": "unchanged"}

    trigger = Triggers.schedule.cron("30 4 * * *", "UTC", overlap="buffer_one", catch_up="1h", jitter="10m")
    expected = (
        "overlap: skip → buffer_one",
        "catch_up: 1 day, 0:00:00 → 1:00:00",
        "jitter: 0:00:00 → 0:10:00",
        f"times: {_NIGHTLY.describe()} → {trigger.describe()}",
        "it stays paused",
    )
    assert await sync([having(synced, trigger)], client) == [Change("synced", "synced", "changed", expected)]
    assert actions(await sync([having(synced, trigger)], client)) == {"synced": "unchanged"}
    there = (await handle.describe()).schedule
    assert (there.state.paused, there.state.note) == (True, "until the audit is over")
    assert there.policy.pause_on_failure
    assert there.spec.jitter == timedelta(minutes=10)
    timeout: Any = there.action
    assert timeout.run_timeout == timedelta(hours=1)


async def test_what_was_changed_by_hand(client: Client) -> None:
    """What a trigger says is put back where somebody has changed it on the server."""
    await sync([twice], client)

    def later(schedule: Any) -> None:
        schedule.spec.interval[0].phase.seconds = 60
        schedule.action.start_workflow.input.payloads.add(data=b"{}")

    await changed_by_hand(client, "twice#2", later)
    (_, second) = await sync([twice], client)
    assert second.what == ("input: none any more", "times: as the trigger says again")
    assert actions(await sync([twice], client)) == {"twice": "unchanged", "twice#2": "unchanged"}


async def test_whose_schedules(client: Client) -> None:
    """Only schedules of these jobs and modules are removed; a job that has moved to another module keeps its own."""
    elsewhere, deleted = having(twice, _HOURLY, _home="shop.reports.old"), having(unscheduled, _NIGHTLY)
    await sync([elsewhere, synced, deleted], client)
    await client.create_schedule(
        "foreign", Schedule(ScheduleActionStartWorkflow("x", id="x", task_queue="terse"), spec=ScheduleSpec())
    )
    await listed(client, "twice", "synced", "unscheduled", "foreign")

    # The job of this module that is gone; not that of another module, nor what is nobody's, nor another task queue.
    assert actions(await sync([synced], client, dry_run=True)) == {"synced": "unchanged", "unscheduled": "removed"}
    assert actions(await sync([], client, modules=["shop.reports"], dry_run=True)) == {"twice": "removed"}
    assert await sync([], client, modules=["shop.report", "shop.reports.old.x"], dry_run=True) == []
    assert await sync([], client, modules=["shop"], task_queue="other", dry_run=True) == []

    moved = having(twice, _HOURLY)
    what = (f"module: shop.reports.old → {__name__}",)
    assert Change("twice", "twice", "changed", what) in await sync([moved, synced], client)
    assert await sync([], client, modules=["shop"], dry_run=True) == []


async def test_somebody_elses(client: Client) -> None:
    """An id that is taken is never written to: the error names it, and nothing at all is changed."""
    action = ScheduleActionStartWorkflow("theirs", id="theirs", task_queue="terse")
    await client.create_schedule("synced", Schedule(action, spec=ScheduleSpec(cron_expressions=["0 1 * * *"])))
    with pytest.raises(
        ScheduleError, match=r"a schedule 'synced' \(it starts 'theirs'\) which was not made by"
    ) as said:
        await sync([twice, synced], client)
    assert "test_sync.py:" in str(said.value)
    assert "temporal schedule delete" in str(said.value)
    await listed(client, "synced")
    there: Any = (await client.get_schedule_handle("synced").describe()).schedule.action
    assert there.workflow == "theirs"

    await sync([twice], client, task_queue="production")
    with pytest.raises(
        ScheduleError, match=r"on the task queue 'production', not on 'staging'\. Sync with --take-over"
    ):
        await sync([twice], client, task_queue="staging")
    taken = await sync([twice], client, task_queue="staging", take_over=True)
    assert [each.what for each in taken] == [("task queue: production → staging",)] * 2


async def test_two_jobs_with_one_id(client: Client) -> None:
    """A job whose name is the id of another's second schedule is refused."""
    with pytest.raises(ScheduleError, match=r"'twice' .* and 'twice#2' .* both have a schedule called 'twice#2'"):
        await sync([twice, having(synced, _NIGHTLY, name="twice#2")], client)


async def test_ten_workers_at_once(client: Client) -> None:
    """Syncs at the same moment end alike: each schedule is made once, and a pause in between them is not lost."""
    jobs = [synced, twice]
    rounds = await asyncio.gather(*(sync(jobs, client) for _ in range(10)))
    made = [each.id for changes in rounds for each in changes if each.action == "created"]
    assert sorted(made) == ["synced", "twice", "twice#2"]

    newer = [having(synced, _HOURLY), having(twice, _NIGHTLY, _HOURLY)]
    pause = client.get_schedule_handle("synced").pause(note="in between")
    rounds, _ = await asyncio.gather(asyncio.gather(*(sync(newer, client) for _ in range(10))), pause)
    assert all(each.action in ("changed", "unchanged") for changes in rounds for each in changes)
    assert set(actions(await sync(newer, client)).values()) == {"unchanged"}
    assert (await client.get_schedule_handle("synced").describe()).schedule.state.note == "in between"


async def test_another_pause(client: Client) -> None:
    """A pause that comes between the reading and the writing of a sync stays."""
    await sync([synced], client)
    handle = client.get_schedule_handle("synced")
    server = ScheduleServer(client)
    read = await server.describe("synced")
    assert read is not None
    await handle.pause(note="in between")
    # A server may take two changes that come within milliseconds together; here one has been made before the other.
    assert (await handle.describe()).schedule.state.paused
    await server.update("synced", read.schedule, read.conflict_token)
    state = (await handle.describe()).schedule.state
    assert (state.paused, state.note) == (True, "in between")
