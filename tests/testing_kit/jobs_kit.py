"""Jobs that the tests of the kit run: each does one thing that a test may want to see or replace."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from terse_temporal import (
    Event,
    Retry,
    Skills,
    TerseAgent,
    create_job,
    generate_text,
    job_step,
    now,
    sleep,
    step,
    toolbox,
)
from terse_temporal.agents import Finished, TextDelta
from terse_temporal.errors import ModelError, StepError, ToolDeniedError
from terse_temporal.state import State


class Customer(BaseModel):
    email: str
    name: str
    since: datetime | None = None


class Receipt(BaseModel):
    id: str
    amount: int
    customer: Customer
    paid: bool = True


@dataclass
class Parcel:
    number: int
    to: str


class Declined(Exception):
    """A card was declined."""


class Expired(Declined):
    """It has expired."""


@toolbox.tool("kit.announce")
async def announce(text: str, to: list[str] | None = None) -> str:
    """Tell the world.

    Args:
        text: what.
        to: whom.
    """
    raise RuntimeError("the real world was told")


@toolbox.tool("kit.find_customer", read_only=True)
def find_customer(email: str) -> Customer:
    """Look a customer up.

    Args:
        email: whose.
    """
    return Customer(email=email, name="really")


@step
async def charge(amount: int, currency: str = "EUR") -> Receipt:
    return Receipt(id=f"real-{amount}-{currency}", amount=amount, customer=Customer(email="a@example.com", name="Ada"))


def send_parcel(to: str) -> Parcel:
    return Parcel(1, to)


def count() -> int:
    return 1


@create_job(name="kit-trial-follow-up", durable=True)
async def trial_follow_up(event: Event) -> None:
    text = await generate_text(prompt=f"Write a check-in for {event.customer.email}")
    await sleep("3d")
    await toolbox.slack.send_message(channel_id="C1", message=text)


@create_job(name="kit-buy", durable=True)
async def buy(event: Event) -> list[Any]:
    receipt = await charge(event.amount, currency=event.get("currency", "EUR"))
    parcel = await job_step(run=send_parcel, input=receipt.customer.name, name="send the parcel")
    told = await toolbox.kit.announce(text=receipt.id)
    return [receipt.id, receipt.amount, receipt.customer.email, parcel.number, told]


@create_job(name="kit-numbered", durable=True)
async def numbered(event: Event) -> list[int]:
    return [await job_step(run=count, name=f"part {number}") for number in range(event.parts)]


@create_job(name="kit-handles", durable=True)
async def handles(event: Event) -> str:
    try:
        await charge(event.amount)
    except Expired as error:
        return f"expired: {error}"
    except Declined as error:
        return f"declined: {error}"
    except StepError as error:
        return f"{error.error_type}: {error.message}"
    return "charged"


@create_job(name="kit-patient", durable=True)
async def patient(event: Event) -> int:
    retry = Retry(max_attempts=4, initial="10m", multiplier=2, max_delay="1h", on=(OSError,))
    return await job_step(run=count, name="try", retry=retry)


@create_job(name="kit-message", durable=True)
async def message(event: Event) -> list[Any]:
    sent = await toolbox.slack.send_message(channel_id=event.channel, message="Hi")
    return [type(sent).__name__, sent.channel_id, sent.ts, sent.thread_ts]


@create_job(name="kit-in-a-step", durable=True)
async def in_a_step(event: Event) -> str:
    async def look_up() -> str:
        customer = await toolbox.kit.find_customer(email="in@example.com")
        return f"{customer.name}: {await generate_text(prompt='Greet')}"

    return await job_step(run=look_up)


@create_job(name="kit-in-place")
async def in_place(event: Event) -> str:
    customer = await toolbox.kit.find_customer(email="place@example.com")
    return f"{customer.name}: {await generate_text(prompt='Greet', skills=['kit'])}"


@create_job(name="kit-streams")
async def streams(event: Event) -> dict[str, Any]:
    events = [each async for each in TerseAgent.create(skills=["kit"]).run("Stream")]
    last = events[-1]
    assert isinstance(last, Finished)
    return {
        "kinds": [type(each).__name__ for each in events],
        "text": "".join(each.text for each in events if isinstance(each, TextDelta)),
        "output": last.output,
    }


@create_job(name="kit-plain")
def plain(event: Event) -> int:
    return int(event.number) + 1


@create_job(name="kit-plain-failing")
def plain_failing(event: Event) -> None:
    raise Expired("yesterday")


@create_job(name="kit-asks", durable=True)
async def asks(event: Event) -> Any:
    return await generate_text(
        prompt=event.get("prompt", "Say hello"), skills=[Skills.kit(tools=["find_customer", "announce"])]
    )


@create_job(name="kit-asks-for", durable=True)
async def asks_for(event: Event) -> Any:
    schema: Any = {"receipt": Receipt, "parcel": Parcel, "numbers": list[int], "number": int}[event.kind]
    found = await generate_text(prompt="Give me one", output_schema=schema)
    assert isinstance(found, list if event.kind == "numbers" else schema)
    return found.model_dump(mode="json") if isinstance(found, BaseModel) else found


@create_job(name="kit-asks-carefully", durable=True)
async def asks_carefully(event: Event) -> str:
    try:
        return await generate_text(prompt="Say hello")
    except ModelError as error:
        return f"{type(error).__name__}: {error}"


@create_job(name="kit-erases", durable=True)
async def erases(event: Event) -> str:
    agent = TerseAgent.create(skills=["kit"], tool_approvals=["kit.announce"])
    try:
        return str(await agent.tools.kit.announce(text="gone"))
    except ToolDeniedError as denied:
        return str(denied)


@create_job(name="kit-erases-twice", durable=True)
async def erases_twice(event: Event) -> list[str]:
    agent = TerseAgent.create(skills=["kit"], tool_approvals=["kit.announce"])
    return list(await asyncio.gather(*(agent.tools.kit.announce(text=text) for text in ("one", "two"))))


@create_job(name="kit-sleeps", durable=True)
async def sleeps(event: Event) -> list[str]:
    began = now()
    at = []
    for duration in event.get("durations", ["1h", "2h", "1d"]):
        await sleep(duration)
        at.append(str(now() - began).rpartition(":")[0])  # in minutes: a busy machine takes seconds
        await job_step(run=count, name=f"after {duration}")
    return at


@create_job(name="kit-sleeps-until", durable=True)
async def sleeps_until(event: Event) -> str:
    await sleep(datetime.fromisoformat(event.until))
    return now().isoformat()


class Counts(BaseModel):
    orders: int = 0
    last: Customer | None = None


@create_job(name="kit-counts", durable=True, states=Counts)
async def counts(event: Event, state: State) -> int:
    await state.set("last", Customer(email="last@example.com", name="Last"))
    return int(await state.update("orders", lambda orders: orders + 1))


@create_job(name="kit-filtered", durable=True, filter=lambda event: event.amount > 10)
async def filtered(event: Event) -> str:
    return "done" if await job_step(run=count, name="counted") else ""


@create_job(name="kit-fails", durable=True)
async def fails(event: Event) -> None:
    match event.how:
        case "itself":
            raise Expired("yesterday")
        case "step":
            await charge(3)
        case "tool":
            await toolbox.kit.announce(text="x")
        case "sleeping":
            await sleep("1h")


@create_job(name="kit-typed", durable=True)
async def typed(event: Customer) -> str:
    return event.email


@create_job(name="kit-tidies-up", durable=True)
async def tidies_up(event: Event) -> None:
    try:
        await sleep("1h")
    finally:
        await job_step(run=count, name="tidy up")


@create_job(name="kit-fixed", durable=True)
async def fixed(event: Event) -> str:
    return await generate_text(prompt="Tell Ada", skills=[Skills.tool("kit.announce", text="hi", to=[["a"], ["b"]])])
