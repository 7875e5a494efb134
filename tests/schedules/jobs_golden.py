"""The job of the history of a run that a schedule started."""

from __future__ import annotations

from typing import Any

from terse_temporal import Triggers, create_job, job_step, sleep
from terse_temporal.triggers import ScheduledEvent


@create_job(name="golden-scheduled", triggers=[Triggers.schedule.cron("30 2 * * *", "Europe/Berlin")], durable=True)
async def scheduled(event: ScheduledEvent) -> Any:
    """Hand the event to a step, before and after a sleep: it is to be the same."""
    first = await job_step(run=tell, input=event)
    await sleep("10ms")
    assert await job_step(run=tell, input=event) == first
    return first


def tell(event: ScheduledEvent) -> dict[str, Any]:
    return event.model_dump(mode="json")
