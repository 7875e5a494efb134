"""Jobs of several kinds, to be crashed. What their real steps do is a line in a file."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

from pydantic import BaseModel

from terse_temporal import (
    Event,
    Retry,
    create_job,
    current_step,
    generate_text,
    job_step,
    sleep,
    step,
    toolbox,
)
from terse_temporal.errors import StepInterruptedError

from ...effects import record


class Item(BaseModel):
    """What is ordered, and where the effects go."""

    name: str
    effects: str


class DeclinedError(Exception):
    """An exception that insists on more than it keeps."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"declined: {reason}")
        self.code = code


def effect(path: str) -> str:
    """Leave a line about the step that this is called in."""
    me = current_step()
    record(path, f"{me.name} {me.attempt} {me.idempotency_key}")
    return me.name


async def reserve(item: Item) -> str:
    """An `async def`."""
    return effect(item.effects)


def charge(item: Item) -> str:
    """A `def`."""
    return effect(item.effects)


@step
async def ship(effects: str, city: str = "Paris") -> str:
    """A step by decoration."""
    return f"{effect(effects)} to {city}"


@toolbox.tool("crs.notify", idempotent=True)
async def notify(to: str, text: str, effects: str) -> dict[str, str]:
    """A tool with an effect."""
    return {"to": to, "by": effect(effects), "text": text}


@create_job(name="crs-order", durable=True)
async def order(event: Event) -> list[Any]:
    """Three steps, a tool, and a sleep."""
    item = {"name": "lamp", "effects": event.effects}
    done: list[Any] = [await job_step(run=reserve, input=item, input_schema=Item)]
    done.append(await job_step(run=charge, input=item, input_schema=Item))
    await sleep("3d")
    done.append(await ship(event.effects))
    told = await toolbox.crs.notify(to="ada", text="sent", effects=event.effects)
    return [*done, told["by"]]


@create_job(name="crs-kinds", durable=True)
async def kinds(event: Event) -> list[Any]:
    """A step that is a `def`, a sleep, a step by decoration, and a tool."""
    item = {"name": "lamp", "effects": event.effects}
    done: list[Any] = [await job_step(run=charge, input=item, input_schema=Item)]
    await sleep("3d")
    done.append(await ship(event.effects))
    told = await toolbox.crs.notify(to="ada", text="sent", effects=event.effects)
    return [*done, told["by"]]


@create_job(name="crs-two-sleeps", durable=True)
async def two_sleeps(event: Event) -> str:
    """The second much shorter than the first."""
    await sleep("30d")
    await sleep("1m")
    return "awake"


@create_job(name="crs-parallel", durable=True)
async def parallel(event: Event) -> list[str]:
    """Three steps at once, two of one name."""
    item = {"name": "lamp", "effects": event.effects}
    return list(
        await asyncio.gather(
            job_step(run=reserve, name="left", input=item, input_schema=Item),
            job_step(run=charge, name="right", input=item, input_schema=Item),
            job_step(run=reserve, name="right", input=item, input_schema=Item),
        )
    )


@create_job(name="crs-at-most-once", durable=True)
async def at_most_once(event: Event) -> str:
    """A step that is not run again, with what became of it as the result."""
    try:
        return str(
            await job_step(run=lambda path: effect(path), name="transfer", input=event.effects, on_interrupt="fail")
        )
    except StepInterruptedError as err:
        return f"interrupted: {err}"


async def flaky(effects: str) -> str:
    """Fails at first."""
    effect(effects)
    if current_step().attempt == 1:
        raise ConnectionError("not yet")
    return "in the end"


@create_job(name="crs-retry", durable=True)
async def retrying(event: Event) -> str:
    """A step that is tried again, and one that fails for good."""
    result: str = await job_step(run=flaky, input=event.effects, retry=Retry(max_attempts=5, initial="10ms"))
    try:
        await job_step(run=decline, input=event.effects)
    except DeclinedError as err:
        return f"{result}, and {type(err).__name__} {err.code}"
    return result


def decline(effects: str) -> None:
    """Fails with attributes."""
    effect(effects)
    raise DeclinedError(402, "no money")


@create_job(name="crs-failing", durable=True)
async def failing(event: Event) -> None:
    """A run that fails."""
    await job_step(run=decline, input=event.effects)


@create_job(name="crs-failing-later", durable=True)
async def failing_later(event: Event) -> None:
    """A run that fails after a sleep, which is all that it can be killed at."""
    await sleep("1h")
    raise DeclinedError(402, "no money")


@create_job(name="crs-model", durable=True)
async def model(event: Event) -> str:
    """Two turns with a tool between them."""
    text: str = await generate_text(prompt=f"Tell {event.to}.", skills=["crs.answer"])
    return text


@toolbox.tool("crs.answer", read_only=True)
async def answer(question: str) -> str:
    """What a model may ask."""
    return f"no idea of {question}"


@create_job(name="crs-counted", durable=True)
async def counted(event: Event, state: Any) -> int:
    """Counts its runs."""
    await ship(event.effects)
    result: int = await state.update("runs", lambda runs: (runs or 0) + 1)
    return result


@create_job(name="crs-plain")
async def plain(event: Event) -> str:
    """Not durable."""
    record(event.effects, "plain")
    return "done"


@create_job(name="crs-by-a-set", durable=True)
async def by_a_set(event: Event) -> int:
    """Its order is that of a set, which another process has otherwise."""
    names = {"ada", "bob", "cleo", "dora", "eve", "fay", "gus", "hal"}
    for name in names:
        await job_step(run=lambda path: effect(path), name=name, input=event.effects)
    return len(names)


@create_job(name="crs-first-of-a-set", durable=True)
async def first_of_a_set(event: Event) -> str:
    """The same with one step."""
    names = {"cleo", "hal"}
    result: str = await job_step(run=lambda path: effect(path) and "done", name=next(iter(names)), input=event.effects)
    return result


async def count_attempts() -> int:
    """Gives what is another after a crash."""
    return current_step().attempt


@create_job(name="crs-attempts", durable=True)
async def attempts(event: Event) -> int:
    """Its result hangs on whether it was crashed."""
    result: int = await job_step(run=count_attempts)
    return result


async def with_changing_call(effects: str) -> str:
    """Makes a call whose argument is another on each attempt, and so its key."""
    told = await notify_in_place(effects)
    return str(told["to"])


async def notify_in_place(effects: str) -> dict[str, str]:
    """The call."""
    result: dict[str, str] = await toolbox.crs.notify(to=f"process {os.getpid()}", text="", effects=effects)
    return result


@create_job(name="crs-changing-key", durable=True)
async def changing_key(event: Event) -> str:
    """A step whose call in place has another key each time."""
    await job_step(run=with_changing_call, input=event.effects)
    return "done"


class Opened(dict[str, str]):
    """A result that JSON can hold and pickle cannot."""

    def __reduce__(self) -> Any:
        raise TypeError("not to be pickled")


async def open_it() -> dict[str, str]:
    """Gives one."""
    return Opened(name="lock")


@create_job(name="crs-unsendable", durable=True)
async def unsendable(event: Event) -> str:
    """A step with such a result."""
    return str((await job_step(run=open_it))["name"])


def leave() -> None:
    """End the process."""
    print("last words", flush=True)
    os._exit(3)


@create_job(name="crs-exits", durable=True)
async def exits(event: Event) -> None:
    """A step that ends its worker."""
    await job_step(run=leave)


async def block(effects: str) -> None:
    """Stop the event loop for longer than anybody waits."""
    effect(effects)
    time.sleep(600)  # noqa: ASYNC251  that is the point


@create_job(name="crs-blocks", durable=True)
async def blocks(event: Event) -> None:
    """A step that cannot be cancelled."""
    await job_step(run=block, input=event.effects)


async def wait() -> None:
    """Takes longer than anybody waits."""
    print("waiting")
    await asyncio.sleep(3600)


@create_job(name="crs-waits", durable=True)
async def waits(event: Event) -> None:
    """A run that does not end."""
    await job_step(run=wait)


def unpack(item: Item) -> str:
    time.sleep(0.5)  # long enough that a run which waits for it might be taken for one that is asleep
    return effect(item.effects)


@create_job(name="crs-child", durable=True)
async def child(event: Event) -> str:
    return await job_step(run=unpack, input={"name": "lamp", "effects": event.effects}, input_schema=Item)


@create_job(name="crs-sleepy-child", durable=True)
async def sleepy_child(event: Event) -> None:
    await sleep("30d")


@create_job(name="crs-with-timeout", durable=True, timeout="30d")
async def with_timeout(event: Event) -> list[str]:
    """A child that is waited for, then one that goes on by itself and sleeps beside a sleep."""
    done = await child.run({"effects": event.effects})
    await sleepy_child.start()
    await sleep("3d")
    return [done]


@step(local=True)
async def price(effects: str) -> str:
    """A local step."""
    return effect(effects)


@step(local=True)
def stock(effects: str) -> str:
    """A local step that is a `def`."""
    return effect(effects)


@create_job(name="crs-local", durable=True)
async def local(event: Event) -> list[Any]:
    """Two local steps, an ordinary one, and a local one."""
    item = {"name": "lamp", "effects": event.effects}
    done = [await price(event.effects), await stock(event.effects)]
    done.append(await job_step(run=reserve, input=item, input_schema=Item))
    return [*done, await price(event.effects)]
