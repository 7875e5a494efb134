"""A job through which values of every kind travel."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import BaseModel

from terse_temporal import Event, create_job, job_step
from terse_temporal.errors import StepError


class Customer(BaseModel):
    email: str
    joined: date


class Declined(Exception):
    pass


def decline() -> None:
    error = Declined("no funds")
    error.code = "funds"  # type: ignore[attr-defined]  # an attribute that travels
    raise error


async def give(value: Any) -> Any:
    return value


@create_job(name="through-a-converter", durable=True)
async def through(event: Event) -> list[Any]:
    ada = Customer(email="ada@example.com", joined=date(2025, 1, 2))
    results: list[Any] = [
        event.secret,
        await job_step(run=give, input=[1, 1.5, None, True, "ü", {"a": {"b": []}}]),
        repr(await job_step(run=give, input=ada, input_schema=Customer, output_schema=Customer)),
        await job_step(run=give, input=None),
    ]
    try:
        await job_step(run=decline)
    except StepError as error:
        results.append([type(error).__name__, str(error), error.code])  # type: ignore[attr-defined]  # see above
    return results


@create_job(name="plain-through-a-converter")
def plain_through(event: Event) -> list[Any]:
    return [event.secret, {"a": None}]


@create_job(name="fails-through-a-converter", durable=True)
async def fails_through(event: Event) -> None:
    raise Declined(event.secret)


def turned(given: dict[str, int]) -> dict[str, Any]:
    return {"m": 1, "z": list(given), "a": 2}


@create_job(name="keeps-the-order", durable=True)
async def ordered(event: Event) -> dict[str, Any]:
    result = await job_step(run=turned, input={"z": 1, "a": 2, "m": 3})
    return {"seen": result["z"], "given": result, "event": [key for key in event if key != "effects"]}
