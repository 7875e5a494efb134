"""Jobs that wait for deliveries."""

from __future__ import annotations

import asyncio
from typing import Any

from temporalio import workflow

from terse_temporal import Event, Triggers, create_job, job_step, wait_for_event
from terse_temporal.errors import EventError
from terse_temporal.triggers import CustomerCreated


@create_job(name="waits-for-customers", durable=True)
async def waits_for_customers(event: Event) -> list[Any]:
    """Waits for so many customers, perhaps of one e-mail address, one after the other."""
    match = {"data.object.email": event.email} if "email" in event else None
    created = [
        await wait_for_event(Triggers.stripe.on_customer_created(), match=match, timeout=event.get("timeout"))
        for _ in range(event.count)
    ]
    return [each.customer.id for each in created]


@create_job(name="waits-for-the-next", triggers=[Triggers.stripe.on_customer_created()], durable=True)
async def waits_for_the_next(event: CustomerCreated) -> list[Any]:
    """Started by a customer, and waits for the next one."""
    return [event.customer.id, (await wait_for_event(Triggers.stripe.on_customer_created())).customer.id]


@create_job(name="waits-beside", durable=True)
async def waits_beside(event: Event) -> list[Any]:
    """Two waits at once, of which the second takes the first's leavings; one is left open at the end."""
    never = asyncio.create_task(wait_for_event(Triggers.stripe.on_customer_created(), match={"id": "never"}))
    first = asyncio.create_task(wait_for_event(Triggers.stripe.on_customer_created(), match={"livemode": False}))
    second = asyncio.create_task(wait_for_event(Triggers.stripe.on_event("customer.created")))
    assert not never.done()
    return [(await first).customer.id, (await second).data.object["id"]]


@create_job(name="waits-and-times-out", durable=True)
async def waits_and_times_out(event: Event) -> list[Any]:
    """A timeout, an event that does not fit, and then one that fits."""
    said = []
    try:
        await wait_for_event(Triggers.stripe.on_customer_created(), match={"livemode": None}, timeout="100ms")
    except TimeoutError as error:
        said.append(str(error))
    try:
        await wait_for_event(Triggers.stripe.on_customer_created(), timeout="1h")
    except EventError as error:
        said.append(str(error).splitlines()[0])
    return [*said, (await wait_for_event(Triggers.stripe.on_customer_created())).customer.id]


@create_job(name="waits-and-steps", durable=True)
async def waits_and_steps(event: Event) -> list[Any]:
    """Waits, does something, waits again."""
    first = await wait_for_event(Triggers.stripe.on_customer_created())
    await job_step(run=nothing)
    second = await wait_for_event(Triggers.stripe.on_customer_created())
    return [first.customer.id, second.customer.id]


def nothing() -> None:
    """Do nothing."""


@create_job(name="waits-in-a-chain", durable=True)
async def waits_in_a_chain(event: Event) -> list[Any]:
    """Takes one delivery, and continues as new with what it has, until it has all."""
    created = await wait_for_event(Triggers.stripe.on_customer_created())
    taken = [*event.get("taken", []), created.customer.id]
    if len(taken) < event.count:
        workflow.continue_as_new({**event, "taken": taken})
    return taken
