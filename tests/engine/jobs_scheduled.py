"""Jobs that a schedule starts, and what they take for the moment they were due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from terse_temporal import Event, Triggers, create_job, job_step, sleep
from terse_temporal.triggers import ScheduledEvent

_NIGHTLY = Triggers.schedule.cron("0 6 * * *", timezone="Europe/Berlin")


def _said(moment: datetime | None) -> str:
    assert moment is not None
    assert moment.tzinfo is not None
    return moment.isoformat()


@create_job(name="due-typed", triggers=[_NIGHTLY], durable=True)
async def typed(event: ScheduledEvent) -> str:
    due = event.scheduled_at
    await sleep("10ms")
    assert await job_step(run=lambda: 1) == 1
    assert due == event.scheduled_at
    return _said(due)


@create_job(name="due-plain", triggers=[_NIGHTLY])
def plain(event: ScheduledEvent) -> str:
    return str(event.scheduled_at)


@create_job(name="due-event", triggers=[_NIGHTLY, Triggers.webhook.on_request()], durable=True)
async def untyped(event: Event) -> str:
    return str(event.get("scheduled_at"))


@dataclass
class Own:
    scheduled_at: datetime | None = None
    note: str = ""


@create_job(name="due-own", durable=True)
async def own(event: Own) -> str:
    return f"{event.note} {event.scheduled_at}"


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")
    note: str


@create_job(name="due-strict", triggers=[_NIGHTLY], durable=True)
async def strict(event: Strict) -> str:
    return event.note


class Zoned(BaseModel):
    """With one of the other fields, and one of its own."""

    scheduled_at: datetime
    timezone: str
    note: str = ""


@create_job(name="due-zoned", triggers=[_NIGHTLY], durable=True)
async def zoned(event: Zoned) -> str:
    await sleep("10ms")
    return f"{_said(event.scheduled_at)} {event.timezone}"


@create_job(name="due-told", triggers=[_NIGHTLY, Triggers.schedule.every("1h", offset="15m")], durable=True)
async def told(event: ScheduledEvent) -> list[object]:
    before = event.model_dump(mode="json")
    await sleep("10ms")
    assert await job_step(run=lambda: 1) == 1
    assert event.model_dump(mode="json") == before
    return [_said(event.scheduled_at), event.timezone, event.manual]
