"""Jobs that are started, and that start others."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from pydantic import BaseModel
from temporalio import workflow

from terse_temporal import Event, Retry, create_job, current_step, job_step, sleep

from ..effects import record


class CardDeclined(Exception):
    def __init__(self, code: str, amount: int) -> None:
        super().__init__(f"declined: {code}")
        self.code = code
        self.amount = amount


class Order(BaseModel):
    order_id: str
    amount: int = 0


@dataclass
class Receipt:
    order_id: str
    paid: int


@create_job(name="runs-pay", durable=True)
async def pay(event: Order) -> Receipt:
    return await job_step(run=charge, input=event)


async def charge(order: Order) -> Receipt:
    return Receipt(order.order_id, order.amount)


@create_job(name="runs-fail", durable=True)
async def fail(event: Event) -> None:
    if event.get("step"):
        await job_step(run=decline)
    raise CardDeclined("no_funds", 7)


async def decline() -> None:
    raise CardDeclined("stolen", 9)


@create_job(name="runs-plain-fail")
async def plain_fail(event: Event) -> None:
    raise CardDeclined("plain", 3)


@create_job(name="runs-plain-exit")
async def plain_exit(event: Event) -> None:
    raise SystemExit("enough")


@create_job(name="runs-wait", durable=True)
async def wait(event: Event) -> str:
    try:
        await sleep(event.get("time", "30d"))
    except asyncio.CancelledError:
        await job_step(run=tidy)
        raise
    return "waited"


async def tidy() -> None:
    pass


@create_job(name="runs-chain", durable=True)
async def chain(event: Event) -> str:
    left = event.get("left", 0)
    await job_step(run=tidy)
    if left:
        workflow.continue_as_new({**event, "left": left - 1})
    if event.get("fails"):
        raise CardDeclined("chain", 1)
    if event.get("waits"):
        await sleep("30d")
    return "end of the chain"


@create_job(name="runs-count", durable=True)
async def count(event: Event) -> str:
    """Leaves a line for each run that is started."""
    await job_step(run=leave_line, input=event)
    return str(event["text"])


async def leave_line(event: dict[str, str]) -> None:
    record(event["effects"], event["text"])


@create_job(name="runs-from-step", durable=True)
async def from_step(event: Event) -> list[str]:
    return await job_step(run=start_two, input=dict(event), retry=Retry(max_attempts=2, initial="1ms"))


async def start_two(event: dict[str, str]) -> list[str]:
    """Starts two runs, and in its first attempt fails behind the first of them."""
    first = await count.start({"effects": event["effects"], "text": f"first {current_step().attempt}"})
    if current_step().attempt == 1:
        raise ConnectionError("cut off")
    second = await count.start({"effects": event["effects"], "text": "second"})
    await asyncio.gather(first.result(), second.result())
    return [first.id, second.id]


@create_job(name="runs-from-plain")
async def from_plain(event: Event) -> str:
    run = await count.start({"effects": event["effects"], "text": "plain"})
    again = await count.start({"effects": event["effects"], "text": "keyed"}, key=event["key"])
    await again.result()
    return await run.result()


@create_job(name="runs-step-once", durable=True)
async def step_once(event: Event) -> str:
    return await job_step(run=start_one, input=str(event["effects"]))


async def start_one(effects: str) -> str:
    run = await count.start({"effects": effects, "text": f"attempt {current_step().attempt}"})
    await run.result()
    return run.id


def has_an_amount(event: Order) -> bool:
    return event.amount > 0


@create_job(name="runs-filtered", durable=True, filter=has_an_amount)
async def filtered(event: Order) -> Receipt:
    return Receipt(event.order_id, event.amount)


@create_job(name="runs-in-time", durable=True, timeout="1h")
async def in_time(event: Event) -> None:
    await sleep("30d")


@create_job(name="runs-from-thread", durable=True)
async def from_thread(event: Event) -> str:
    return await job_step(run=start_in_thread, input=str(event["effects"]))


def start_in_thread(effects: str) -> str:
    """A step that is a `def` runs in a thread, which has no event loop."""
    run = asyncio.run(count.start({"effects": effects, "text": "thread"}))
    return run.id
