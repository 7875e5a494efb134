"""A job that asks a helper in another module before a sleep and records it, and compares after it."""

from __future__ import annotations

from terse_temporal import Event, create_job, job_step, sleep

from . import elsewhere


@create_job(name="chk-elsewhere", durable=True)
async def asks_elsewhere(event: Event) -> dict[str, bool]:
    said = {
        "clock": str(elsewhere.clock()),
        "dice": elsewhere.dice(),
        "remembers": str(elsewhere.remembers()),
        "pinned": elsewhere.pinned(),
        "in_order": str(await elsewhere.in_order()),
    }
    recorded = await job_step(run=lambda data: data, input=said)
    await sleep("1h")
    return {name: recorded[name] == value for name, value in said.items()}
