"""What type checkers make of `job_step` and `@step`. Checked by mypy (tests/test_typing.py), and never run."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, Optional, TypeVar, assert_type
from uuid import UUID

from pydantic import BaseModel

from terse_temporal import (
    Retry,
    Triggers,
    current_run,
    current_step,
    job_map,
    job_step,
    log,
    now,
    send_event,
    sleep,
    step,
    uuid4,
    wait_for_event,
)
from terse_temporal.errors import StepError
from terse_temporal.triggers import CustomerCreated, StripeEvent

_T = TypeVar("_T")


class Customer(BaseModel):
    email: str


async def fetch(email: str) -> Customer: ...  # type: ignore[empty-body]  # it is never run


def count(items: list[str]) -> int: ...  # type: ignore[empty-body]  # likewise


async def nothing() -> None: ...


def invoice(customer: Customer) -> Customer: ...  # type: ignore[empty-body]  # likewise


@step
async def charge(customer: Customer, amount: int = 5, *, currency: str = "eur") -> str: ...  # type: ignore[empty-body]  # likewise


@step
def double(number: int) -> int: ...  # type: ignore[empty-body]  # likewise


@step(
    name="renamed", retry=Retry(max_attempts=2, on=(ValueError,)), timeout="5m", on_interrupt="fail", label="{number}"
)
async def renamed(number: int) -> list[str]: ...  # type: ignore[empty-body]  # likewise


@step(timeout=timedelta(minutes=1))
def renamed_def(number: int) -> bytes: ...  # type: ignore[empty-body]  # likewise


async def steps() -> None:
    assert_type(await job_step(run=fetch, input="ada@example.com"), Customer)
    assert_type(await job_step(run=count, input=["a"], input_schema=list[str], name="count", timeout="1m"), int)
    assert_type(await job_step(run=lambda: "text"), str)
    assert_type(await wait_for_event("paid", schema=Customer, timeout="1d"), Customer)
    assert_type(await wait_for_event("paid", key="17", schema=list[int]), list[int])
    assert_type(await wait_for_event("paid"), Any)
    assert_type(await wait_for_event(Triggers.stripe.on_customer_created(), timeout="1d"), CustomerCreated)
    assert_type(await wait_for_event(Triggers.stripe.on_event("invoice.paid"), match={"livemode": True}), StripeEvent)
    assert_type(await wait_for_event(Triggers.stripe.on_event("invoice.paid", model=Customer)), Customer)
    trigger = Triggers.stripe.on_customer_created()
    await wait_for_event(trigger, schema=Customer)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]  # it has its own
    assert_type(await send_event("paid", {"amount": 1}, key="17", id="1"), None)
    assert_type(await job_step(run=count, input=[], output_schema=Customer), Customer)
    assert_type(await job_step(run=fetch, input="x", retry=Retry(), on_interrupt="fail"), Customer)
    await job_step(run=nothing)

    assert_type(await job_step(run=lambda text: len(text), input="a"), int)
    assert_type(await job_step(run=len, input="a"), int)
    assert_type(await job_step(run=invoice, input={"email": "a"}, input_schema=Customer), Customer)
    assert_type(await job_step(run=invoice, input=Customer(email="a")), Customer)
    assert_type(await job_step(run=fetch, input="a", output_schema=list[int]), list[int])
    # What is no class is a type all the same.
    assert_type(await job_step(run=fetch, input="a", output_schema=int | None), int | None)
    assert_type(await job_step(run=nothing, output_schema=Optional[int]), int | None)  # noqa: UP045  as people have it
    assert_type(await job_step(run=nothing, output_schema=list[Customer] | str), list[Customer] | str)
    assert_type(await job_step(run=nothing, output_schema=Literal["a", "b"]), Literal["a", "b"])
    assert_type(await job_step(run=nothing, output_schema=Annotated[int, "of what it says"]), int)
    assert_type(
        await job_step(run=invoice, input={}, input_schema=Customer, output_schema=Customer | None), Customer | None
    )

    async def of_any(schema: type[_T], written: Any) -> _T:
        assert_type(await job_step(run=nothing, output_schema=written), Any)
        return await job_step(run=nothing, output_schema=schema)

    assert_type(await of_any(Customer, None), Customer)

    def nested(number: int) -> float: ...  # type: ignore[empty-body]  # likewise

    assert_type(await job_step(run=nested, input=3), float)

    # What is annotated is what the function gives.
    wrong: int = await job_step(run=fetch, input="a")  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]
    wrong = await job_step(run=nested, input=3)  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]
    wrong = await job_step(run=lambda: "text")  # type: ignore[arg-type, return-value]  # pyright: ignore[reportAssignmentType]
    wrong = await job_step(run=repr, input=3)  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]
    wrong = await job_step(run=nothing, output_schema=int | None)  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]
    wrong = await job_step(run=nothing, output_schema=Literal["a"])  # type: ignore[call-overload]  # pyright: ignore[reportAssignmentType]
    wrong = await job_step(run=nothing, output_schema=str)  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]
    assert wrong

    # An input that the function does not take, one too many, and none where it takes one.
    await job_step(run=fetch, input=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await job_step(run=invoice, input={"email": "a"})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await job_step(run=nothing, input=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await job_step(run=fetch)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await job_step(run=nested, input="three")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]

    job_step(run=fetch, on_interrupt="stop")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    job_step(fetch)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    job_step(run=fetch, timeout=5)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]


async def mapped(emails: list[str], rows: Iterator[dict[str, str]], some: int | None) -> None:
    assert_type(await job_map(run=fetch, inputs=emails), list[Customer])
    assert_type(await job_map(run=fetch, inputs=(each for each in emails), at_once=5, retry=Retry()), list[Customer])
    assert_type(await job_map(run=lambda text: len(text), inputs=emails), list[int])
    assert_type(await job_map(run=len, inputs=emails, max_failures=0), list[int])
    assert_type(await job_map(run=invoice, inputs=rows, input_schema=Customer), list[Customer])
    assert_type(await job_map(run=fetch, inputs=emails, output_schema=int | None), list[int | None])
    # A failure that is tolerated stands in the list.
    assert_type(await job_map(run=fetch, inputs=emails, max_failures=3), list[Customer | StepError])
    assert_type(await job_map(run=fetch, inputs=emails, max_failures=None), list[Customer | StepError])
    assert_type(await job_map(run=fetch, inputs=emails, max_failures=some), list[Customer | StepError])
    assert_type(await job_map(run=count, inputs=[["a"]], max_failures=1, name="c"), list[int | StepError])
    found = await job_map(run=invoice, inputs=rows, input_schema=Customer, max_failures=1, output_schema=int)
    assert_type(found, list[int | StepError])

    wrong: list[str] = await job_map(run=fetch, inputs=emails)  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]
    assert wrong
    await job_map(run=fetch, inputs=[1, 2])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await job_map(run=fetch, inputs=3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await job_map(run=fetch)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]


async def decorated(customer: Customer) -> None:
    assert_type(await charge(customer), str)
    assert_type(await charge(customer, 7, currency="usd"), str)
    assert_type(await double(2), int)
    assert_type(await renamed(2), list[str])
    assert_type(await renamed_def(2), bytes)

    charge("ada")  # type: ignore[arg-type, unused-coroutine]  # pyright: ignore[reportArgumentType, reportUnusedCoroutine]
    charge(customer, unit="eur")  # type: ignore[call-arg, unused-coroutine]  # pyright: ignore[reportCallIssue]
    double("two")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    step(retry=3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]


async def waiting() -> None:
    await sleep("3d")
    await sleep(timedelta(days=3))
    await sleep(datetime(2100, 1, 1, tzinfo=UTC))
    assert_type(now(), datetime)
    assert_type(uuid4(), UUID)
    assert_type(current_step().attempt, int)
    assert_type(current_step().idempotency_key, str)
    log("text", 1, customer="ada")
    log.warning("text", 1, customer="ada")
    assert_type(current_run().url, str | None)
    log.fatal("text")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    current_run().id = "another"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]

    await sleep(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await sleep(1.5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


_: Awaitable[int] = double(1)
