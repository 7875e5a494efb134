"""The jobs of the measurements with many runs, and with long ones."""

from __future__ import annotations

from datetime import datetime

from terse_temporal import Event, create_job, job_step, sleep


async def double(number: int) -> int:
    """Do next to nothing."""
    return 2 * number


@create_job(name="sleeps-until", durable=True)
async def sleeps_until(event: Event) -> int:
    """Make a step, sleep until a moment, and make another."""
    number = await job_step(run=double, input=event.number)
    await sleep(datetime.fromisoformat(event.until))
    return await job_step(run=double, input=number)


@create_job(name="goes-on", durable=True)
async def goes_on(event: Event) -> int:
    """Make so many steps one after the other, sleep until a moment, and make another."""
    total = 0
    for number in range(event.count):
        total += await job_step(run=double, input=number, local=event.local)
    await sleep(datetime.fromisoformat(event.until))
    return int(await job_step(run=double, input=total))


@create_job(name="short", durable=True)
async def short(event: Event) -> int:
    """Make three steps."""
    number: int = event.number
    for _ in range(3):
        number = await job_step(run=double, input=number)
    return number
