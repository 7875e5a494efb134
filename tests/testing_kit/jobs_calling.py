"""Jobs that call each other, and sleep."""

from __future__ import annotations

import asyncio
from typing import Any

from terse_temporal import Event, create_job, job_step, sleep


def note(text: str) -> str:
    return text


@create_job(name="kit-remind", durable=True)
async def remind(event: Event) -> str:
    await sleep(event.after)
    return await job_step(run=note, input=f"reminded after {event.after}", name="remind")


@create_job(name="kit-follow-up", durable=True)
async def follow_up(event: Event) -> list[Any]:
    """One run that is waited for, then a sleep of its own."""
    reminded = await remind.run({"after": event.after})
    await sleep("1d")
    return [reminded, await job_step(run=note, input="followed up", name="follow up")]


@create_job(name="kit-fan-out", durable=True)
async def fan_out(event: Event) -> list[str]:
    return list(await asyncio.gather(*(remind.run({"after": after}) for after in event.after)))


@create_job(name="kit-starts", durable=True)
async def starts(event: Event) -> str:
    run = await remind.start({"after": "30d"})
    await sleep("1d")
    return run.id


@create_job(name="kit-then-sleeps", durable=True)
async def then_sleeps(event: Event) -> str:
    reminded = await remind.run({"after": "2d"})
    await sleep("1d")
    return f"{reminded}, {await fan_out.run({'after': []})}"


async def start_one(after: str) -> str:
    return str(await (await remind.start({"after": after}, key="of a step")).result())


@create_job(name="kit-keyed", durable=True)
async def keyed(event: Event) -> list[str]:
    """Runs under keys: a child run, and one that a step starts."""
    return [await remind.run({"after": "1d"}, key="o-17"), await job_step(run=start_one, input="1ms")]


@create_job(name="kit-leaves", durable=True)
async def leaves(event: Event) -> str:
    """Ends before the run that it starts."""
    return (await remind.start({"after": "30d"})).id
