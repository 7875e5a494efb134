"""Looking at the schedules of jobs, and what operators do with one: pausing, starting a run, making up for runs."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.schedule.v1 import (
    BackfillRequest,
    ScheduleActionResult,
    ScheduleListEntry,
    SchedulePatch,
    ScheduleSpec,
    TriggerImmediatelyRequest,
)
from temporalio.api.workflowservice.v1 import DescribeScheduleResponse
from temporalio.client import Client

from ..errors import RunNotFoundError, ScheduleError
from ..jobs.runs import get_run
from ..triggers import Overlap
from ..triggers.schedule import duration_text
from .clock_changes import ONCE
from .markers import marked_job, owner_text, read_memo
from .server import ScheduleServer
from .wanted import OVERLAPS, overlap_name

__all__ = [
    "ScheduleRow",
    "StartedRun",
    "backfill",
    "list_schedules",
    "matching_times",
    "pause",
    "resume",
    "trigger_now",
]

#: Seconds in which a schedule that is told to starts a run, or says that it does not.
_STARTS_WITHIN: Final = 10.0

#: Runs that are asked after at once.
_AT_ONCE: Final = 10


@dataclass(frozen=True)
class StartedRun:
    """A run that a schedule started.

    Attributes:
        id: its workflow id.
        scheduled_at: the moment that it was for; with its jitter, if there is one.
    """

    id: str
    scheduled_at: datetime

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"id": self.id, "scheduled_at": self.scheduled_at.isoformat()}


@dataclass(frozen=True)
class ScheduleRow:
    """A schedule of a job, as the list of the server has it.

    Attributes:
        id: its id.
        job: its job.
        times: its moments, as text.
        timezone: the zone of a cron expression.
        paused: whether it starts nothing by itself.
        note: what an operator has written to it.
        next: the next moments, in UTC; some at most.
        last: the runs that it started last, the newest first.
        last_status: how the newest of them stands, as `runs list` names it; empty where it is no longer there.
    """

    id: str
    job: str
    times: str
    timezone: str
    paused: bool
    note: str
    next: tuple[datetime, ...]
    last: tuple[StartedRun, ...]
    last_status: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "id": self.id,
            "job": self.job,
            "times": self.times,
            "timezone": self.timezone,
            "paused": self.paused,
            "note": self.note,
            "next": [each.isoformat() for each in self.next],
            "last": [each.to_json() for each in self.last],
            "last_status": self.last_status,
        }


async def list_schedules(client: Client, job: str | None = None) -> list[ScheduleRow]:
    """Return the schedules that syncs have made in a namespace, by their ids; of one job, if it is named.

    Raises:
        SetupError: the server has no schedules, or does not let this client read them.
        ServerUnavailableError: the server does not answer.
    """
    rows = []
    async for each in ScheduleServer(client).list():
        owner = marked_job(await read_memo(client, each.memo))
        if owner is not None and job in (None, owner):
            rows.append(_row(each, owner))
    return await _with_status(client, sorted(rows, key=lambda row: row.id))


async def pause(client: Client, id: str, note: str) -> None:
    """Have a schedule start nothing by itself, until it is resumed. Runs go on.

    Raises:
        ScheduleError: there is no such schedule, or it was not made by a sync. So for all that follow.
    """
    await _patch(client, id, SchedulePatch(pause=note), "paused")


async def resume(client: Client, id: str, note: str) -> None:
    """Have a schedule start runs again. Those that were due while it was paused are not made up for."""
    await _patch(client, id, SchedulePatch(unpause=note), "resumed")


async def trigger_now(client: Client, id: str, overlap: Overlap | None = None) -> StartedRun | None:
    """Have a schedule start a run now, whether it is paused or not; its event says that it is `manual`.

    Args:
        client: of the server.
        id: of the schedule.
        overlap: what is done if a run of it still runs; by default what its trigger says.

    Returns:
        The run; `None` where none was started yet, as one still runs: it is skipped, or starts when that has ended.
    """
    there = await _ours(client, id, "triggered")
    before, policy = there.info, overlap or overlap_name(there.schedule.policies.overlap_policy)
    request = TriggerImmediatelyRequest()
    if overlap is not None:
        request.overlap_policy = OVERLAPS[overlap]
    await ScheduleServer(client).patch(
        id, SchedulePatch(trigger_immediately=request), f"the schedule {id!r} cannot be triggered"
    )
    known = {each.start_workflow_result.run_id for each in before.recent_actions}
    until, waits = time.monotonic() + _STARTS_WITHIN, False
    while time.monotonic() < until:
        info = (await _ours(client, id, "triggered")).info
        for each in reversed(info.recent_actions):
            if each.start_workflow_result.run_id not in known:
                return _started(each)
        waits = info.buffer_size > before.buffer_size
        # Of what ends the other run first, a start waits only for that.
        if info.overlap_skipped > before.overlap_skipped or (waits and policy in ("buffer_one", "buffer_all")):
            return None
        await asyncio.sleep(0.1)
    if waits:
        return None
    raise ScheduleError(
        f"the schedule {id!r} was told to start a run, and has not within {_STARTS_WITHIN:g} seconds. `terse-temporal"
        " schedules list` shows what it started last.",
        id=id,
    )


async def matching_times(client: Client, id: str, start: datetime, end: datetime) -> list[datetime]:
    """Return the moments of a schedule from a start to an end, both included, in UTC; a thousand or so at most."""
    await _ours(client, id, "read")
    return await ScheduleServer(client).matching_times(id, start, end)


async def backfill(client: Client, id: str, start: datetime, end: datetime, overlap: Overlap) -> None:
    """Have a schedule start the runs for its moments from a start to an end, both included.

    `scheduled_at` of each is its own moment. Which have a run already does not matter: they get another.

    Args:
        client: of the server.
        id: of the schedule.
        start: the first moment.
        end: the last.
        overlap: what is done while a run of it still runs: `"buffer_all"` starts one after the other, `"allow_all"` all
            at once, `"skip"` only those for which none runs.
    """
    request = BackfillRequest(start_time=_timestamp(start), end_time=_timestamp(end), overlap_policy=OVERLAPS[overlap])
    await _patch(client, id, SchedulePatch(backfill_request=[request]), "backfilled")


async def _patch(client: Client, id: str, patch: SchedulePatch, done: str) -> None:
    await _ours(client, id, done)
    await ScheduleServer(client).patch(id, patch, f"the schedule {id!r} cannot be {done}")


async def _ours(client: Client, id: str, done: str) -> DescribeScheduleResponse:
    found = await ScheduleServer(client).describe(id)
    if found is None:
        raise ScheduleError(
            f"there is no schedule {id!r} in the namespace {client.namespace!r}. `terse-temporal schedules list` shows"
            " those that there are; `terse-temporal schedules sync MODULE` makes those of a module.",
            id=id,
        )
    if marked_job(await read_memo(client, found.memo)) is None:
        raise ScheduleError(
            f"the schedule {id!r} is not {done}: it {owner_text(found.memo, None)}."
            f" `temporal schedule describe --schedule-id '{id}'` shows it.",
            id=id,
        )
    return found


def _row(entry: ScheduleListEntry, job: str) -> ScheduleRow:
    info = entry.info
    return ScheduleRow(
        id=entry.schedule_id,
        job=job,
        times=_times_text(info.spec),
        timezone=info.spec.timezone_name or "UTC",
        paused=info.paused,
        note=info.notes,
        next=tuple(each.ToDatetime(tzinfo=UTC) for each in info.future_action_times),
        last=tuple(_started(each) for each in reversed(info.recent_actions)),
    )


def _times_text(spec: ScheduleSpec) -> str:
    """Return the moments as their trigger has them: a cron expression is the comment of its calendars."""
    texts = [each.comment or "a calendar" for each in spec.structured_calendar]
    # Those for the changes of the clocks are in the expression.
    for each in (one for one in spec.interval if one.interval.ToTimedelta() != ONCE):
        offset = f" + {duration_text(each.phase.ToTimedelta())}" if each.HasField("phase") else ""
        texts.append(f"every {duration_text(each.interval.ToTimedelta())}{offset}")
    return ", ".join(dict.fromkeys(texts))


def _started(action: ScheduleActionResult) -> StartedRun:
    return StartedRun(
        id=action.start_workflow_result.workflow_id, scheduled_at=action.schedule_time.ToDatetime(tzinfo=UTC)
    )


async def _with_status(client: Client, rows: list[ScheduleRow]) -> list[ScheduleRow]:
    """Return the same with how the newest runs stand. What a schedule knows of that is what it last had to look at."""
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(row: ScheduleRow) -> ScheduleRow:
        if not row.last:
            return row
        async with places:
            try:
                return replace(row, last_status=await get_run(row.last[0].id, client=client).status())
            except RunNotFoundError:
                return row

    return list(await asyncio.gather(*(one(each) for each in rows)))


def _timestamp(moment: datetime) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(moment.astimezone(UTC))
    return timestamp
