"""Jobs that call functions decorated with `@step`."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from terse_temporal import Event, Retry, create_job, current_step, job_step, step
from tests.effects import record


class Customer(BaseModel):
    email: str


class Declined(Exception):
    pass


@step
async def charge(
    effects: str, customer: Customer, amount: int = 5, *notes: str, currency: str = "eur", **more: int
) -> str:
    record(effects, f"charge {amount}")
    return f"{customer!r} {amount} {notes} {currency} {more}"


@step
def double(number: int) -> int:
    return number * 2


@step(name="charge the card", retry=Retry(max_attempts=2, initial="20ms"), timeout="5s", output_schema=Customer)
async def renamed(effects: str) -> Any:
    record(effects, f"renamed {current_step().attempt}")
    if current_step().attempt == 1:
        raise Declined("at first")
    return {"email": current_step().name}


@step
def decline(reason: str) -> None:
    raise Declined(reason)


@step
async def around(number: int) -> int:
    """A step that calls another: there it is the plain function."""
    return double(number) + 1  # type: ignore[operator]  # in a handler it would have to be awaited


@create_job(name="decorated-steps", durable=True)
async def decorated(event: Event) -> list[Any]:
    effects = event.effects
    ada = Customer(email="ada@example.com")
    results: list[Any] = [
        await charge(effects, ada),
        await charge(effects, customer=ada, amount=7),
        await charge(effects, ada, 8, "a", "b", currency="usd", vat=1, tip=2),
        await charge(effects, {"email": "as data"}, "9"),  # type: ignore[arg-type]  # what the annotations accept
        await double(21),
        await double(number=22),
        repr(await renamed(effects)),
        await around(10),
        await job_step(run=double, input=50),
    ]
    try:
        await decline("no funds")
    except Declined as error:
        results.append(str(error))
    return results


#: Hidden from type checkers, which find these mistakes too.
any_charge: Any = charge
any_double: Any = double

WRONG: dict[str, Any] = {
    "missing": lambda event: any_charge(event.effects),
    "unknown": lambda event: any_double(1, factor=2),
    "too many": lambda event: any_double(1, 2),
    "type": lambda event: any_double("two"),
    "nested type": lambda event: any_charge(event.effects, {"mail": 1}),
    "not JSON": lambda event: any_double(object()),
}


@create_job(name="wrong-arguments", durable=True)
async def wrong_arguments(event: Event) -> Any:
    return await WRONG[event.case](event)


@create_job(name="decorated-in-a-plain-job")
async def plain_job(event: Event) -> Any:
    return [await charge(event.effects, Customer(email="plain")), double(4)]
