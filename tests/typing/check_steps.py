"""What type checkers make of `job_step` and `@step`. Checked by mypy (tests/test_typing.py), and never run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, assert_type
from uuid import UUID

from pydantic import BaseModel

from terse_temporal import (
    Event,
    Job,
    Retry,
    Triggers,
    create_job,
    current_step,
    job_step,
    log,
    now,
    registered_jobs,
    sleep,
    step,
    uuid4,
)


class Customer(BaseModel):
    email: str


async def fetch(email: str) -> Customer: ...  # type: ignore[empty-body]  # it is never run


def count(items: list[str]) -> int: ...  # type: ignore[empty-body]  # likewise


async def nothing() -> None: ...


@step
async def charge(customer: Customer, amount: int = 5, *, currency: str = "eur") -> str: ...  # type: ignore[empty-body]  # likewise


@step
def double(number: int) -> int: ...  # type: ignore[empty-body]  # likewise


@step(name="renamed", retry=Retry(max_attempts=2, on=(ValueError,)), timeout="5m", on_interrupt="fail")
async def renamed(number: int) -> list[str]: ...  # type: ignore[empty-body]  # likewise


@step(timeout=timedelta(minutes=1))
def renamed_def(number: int) -> bytes: ...  # type: ignore[empty-body]  # likewise


async def steps() -> None:
    assert_type(await job_step(run=fetch, input="ada@example.com"), Customer)
    assert_type(await job_step(run=count, input=["a"], input_schema=list[str], name="count", timeout="1m"), int)
    assert_type(await job_step(run=lambda: "text"), str)
    assert_type(await job_step(run=count, input=[], output_schema=Customer), Customer)
    assert_type(await job_step(run=fetch, input="x", retry=Retry(), on_interrupt="fail"), Customer)
    await job_step(run=nothing)

    job_step(run=fetch, on_interrupt="stop")  # type: ignore[call-overload]
    job_step(fetch)  # type: ignore[call-overload]
    job_step(run=fetch, timeout=5)  # type: ignore[call-overload]


async def decorated(customer: Customer) -> None:
    assert_type(await charge(customer), str)
    assert_type(await charge(customer, 7, currency="usd"), str)
    assert_type(await double(2), int)
    assert_type(await renamed(2), list[str])
    assert_type(await renamed_def(2), bytes)

    charge("ada")  # type: ignore[arg-type, unused-coroutine]
    charge(customer, unit="eur")  # type: ignore[call-arg, unused-coroutine]
    double("two")  # type: ignore[arg-type]
    step(retry=3)  # type: ignore[call-overload]


async def waiting() -> None:
    await sleep("3d")
    await sleep(timedelta(days=3))
    await sleep(datetime(2100, 1, 1, tzinfo=UTC))
    assert_type(now(), datetime)
    assert_type(uuid4(), UUID)
    assert_type(current_step().attempt, int)
    assert_type(current_step().idempotency_key, str)
    log("text", 1, customer="ada")

    await sleep(5)  # type: ignore[arg-type]
    await sleep(1.5)  # type: ignore[arg-type]


async def handler(event: Event) -> str: ...  # type: ignore[empty-body]  # it is never run


def jobs() -> None:
    assert_type(create_job(name="a", durable=True, on_trigger=handler), Job)
    assert_type(
        create_job(name="b", triggers=[Triggers.stripe.on_customer_created()]), Callable[[Callable[..., Any]], Job]
    )
    assert_type(registered_jobs(), list[Job])

    @create_job(name="c", filter=lambda event: True)
    def plain(event: Event, state: Any) -> int: ...  # type: ignore[empty-body]  # it is never run

    assert_type(plain, Job)

    create_job("d")  # type: ignore[call-overload]
    create_job(name="e", durable="yes")  # type: ignore[call-overload]


_: Awaitable[int] = double(1)
