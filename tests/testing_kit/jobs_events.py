"""Jobs that wait for events."""

from __future__ import annotations

from typing import Any

from terse_temporal import Event, create_job, job_step, send_event, sleep, wait_for_event


@create_job(name="kit-waits-for-events", durable=True)
async def waits(event: Event) -> list[Any]:
    """Three waits, one with a limit and one by key, and a sleep."""
    first = await wait_for_event("a")
    try:
        second = await wait_for_event("b", timeout="10d")
    except TimeoutError:
        second = "late"
    await sleep("1d")
    third = await wait_for_event("c", key="k", timeout="30d")
    return [first, second, await job_step(run=same, input=third)]


def same(value: Any) -> Any:
    return value


@create_job(name="kit-sends", durable=True)
async def sends(event: Event) -> None:
    """Sends one by key."""
    await send_event("c", "from a run", key="k")


@create_job(name="kit-waits-between-steps", durable=True)
async def waits_between_steps(event: Event) -> Any:
    """A wait with a step on either side."""
    before = await job_step(run=same, input="before", name="before")
    event = await wait_for_event("paid", key="k", timeout="30d")
    return [before, await job_step(run=same, input=event, name="after")]
