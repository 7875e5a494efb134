"""The job that the webhooks of the measurements start."""

from __future__ import annotations

from terse_temporal import Event, Triggers, create_job


@create_job(name="pushed", triggers=[Triggers.github.on_push()], durable=True)
async def pushed(event: Event) -> str:
    """End at once, so that a second run of the same delivery would be possible."""
    return str(event["ref"])
