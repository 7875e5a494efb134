"""Jobs that have a step for each of many inputs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from terse_temporal import Event, create_job, job_map, job_step
from terse_temporal.errors import StepError
from tests.effects import record


class Declined(Exception):
    pass


class Order(BaseModel):
    number: int
    effects: str
    fails: bool = False
    seconds: float = 0


async def charge(order: Order) -> int:
    record(order.effects, f"begin {order.number}")
    try:
        await asyncio.sleep(order.seconds)
    except asyncio.CancelledError:
        record(order.effects, f"cancelled {order.number}")
        raise
    if order.fails:
        raise Declined(f"number {order.number}")
    record(order.effects, f"end {order.number}")
    return order.number * 10


def orders(event: Event) -> Iterator[dict[str, Any]]:
    """As a generator, which is gone through while steps run. An early number takes longer."""
    for number in range(event.count):
        fails = number in event.failing
        seconds = 0.2 if number % 3 == 0 else 0
        yield {"number": str(number), "effects": event.effects, "fails": fails, "seconds": seconds}


@create_job(name="maps", durable=True)
async def maps(event: Event) -> Any:
    try:
        results = await job_map(
            run=charge, inputs=orders(event), input_schema=Order, at_once=event.at_once, max_failures=event.max_failures
        )
    except ExceptionGroup as group:
        return [str(group), *(f"{error.step} {error}" for error in group.exceptions if isinstance(error, StepError))]
    # Which of them failed decides what is done next.
    return [await job_step(run=lambda text: text, input=str(each), name="after") for each in results if each != 10]


@create_job(name="maps-until-cancelled", durable=True)
async def maps_until_cancelled(event: Event) -> None:
    inputs = [Order(number=number, effects=event.effects, seconds=20) for number in range(9)]
    try:
        await job_map(run=charge, inputs=inputs, at_once=3)
    finally:
        await job_step(run=lambda path: record(path, "cleaned up"), input=event.effects, name="clean up")


@create_job(name="maps-what-does-not-fit", durable=True)
async def maps_what_does_not_fit(event: Event) -> None:
    await job_map(run=charge, inputs=[{"number": 1, "effects": event.effects}, {"number": "x"}], input_schema=Order)


@create_job(name="maps-wrongly", durable=True)
async def maps_wrongly(event: Event) -> list[str]:
    """Each is refused by the call, before there is anything to await."""
    wrong: list[dict[str, Any]] = [
        {"inputs": {1, 2}},
        {"inputs": "12"},
        {"inputs": 12},
        {"inputs": [], "at_once": 0},
        {"inputs": [], "at_once": True},
        {"inputs": [], "max_failures": -1},
        {"inputs": [], "timeout": "soon"},
        {"inputs": [], "run": charge(Order(number=1, effects=""))},
    ]
    messages = []
    for each in wrong:
        try:
            job_map(**{"run": charge, **each})  # type: ignore[unused-coroutine]  # it raises
        except Exception as error:
            messages.append(f"{type(error).__name__}: {error}")
    assert await job_map(run=charge, inputs=list[Order]()) == []
    return messages
