"""Jobs that tell what they received."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import BaseModel

from terse_temporal import Event, Job, Triggers, create_job


class Address(BaseModel):
    zip_code: str
    street_name: str | None = None


class Lead(BaseModel):
    full_name: str
    home_address: Address
    born_on: date | None = None


@dataclass
class Order:
    order_number: int
    line_items: list[Address]


async def model(event: Lead) -> str:
    return repr(event)


async def dataclass_event(event: Order) -> str:
    return repr(event)


async def untyped(event) -> Any:  # type: ignore[no-untyped-def]  # without annotation is the case
    return [type(event).__name__, event.customer.email, event["customer"]["email"], event.pull_request.number]


async def annotated(event: Event) -> Any:
    return [type(event).__name__, dict(event)]


async def by_trigger(event) -> Any:  # type: ignore[no-untyped-def]  # the trigger's model is the case
    return [type(event).__name__, event.customer.email, event.format_for_agent(), event.debug_log()]


async def with_state(event: Event, state: Any) -> str:
    return type(state).__name__


def job(name: str, handler: Any, **options: Any) -> tuple[Job, Job]:
    """The same handler as a durable job and as one that is not."""
    return (
        create_job(name=f"{name}-durable", durable=True, on_trigger=handler, **options),
        create_job(name=f"{name}-plain", on_trigger=handler, **options),
    )


of_a_model = job("event-of-a-model", model)
of_a_dataclass = job("event-of-a-dataclass", dataclass_event)
of_nothing = job("event-of-nothing", untyped)
of_an_event = job("event-of-an-event", annotated)
of_a_trigger = job("event-of-a-trigger", by_trigger, triggers=[Triggers.stripe.on_customer_created()])
of_state = job("event-and-state", with_state)
