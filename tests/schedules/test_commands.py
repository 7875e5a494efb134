"""`terse-temporal schedules` and `terse-worker --sync-schedules`, and the runs that schedules start."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client, Schedule, ScheduleActionStartWorkflow, ScheduleSpec

from terse_temporal.testing import JobEnvironment

from ..commands import run, running
from ..in_process import Ended, run_command
from ..waiting import until

pytestmark = pytest.mark.server

JOBS = """
from terse_temporal import Triggers, create_job, sleep
from terse_temporal.triggers import ScheduledEvent

@create_job(
    name="nightly",
    triggers=[
        Triggers.schedule.cron("0 9 1 * 1", "Europe/Berlin", jitter="5m"),
        Triggers.schedule.every("1h", offset="15m"),
    ],
    durable=True,
)
async def nightly(event: ScheduledEvent):
    return event.model_dump(mode="json")

@create_job(name="long", triggers=[Triggers.schedule.every("1d")], durable=True)
async def long(event):
    await sleep("1h")

@create_job(name="plain", triggers=[Triggers.schedule.cron("@daily", "Asia/Tokyo")])
def plain(event):
    return dict(event)
"""

Command = Callable[..., Awaitable[Ended]]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A directory with a file of jobs."""
    (tmp_path / "jobs.py").write_text(JOBS)
    return tmp_path


@pytest.fixture
def schedules(env: JobEnvironment, client: Client, tmp_path: Path) -> Command:
    """The commands that import no jobs, in the namespace of the test."""

    async def command(*arguments: str) -> Ended:
        server = ("--address", env.address, "--namespace", client.namespace)
        return await asyncio.to_thread(run_command, "schedules", *arguments, *server, cwd=tmp_path)

    return command


async def synced(env: JobEnvironment, client: Client, shop: Path, *more: str) -> Any:
    server = ("--address", env.address, "--namespace", client.namespace)
    return await asyncio.to_thread(run, "terse-temporal", "schedules", "sync", "jobs.py", *server, *more, cwd=shop)


async def test_sync(env: JobEnvironment, client: Client, shop: Path, task_queue: str) -> None:
    """Each change is a line; a dry run says that it is one; what somebody else has is named, with exit status 2."""
    planned = await synced(env, client, shop, "--dry-run")
    lines = [
        'created    nightly  schedule.cron("0 9 1 * 1", timezone="Europe/Berlin", jitter="5m")',
        'created    nightly#2  schedule.every("1h", offset="15m")',
        'created    long  schedule.every("1d")',
        'created    plain  schedule.cron("@daily", timezone="Asia/Tokyo")',
    ]
    assert (planned.returncode, planned.stdout.splitlines()) == (0, lines), planned.stderr
    assert "a dry run: nothing was done; 4 of 4 would change" in planned.stderr
    assert (await synced(env, client, shop)).stdout.splitlines() == lines
    assert (await synced(env, client, shop)).stdout.splitlines() == [
        "unchanged  nightly",
        "unchanged  nightly#2",
        "unchanged  long",
        "unchanged  plain",
    ]

    # All jobs of the module are gone: it is still its module.
    (shop / "jobs.py").write_text("")

    async def are_removed() -> bool:
        removed = await synced(env, client, shop, "--dry-run", "--json")
        return {each["action"] for each in json.loads(removed.stdout)} == {"removed"}

    await until(are_removed, "the list has the schedules")
    (shop / "jobs.py").write_text(JOBS.replace('name="plain"', 'name="taken"'))
    action = ScheduleActionStartWorkflow("theirs", id="theirs", task_queue="terse")
    await client.create_schedule("taken", Schedule(action, spec=ScheduleSpec()))
    refused = await synced(env, client, shop)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "there is a schedule 'taken' (it starts 'theirs') which was not made by a sync" in refused.stderr
    assert "jobs.py:20" in refused.stderr


async def test_worker(env: JobEnvironment, client: Client, shop: Path, schedules: Command, task_queue: str) -> None:
    """A worker makes the schedules at its start, and runs what they start: by hand, and for moments that are past."""
    command = ("terse-worker", "jobs.py", "--sync-schedules", "--task-queue", task_queue)
    with running(*command, "--address", env.address, "--namespace", client.namespace, cwd=shop) as worker:
        printed = worker.says("ready")
        assert 'schedule created    nightly#2  schedule.every("1h", offset="15m")' in printed

        assert (await schedules("pause", "nightly", "--note", "audit")).stdout == "paused nightly\n"
        by_hand = json.loads((await schedules("trigger", "nightly", "--json")).stdout)["run"]["id"]
        assert re.fullmatch(r"nightly-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", by_hand)
        event = await client.get_workflow_handle(by_hand).result()
        assert event == {"scheduled_at": by_hand.removeprefix("nightly-"), "timezone": "Europe/Berlin", "manual": True}

        told = await schedules("backfill", "nightly", "--from", "2026-05-01", "--to", "2026-05-04T12:00", "--yes")
        assert "told to start 2 runs of nightly, for 2026-05-01T07:0" in told.stdout

        async def result(id: str) -> Any:
            async def is_there() -> bool:
                return id in [each.id async for each in client.list_workflows()]

            await until(is_there, id)
            return await client.get_workflow_handle(id).result()

        for day in ("01", "04"):
            assert await result(f"nightly-2026-05-{day}T07:00:00Z") == {
                "scheduled_at": f"2026-05-{day}T07:00:00Z",
                "timezone": "Europe/Berlin",
                "manual": False,
            }
        await schedules("backfill", "nightly#2", "--from", "2026-05-01T00:15+00:00", "--to", "2026-05-01T00:15Z", "-y")
        assert (await result("nightly#2-2026-05-01T00:15:00Z"))["manual"] is False
        await schedules("backfill", "plain", "--from", "2026-05-01T00:00+09:00", "--to", "2026-05-01T00:00+09:00", "-y")
        assert await result("plain-2026-04-30T15:00:00Z") == {
            "scheduled_at": "2026-04-30T15:00:00Z",
            "timezone": "Asia/Tokyo",
            "manual": False,
        }
        # Run again, it is for the same moment.
        for each in ("nightly-2026-05-01T07:00:00Z", by_hand, "plain-2026-04-30T15:00:00Z"):
            server = ("--address", env.address, "--namespace", client.namespace)
            again = await asyncio.to_thread(run_command, "runs", "rerun", each, "--yes", *server, cwd=shop)
            assert await result(again.stdout.split()[-1]) == await result(each)

        # One that still runs.
        assert (await schedules("trigger", "long")).status == 0
        held = await schedules("trigger", "long")
        assert (held.status, held.stdout) == (1, "")
        assert "a run of 'long' still runs" in held.stderr
        assert (await schedules("trigger", "long", "--overlap", "terminate_other")).stdout.startswith("started long-")

    async def are_listed() -> bool:
        rows = json.loads((await schedules("list", "--json")).stdout)
        return len(rows) == 4 and all(row["last"] for row in rows)

    await until(are_listed, "the list has them")
    rows = {row["id"]: row for row in json.loads((await schedules("list", "--json")).stdout)}
    assert (rows["nightly"]["paused"], rows["nightly"]["note"]) == (True, "audit")
    assert rows["nightly"]["times"] == "0 9 1 * 1"
    assert rows["nightly#2"]["times"] == "every 1h + 15m"
    assert rows["nightly#2"]["next"]
    assert (rows["nightly"]["last_status"], rows["long"]["last_status"]) == ("completed", "running")
    assert "nightly-2026-05-04T07:00:00Z" in [each["id"] for each in rows["nightly"]["last"]]
    table = (await schedules("list", "plain")).stdout
    assert "there are no schedules of a job 'plane'; did you mean 'plain'?" in (await schedules("list", "plane")).stderr
    assert "@daily Asia/Tokyo" in table
    assert "00:00 JST" in table
    assert (await schedules("resume", "nightly")).stdout == "resumed nightly\n"


async def test_refused(client: Client, schedules: Command) -> None:
    """What is not there, or not ours, is said with exit status 1; what is written wrongly with 2."""
    action = ScheduleActionStartWorkflow("theirs", id="theirs", task_queue="terse")
    await client.create_schedule("theirs", Schedule(action, spec=ScheduleSpec()))
    for arguments, status, text in (
        (("pause", "none"), 1, "there is no schedule 'none' in the namespace"),
        (("trigger", "theirs"), 1, "the schedule 'theirs' is not triggered: it was not made by a sync"),
        (("resume", "theirs"), 1, "the schedule 'theirs' is not resumed: it was not made by"),
        (("trigger", "none", "--overlap", "skipp"), 2, "--overlap 'skipp' is none of skip, buffer_one"),
        (("backfill", "none", "--from", "monday"), 2, "--from 'monday' is not a time"),
        (("backfill", "none", "--from", "2026-05-02", "--to", "2026-05-01"), 2, "is before --from"),
        (("backfill", "none", "--from", "2026-05-02", "--to", "2126-05-01"), 2, "has not come yet"),
    ):
        ended = await schedules(*arguments)
        assert (ended.status, text in ended.stderr) == (status, True), ended.stderr
    assert not (await client.get_schedule_handle("theirs").describe()).schedule.state.paused
    listed = await schedules("list")
    assert (listed.status, listed.stdout) == (0, "")
    assert "there are no schedules: `terse-temporal schedules sync" in listed.stderr
