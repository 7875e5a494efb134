"""A job that another module starts by its name."""

from __future__ import annotations

from terse_temporal import Event, create_job

WHERE = "elsewhere"


@create_job(name="kit-child-plain")
async def plain(event: Event) -> str:
    return f"plain {event.name}"
