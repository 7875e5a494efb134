"""Tools, and jobs that call them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import BaseModel

from terse_temporal import Event, Retry, create_job, current_step, job_step, toolbox
from terse_temporal.errors import StepError, StepInputError, TransientError, UnknownToolError
from tests.effects import record


class Customer(BaseModel):
    email: str
    since: date = date(2020, 1, 1)


@dataclass
class Order:
    number: int


class Refused(Exception):
    pass


@toolbox.tool("shop.find_customer", read_only=True)
async def find_customer(effects: str, email: str) -> Customer:
    """Look up a customer."""
    record(effects, f"find {current_step().name} {current_step().idempotency_key}")
    return Customer(email=email)


@toolbox.tool("shop.open_order")
def open_order(effects: str, customer: Customer, item_count: int = 1, **more: str) -> Order:
    """A plain `def`: it runs on a thread."""
    record(effects, f"order {customer.email} {item_count} {more}")
    return Order(number=item_count)


@toolbox.tool("shop.lie")
async def lie() -> int:
    return "no number"  # type: ignore[return-value]  # which is what the test is about


@toolbox.tool("shop.refuse", idempotent=True)
async def refuse(effects: str) -> None:
    record(effects, "refuse")
    raise Refused("not today")


async def fail(effects: str, times: int, *, sent: bool, after: float | None) -> int:
    step = current_step()
    record(effects, f"attempt {step.attempt} {step.idempotency_key}")
    if step.attempt <= times:
        raise TransientError("not yet", sent=sent, retry_after=after)
    return step.attempt


@toolbox.tool("shop.fail_idempotent", idempotent=True)
async def fail_idempotent(effects: str, times: int, sent: bool = True, after: float | None = None) -> int:
    return await fail(effects, times, sent=sent, after=after)


@toolbox.tool("shop.fail_read_only", read_only=True)
async def fail_read_only(effects: str, times: int, sent: bool = True, after: float | None = None) -> int:
    return await fail(effects, times, sent=sent, after=after)


@toolbox.tool("shop.fail_once_only")
async def fail_once_only(effects: str, times: int, sent: bool = True, after: float | None = None) -> int:
    return await fail(effects, times, sent=sent, after=after)


@toolbox.tool("shop.fail_by_rule", retry=Retry(max_attempts=2, initial="20ms", on=(Refused, TransientError)))
async def fail_by_rule(effects: str, times: int, sent: bool = True, after: float | None = None) -> int:
    return await fail(effects, times, sent=sent, after=after)


@create_job(name="tools-durable", durable=True)
async def durable(event: Event) -> Any:
    customer = await toolbox.shop.find_customer(effects=event["effects"], email="ada@example.com")
    assert type(customer) is Customer  # of this run's own copy of the module, so that isinstance and match work
    order = await toolbox.shop.openOrder(effects=event["effects"], customer=customer, itemCount=3, note="x")
    assert type(order) is Order
    return {"customer": customer, "order": order.number}


@create_job(name="tools-plain")
async def plain(event: Event) -> Any:
    return await toolbox.call(event["tool"], {"effects": event["effects"], **event.get("arguments", {})})


@create_job(name="tools-any", durable=True)
async def any_tool(event: Event) -> Any:
    return await toolbox.call(event["tool"], {"effects": event["effects"], **event.get("arguments", {})})


async def call_in_a_step(given: dict[str, Any]) -> Any:
    first = await toolbox.shop.find_customer(effects=given["effects"], email="a")
    second = await toolbox.shop.find_customer(effects=given["effects"], email="b")
    return [first.email, second.email, current_step().name]


@create_job(name="tools-in-step", durable=True)
async def in_step(event: Event) -> Any:
    return await job_step(run=call_in_a_step, input={"effects": event["effects"]})


@create_job(name="tools-refused", durable=True)
async def refused(event: Event) -> Any:
    """What is wrong about calls is found when they are made: nothing is awaited here."""
    messages = []
    for name, arguments in (
        ("shop.find_customer", {"effects": "x", "emial": "a"}),
        ("shop.find_customer", {"effects": "x"}),
        ("shop.openOrder", {"effects": "x", "customer": {"since": "never"}, "itemCount": "three"}),
        ("shop.find_costumer", {}),
        ("shopp.find_customer", {}),
        ("shop", {}),
    ):
        try:
            toolbox.call(name, arguments)  # type: ignore[unused-coroutine]  # it does not come to that
        except (StepInputError, UnknownToolError) as err:
            messages.append(f"{type(err).__name__}: {err}")
    try:
        toolbox.shop.lie("by position")
    except StepInputError as err:
        messages.append(f"{type(err).__name__}: {err}")
    return messages


@create_job(name="tools-errors", durable=True)
async def errors(event: Event) -> Any:
    messages = []
    try:
        await toolbox.shop.refuse(effects=event["effects"])
    except Refused as err:
        messages.append([isinstance(err, StepError), getattr(err, "step", None), str(err)])
    try:
        await toolbox.shop.lie()
    except StepError as err:
        messages.append([type(err).__name__, err.step, str(err)])
    return messages
