"""Jobs that keep state."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, Field

from terse_temporal import Event, Retry, create_job, current_step, job_step, sleep
from terse_temporal.errors import StateValueError, StepError, UnknownStateKeyError
from terse_temporal.state import State, current_state

from ..effects import record


@dataclass
class Order:
    number: int
    due: date


class Kept(BaseModel):
    """Keys of every kind."""

    count: int = 0
    limited: Annotated[int, Field(le=10)] = 1
    seen: set[str] = set()
    orders: list[Order] = Field(default_factory=list)
    last: Order | None = None
    without_default: str


class Counted(BaseModel):
    count: int = 0


def add(total: int, amount: int) -> int:
    return total + amount


async def append(orders: list[Order], order: Order) -> list[Order]:
    await asyncio.sleep(0)
    assert isinstance(order, Order)
    assert all(isinstance(each, Order) for each in orders)
    return [*orders, order]


async def every_call(event: Event, state: State) -> list[Any]:
    """Each call in turn, with what it gives."""
    order = Order(7, date(2026, 1, 2))
    first: list[Any] = [await state.get(key) for key in ("count", "seen", "orders", "last", "without_default")]
    first.append(await state.set("count", 5))
    first.append(await state.update("count", lambda n: n + 1))
    first.append(await state.update("count", add, event.amount))
    first.append(await state.get("count"))
    first.append(await state.set("seen", {"a"}) == {"a"} and await state.get("seen") == {"a"})
    orders = await state.update("orders", append, order)
    first.append(orders == [order] == await state.get("orders"))
    await state.set("last", order)
    first.append((await state.get("last")).due.year)
    await state.delete("last")
    first.append(await state.get("last"))
    return [sorted(each) if isinstance(each, set) else each for each in first]


durable = create_job(name="every-call", durable=True, states=Kept, on_trigger=every_call)
plain = create_job(name="every-call-in-place", states=Kept, on_trigger=every_call)


@create_job(name="any-key", durable=True)
async def any_key(event: Event, state: State) -> Any:
    """Without `states=`: any key, any JSON."""
    unset = await state.get("what ever")
    await state.set("what ever", {"a": [1, None]})
    await state.set("null", None)
    return [unset, await state.get("what ever"), await state.get("null")]


@create_job(name="mapping", durable=True, states={"count": int, "names": list[str]})
async def mapping(event: Event, state: State) -> Any:
    """A mapping of key to type, whose unset keys read as None."""
    before = [await state.get("count"), await state.get("names")]
    await state.update("count", lambda n: (n or 0) + 1)
    return [*before, await state.get("count"), await state.set("names", ["a"])]


@create_job(name="count", durable=True, states=Counted)
async def count(event: Event, state: State) -> int:
    """Count up, as often as the event says."""
    for _ in range(event.times):
        await state.update("count", lambda n: n + 1)
    result: int = await state.get("count")
    return result


@create_job(name="count-in-place", states=Counted)
async def count_in_place(event: Event, state: State) -> int:
    """The same in a job that is not durable."""
    for _ in range(event.times):
        await state.update("count", lambda n: n + 1)
    result: int = await state.get("count")
    return result


@create_job(name="wrong-state", durable=True, states=Kept)
async def wrong(event: Event, state: State) -> Any:
    """Calls that are refused before anything is scheduled."""
    outer = event.case
    calls: dict[str, Any] = {
        "get": lambda: state.get("cuont"),
        "set": lambda: state.set("Count", 1),
        "update": lambda: state.update("nothing like it", lambda n: n),
        "delete": lambda: state.delete(""),
        "no text": lambda: state.get(5),  # type: ignore[arg-type]
        "type": lambda: state.set("count", "many"),
        "constraint": lambda: state.set("limited", 11),
        "nested": lambda: state.set("orders", [{"number": 1, "due": "soon"}]),
        "not a function": lambda: state.update("count", 5),  # type: ignore[call-overload]
        "arguments": lambda: state.update("count", add),  # type: ignore[arg-type]
        "argument type": lambda: state.update("count", add, "many"),
        "closure": lambda: state.update("count", lambda n: n + len(outer)),
    }
    return await calls[event.case]()


@create_job(name="wrong-state-any", durable=True)
async def wrong_any(event: Event, state: State) -> Any:
    """The same without `states=`."""
    return await state.set("key", object())


@create_job(name="wrong-result", durable=True, states=Kept)
async def wrong_result(event: Event, state: State) -> list[str]:
    """A function that gives what does not fit, caught; the value stays."""
    await state.set("count", 3)
    messages = []
    try:
        await state.update("count", lambda n: "many")
    except StateValueError as error:
        messages.append(f"{isinstance(error, StepError)} {error}")
    try:
        await state.update("count", lambda n: 1 // 0)
    except ZeroDivisionError as error:
        messages.append(str(error))
    return [*messages, str(await state.get("count"))]


@create_job(name="reader", durable=True, states={"value": int})
async def reader(event: Event, state: State) -> Any:
    """Reads what somebody else has stored."""
    try:
        return await state.get("value")
    except StateValueError as error:
        return str(error)


@create_job(name="unknown-key-in-place", states={"count": int})
async def unknown_in_place(event: Event, state: State) -> str:
    """The errors of calls in place."""
    try:
        await state.get("cuont")
    except UnknownStateKeyError as error:
        first = str(error)
    try:
        await state.set("count", "many")
    except StateValueError as error:
        return f"{first}\n{error}"
    return ""


async def is_new(event: Event, state: State) -> bool:
    return event.id not in (await state.get("seen") or [])


@create_job(name="once-each", durable=True, filter=is_new, states={"seen": list[str]})
async def once_each(event: Event, state: State) -> str:
    """Does each id once."""
    await state.update("seen", lambda seen, new: [*(seen or []), new], event.id)
    return "done"


@create_job(name="once-each-in-place", filter=is_new, states={"seen": list[str]})
async def once_each_in_place(event: Event, state: State) -> str:
    """The same, not durable."""
    await state.update("seen", lambda seen, new: [*(seen or []), new], event.id)
    return "done"


@create_job(
    name="filter-without-reading", filter=lambda event, state: event.wanted, states={"seen": list[str]}, durable=True
)
async def filter_without_reading(event: Event) -> str:
    """A filter that takes the state and does not read it."""
    return "done"


@create_job(name="set-and-wait", durable=True)
async def set_and_wait(event: Event, state: State) -> Any:
    """Sets, and sleeps."""
    await state.set("value", event.value)
    await sleep("3d")
    return await state.get("value")


async def flaky(effects: str) -> Any:
    """Changes the state, and fails in its first attempts."""
    state, attempt = current_state(), current_step().attempt
    counted = await state.update("count", lambda n: (n or 0) + 1)
    await state.set("attempt", attempt)
    record(effects, f"attempt {attempt}: {counted}")
    if attempt < 3:
        raise RuntimeError("again")
    return await state.get("attempt")


@create_job(name="state-in-a-step", durable=True)
async def in_a_step(event: Event, state: State) -> list[Any]:
    """A step that uses the state itself, and is tried again."""
    last = await job_step(run=flaky, input=event.effects, retry=Retry(max_attempts=3, initial="10ms"))
    return [last, await state.get("count")]


async def updates_within(value: Any) -> Any:
    return await current_state().update("b", lambda n: n)


@create_job(name="update-within-an-update", durable=True)
async def update_within(event: Event, state: State) -> str:
    """An update whose function makes another."""
    try:
        await state.update("a", updates_within)
    except StepError as error:
        return str(error)
    return "allowed"


@create_job(name="large-state", durable=True)
async def large(event: Event, state: State) -> str:
    """Keeps more than there is room for."""
    await state.set("first", "x" * 700_000)
    try:
        await state.set("second", "y" * 700_000)
    except StateValueError as error:
        return str(error)
    return "took it"


@create_job(name="plain-def-with-state")
def plain_def(event: Event, state: Any) -> str:
    """Take the state, and write to it only if told to, which nobody awaits."""
    if event.get("write"):
        state.set("key", 1)
    return "done"
