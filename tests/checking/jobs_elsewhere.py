"""A job that asks a helper in another module before a sleep, and so again on the replay after it."""

from __future__ import annotations

from terse_temporal import Event, create_job, sleep

from . import elsewhere


@create_job(name="chk-elsewhere", durable=True)
async def asks_elsewhere(event: Event) -> None:
    elsewhere.tell(
        {
            "clock": str(elsewhere.clock()),
            "random": elsewhere.random_number(),
            "remembers": str(elsewhere.remembers()),
            "pinned": elsewhere.pinned(),
            "in_order": str(await elsewhere.in_order()),
        }
    )
    await sleep("1h")
