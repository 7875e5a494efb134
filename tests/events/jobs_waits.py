"""Jobs that wait for events."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic import BaseModel
from temporalio import workflow

from terse_temporal import Event, Triggers, create_job, get_run, job_step, send_event, sleep, wait_for_event
from tests.effects import record


class Paid(BaseModel):
    """An event with a shape."""

    amount: int
    currency: str = "EUR"


@create_job(name="takes", durable=True)
async def takes(event: Event) -> list[Any]:
    """Waits for so many events, and says in the file that it has begun to."""
    await job_step(run=begin, input=event.effects)
    return [await wait_for_event("a", key=event.get("key"), timeout=event.get("timeout")) for _ in range(event.count)]


def begin(effects: str) -> None:
    record(effects, "begun")


@create_job(name="takes-deliveries", durable=True)
async def takes_deliveries(event: Event) -> list[Any]:
    """Takes two deliveries one after the other, and leaves a wait open."""
    first = await wait_for_event(Triggers.stripe.on_customer_created(), match={"type": "customer.created"})
    never = asyncio.create_task(wait_for_event(Triggers.stripe.on_customer_created(), match={"id": "evt_9"}))
    second = await wait_for_event(
        Triggers.stripe.on_customer_created(), match={"type": "customer.created"}, timeout="1d"
    )
    assert not never.done()
    return [first.customer.id, second.customer.id]


@create_job(name="takes-quickly", durable=True)
async def takes_quickly(event: Event) -> list[Any]:
    """Waits at once."""
    return [await wait_for_event("a", key=event.get("key")) for _ in range(event.count)]


@create_job(name="reads-models", durable=True)
async def reads_models(event: Event) -> list[Any]:
    """Two waits with a schema; the first event does not fit."""
    try:
        await wait_for_event("paid", schema=Paid)
    except ValueError as err:
        wrong = str(err)
    paid = await wait_for_event("paid", schema=Paid)
    return [wrong, paid.amount, paid.currency]


@create_job(name="times-out", durable=True)
async def times_out(event: Event) -> list[Any]:
    """Three limits around waits; the event that comes later is for the last one."""
    messages = []
    try:
        await wait_for_event("a", key=event.get("key"), timeout="30d")
    except TimeoutError as err:
        messages.append(f"{type(err).__name__}: {err}")
    try:
        async with asyncio.timeout(3600):
            await wait_for_event("a", key=event.get("key"))
    except TimeoutError as err:
        messages.append(type(err).__name__)
    try:
        await asyncio.wait_for(wait_for_event("a", key=event.get("key")), 3600)
    except TimeoutError as err:
        messages.append(type(err).__name__)
    await send_event("a", 7, key=event.get("key") or "nobody")
    return [*messages, await wait_for_event("a", key=event.get("key")) if event.get("key") else None]


@create_job(name="races-events", durable=True)
async def races(event: Event) -> list[Any]:
    """Waits against a step and against each other: losers are withdrawn, and nothing of theirs is lost."""

    async def first(*calls: Any) -> Any:
        tasks = [asyncio.create_task(call) for call in calls]
        done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        return [await task for task in tasks if task in done]

    found = [
        await first(wait_for_event("never", key=event.get("key")), job_step(run=quick, input=1)),
        await first(wait_for_event("a", key=event.get("key")), sleep("30d")),
        await asyncio.gather(
            wait_for_event("a", key=event.get("key")), wait_for_event("b"), job_step(run=quick, input=2)
        ),
    ]
    async with asyncio.TaskGroup() as group:
        both = [group.create_task(wait_for_event("c", key=event.get("key"))) for _ in range(2)]
    return [*found, [task.result() for task in both]]


def quick(number: int) -> int:
    return number


@create_job(name="sends", durable=True)
async def sends(event: Event) -> None:
    """Sends events by key, and to a run."""
    for number in range(event.count):
        await send_event("a", number, key=event.key)
    if event.get("to"):
        await get_run(event.to).send("a", "direct")


@create_job(name="sends-in-a-step", durable=True)
async def sends_in_a_step(event: Event) -> None:
    """A step that sends, and is tried again after that."""
    await job_step(run=send_and_fail, input=dict(event), retry=None)


async def send_and_fail(event: dict[str, Any]) -> None:
    await send_event("a", "from a step", key=event["key"])
    await get_run(event["to"]).send("a", "from a step")


@create_job(name="goes-on", durable=True)
async def goes_on(event: Event) -> list[Any]:
    """Takes one event, and continues as new with what it has, until it has all."""
    taken = [*event.get("taken", []), await wait_for_event("a", key=event.get("key"))]
    if len(taken) < event.count:
        workflow.continue_as_new({**event, "taken": taken})
    return taken


@create_job(name="leaves-waits", durable=True)
async def leaves_waits(event: Event) -> str:
    """Ends while others of its tasks wait."""
    tasks = [asyncio.create_task(wait_for_event("a", key=event.get("key"))) for _ in range(3)]
    await wait_for_event("end")
    assert not any(task.done() for task in tasks)
    if event.get("fails"):
        raise ValueError("it fails")
    return "ended"
