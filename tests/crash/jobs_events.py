"""A job that takes events by key, and says what it has taken."""

from __future__ import annotations

from typing import Any

from terse_temporal import Event, create_job, wait_for_event


@create_job(name="takes-events", durable=True)
async def takes_events(event: Event) -> list[Any]:
    """So many events, one after the other."""
    return [await wait_for_event("order", key=event.key) for _ in range(event.count)]
