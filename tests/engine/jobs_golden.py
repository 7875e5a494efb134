"""Small jobs whose histories are kept, and replayed by every later change. Do not change what they do."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from terse_temporal import (
    Event,
    Retry,
    RunFailure,
    Triggers,
    create_job,
    current_run,
    current_step,
    get_run,
    job_map,
    job_step,
    log,
    send_event,
    sleep,
    step,
    uuid4,
    wait_for_event,
)
from terse_temporal.errors import RunFailedError


class Customer(BaseModel):
    email: str
    plan: str = "free"


@dataclass
class Order:
    number: int
    customer: Customer


class Declined(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(f"declined: {code}")
        self.code = code


@step(retry=Retry(max_attempts=2, initial="10ms"))
async def charge(order: Order, amount: int = 5, *, currency: str = "eur") -> str:
    if current_step().attempt == 1:
        raise ConnectionError("at first")
    return f"{order.number} {amount} {currency}"


def decline(code: str) -> None:
    raise Declined(code)


@create_job(name="golden-onboarding", triggers=[Triggers.stripe.on_customer_created()], durable=True)
async def onboarding(event) -> dict[str, Any]:  # type: ignore[no-untyped-def]  # the trigger's model is it
    """Steps of every kind, schemas, a failure that is caught, and a sleep."""

    async def welcome(email: str) -> str:
        return f"welcome {email}"

    log("onboarding", event.customer.email)
    customer = Customer(email=event.customer.email)
    greeting = await job_step(run=welcome, input=customer.email)
    made = await job_step(
        run=lambda data: data, name="create order", input={"number": "7", "customer": customer}, output_schema=Order
    )
    paid = await charge(made, currency="usd")
    try:
        await job_step(run=decline, input="funds", on_interrupt="fail")
    except Declined as error:
        code = error.code
    await sleep("3d")
    return {"greeting": greeting, "paid": paid, "code": code, "last": await job_step(run=lambda: None)}


@create_job(name="golden-digest", durable=True)
async def digest(event: Event) -> list[Any]:
    """Branches at once, one of them cancelled, and a clock and a random number that decide what is done."""

    async def page(number: int) -> int:
        await asyncio.sleep(0.05 * number)
        return number

    pages = await asyncio.gather(*(job_step(run=page, input=number, name=f"page {number}") for number in range(3)))
    try:
        async with asyncio.timeout(0.5):
            await job_step(run=lambda: asyncio.sleep(30), name="too slow")
    except TimeoutError:
        pages.append(-1)
    name = f"roll {random.randint(1, 6)} {datetime.now().year > 2000} {len(str(uuid4()))}"
    return [*pages, len(await job_step(run=lambda text: text, input=name, name=name)) > 0]


@create_job(name="golden-plain", filter=lambda event: event.wanted)
async def plain(event: Event) -> str:
    """A job that is not durable."""
    return f"done {event.wanted}"


async def tell(event: Event, failure: RunFailure) -> None:
    """A sleep and a step of what is done at the end."""
    await sleep("1h")
    await job_step(run=lambda failure: failure["type"], input={"type": failure.type, "step": failure.step}, name="tell")


@create_job(name="golden-map", durable=True, on_failure=tell, retry=Retry(max_attempts=2, initial="1ms"))
async def mapped(event: Event) -> None:
    """Steps of a map, some of which fail, too many in the end; then what is done about it."""

    async def page(number: int) -> int:
        if number % 3 == 2:
            raise Declined(f"page {number}")
        await asyncio.sleep(0.01 * (number % 2))
        return number

    assert await job_map(run=page, inputs=range(5), at_once=2, max_failures=1)
    await job_map(run=page, inputs=(number for number in range(9)), at_once=3, name="too many")


@create_job(name="golden-timeout", durable=True, timeout="2 days", on_failure=tell)
async def timed_out(event: Event) -> None:
    """A sleep that is too long, and a step in the end."""
    try:
        await sleep("3d")
    finally:
        await job_step(run=lambda: "cleaned up", name="clean up")


@create_job(name="golden-events", durable=True)
async def events(event: Event) -> list[Any]:
    """Waits by key, before and after the event, to the run, with a time that is up, and one that loses."""
    waiting = asyncio.create_task(wait_for_event("a", key=event.key))
    await send_event("a", {"n": 1}, key=event.key)
    found = [await waiting]
    await send_event("a", 2, key=event.key, id="2")
    found.append(await wait_for_event("a", key=event.key))
    await get_run(current_run().id).send("b", 3, id="3")
    found.append(await wait_for_event("b"))
    try:
        await wait_for_event("b", timeout="1d")
    except TimeoutError:
        found.append("late")
    loser = asyncio.create_task(wait_for_event("c", key=event.key))
    await sleep("1h")
    loser.cancel()
    return found


#: Each with the event that its kept run was started with.
@create_job(name="golden-child", durable=True)
async def child(event: Event) -> dict[str, Any]:
    """What the others start: a step, and a failure where it is told so."""
    if event.get("code"):
        decline(event.code)
    return {"greeting": await job_step(run=greet, input=event.name)}


def greet(name: str) -> str:
    return f"hello {name}"


@create_job(name="golden-parent", durable=True)
async def parent(event: Event) -> list[Any]:
    """Child runs of every kind: waited for, going on by itself, with a key, found again, delayed, failing, in a map."""
    waited = await child.run({"name": "Ada"})
    started = await child.start({"name": "Bob"}, delay="1h")
    keyed = await child.start({"name": "Eve"}, key=started.run_id)
    again = await child.run({"name": "Eve"}, key=started.run_id)
    try:
        await child.run({"code": "no"})
    except RunFailedError as err:
        failed = [err.error_type, str(err)]
    mapped = await child.map([{"name": name} for name in "abc"], at_once=2)
    await keyed.cancel()  # which has ended
    return [waited, await started.result(), again, failed, mapped]


async def wait(seconds: float) -> float:
    await asyncio.sleep(seconds)
    return seconds


def third_time(start: int) -> int:
    if current_step().attempt < 3:
        raise ConnectionError("not yet")
    return start + current_step().attempt


@step(local=True, label="{left}")
async def join(left: str, right: str = "-") -> str:
    return left + right


@create_job(name="golden-local", durable=True)
async def local(event: Event) -> list[Any]:
    """Local steps: at once, failing, tried again at once and by a timer, one that takes long, and an ordinary one."""
    ended: list[str] = []

    async def branch(seconds: float) -> None:
        await job_step(run=wait, input=seconds, local=True, label=f"{seconds} s")
        ended.append(await join(str(seconds), right=datetime.now().isoformat()[:4]))

    await asyncio.gather(*(branch(seconds) for seconds in (0.06, 0.0, 0.03)))
    try:
        await job_step(run=decline, input="funds", local=True)
    except Declined as error:
        ended.append(error.code)
    quick = await job_step(run=third_time, input=0, local=True, retry=Retry(initial="10ms"))
    slow = await job_step(run=third_time, input=10, local=True, retry=Retry(initial="400ms"))
    name = f"at {datetime.now().isoformat()}"
    length = len(await job_step(run=greet, input=name))
    long = await job_step(run=wait, input=2.2, local=True, name="long")
    await sleep("1h")
    return [*ended, quick, slow, length, long, await join("end")]


def measured(number: int) -> int:
    return number


async def _goes_on() -> list[Any]:
    """A run that continues as new by itself, with a sleep and a wait that are open meanwhile."""
    paid = asyncio.ensure_future(wait_for_event("paid", timeout="1d"))
    sleeping = asyncio.ensure_future(sleep("3d"))
    steps = [await job_step(run=measured, input=number, name=f"measure-{number}") for number in range(6)]
    steps += [await job_step(run=measured, input=number, name=f"look-{number}", local=True) for number in range(3)]
    try:
        await paid
    except TimeoutError:
        steps.append(-1)
    await sleeping
    return [*steps, uuid4().version, await job_step(run=measured, input=7)]


@create_job(name="golden-continuing", durable=True)
async def continuing(event: Event) -> list[Any]:
    return await _goes_on()


@create_job(name="golden-continued", durable=True)
async def continued(event: Event) -> list[Any]:
    return await _goes_on()


@create_job(name="golden-waiting", durable=True)
async def waiting(event: Event) -> dict[str, Any]:
    """What the next one starts: it does what it is told later."""
    told = await wait_for_event("go", schema=dict)
    if told.get("code"):
        decline(told["code"])
    return told


@create_job(name="golden-following", durable=True)
async def following(event: Event) -> list[Any]:
    """A run that continues while runs that it has started go on. One is awaited as it ends, one fails."""
    greeted, early, declined = [await waiting.start({}) for _ in range(3)]
    steps = [await job_step(run=measured, input=number) for number in range(5)]
    await early.send("go", {"early": True})
    awaited = asyncio.ensure_future(greeted.result())
    await sleep("1s")
    await greeted.send("go", {"name": "Ada"})
    found = [*steps, await awaited]
    await declined.send("go", {"code": "no"})
    await sleep("1s")
    try:
        await declined.result()
    except RunFailedError as err:
        found += [err.error_type, str(err)]
    return [*found, await early.result(), await job_step(run=measured, input=5)]


GOLDEN = {
    "golden-continuing": (continuing, {}),
    "golden-continued": (continued, {}),
    "golden-following": (following, {}),
    "golden-onboarding": (onboarding, {"customer": {"email": "ada@example.com"}}),
    "golden-digest": (digest, {}),
    "golden-plain": (plain, {"wanted": True}),
    "golden-map": (mapped, {}),
    "golden-timeout": (timed_out, {}),
    "golden-parent": (parent, {}),
    "golden-events": (events, {"key": "golden"}),
    "golden-local": (local, {}),
}
