"""Jobs that ask in ways that few do."""

from __future__ import annotations

import asyncio
import os
import random
import time
import uuid
from typing import Any

from pydantic import BaseModel, Field, field_validator

from terse_temporal import Event, create_job, current_step, job_step, sleep, wait_for_input
from terse_temporal.errors import StepError
from terse_temporal.inputs import InputQuestion, InputWay
from tests.effects import record

from .jobs_asking import YES_NO, Told

#: Of the environment: whether texts are refused, as by newer code.
STRICT = "TESTS_STRICT_ANSWERS"


class Ticket(BaseModel):
    """Has fields of which it makes the values, and a validator that makes another."""

    id: uuid.UUID = Field(default_factory=uuid.uuid4)
    made: float = Field(default_factory=time.time)
    title: str

    @field_validator("title")
    @classmethod
    def is_numbered(cls, value: str) -> str:
        return f"{value} {random.randrange(10**9)}"


class Fickle(BaseModel):
    """A form whose validator is another with newer code."""

    title: str

    @field_validator("title")
    @classmethod
    def is_fine(cls, value: str) -> str:
        if os.environ.get(STRICT) == "1":
            raise ValueError("not any more")
        return value


class Unrecordable(InputWay):
    """Asks, and returns what no history can hold."""

    effects: str
    size: int = 0

    async def ask(self, question: InputQuestion) -> Any:
        record(self.effects, f"asks, attempt {current_step().attempt}")
        return "x" * self.size if self.size else object()


class Slow(Told):
    """Takes its time to say that a question is over."""

    async def close(self, question: InputQuestion, sent: Any, outcome: Any) -> None:
        await asyncio.sleep(1.5)
        await super().close(question, sent, outcome)


async def same(value: Any) -> Any:
    return value


@create_job(name="asks-for-a-ticket", durable=True)
async def asks_for_a_ticket(event: Event) -> list[Any]:
    """Makes ids before and after it asks."""
    before = uuid.uuid4().hex
    answer = await wait_for_input(prompt="What?", schema=Ticket)
    made = [before, uuid.uuid4().hex, random.random(), answer.data.id.hex, answer.data.made, answer.data.title]
    kept = await job_step(run=same, input=made)
    await sleep("1s")
    return [kept, made]


@create_job(name="asks-fickle", durable=True)
async def asks_fickle(event: Event) -> list[str]:
    """Asks twice, by a form and for a text."""
    first = await wait_for_input(prompt="One?", schema=Fickle, via=Told(effects=event.effects))
    second = await wait_for_input(prompt="Two?")
    await sleep("1s")
    return [first.data.title if os.environ.get(STRICT) != "1" else "", second.text]


@create_job(name="asks-unrecordably", durable=True)
async def asks_unrecordably(event: Event) -> list[str]:
    """Asks by a way whose `ask` returns an object, and by one that returns too much."""
    found = []
    for size in (0, 70_000):
        try:
            await wait_for_input(prompt="Who?", via=Unrecordable(effects=event.effects, size=size))
        except StepError as err:
            found.append(f"{type(err).__name__}: {err}")
    return found


@create_job(name="asks-late", durable=True)
async def asks_late(event: Event) -> str | None:
    """Ends while a task of it is about to ask, and those who were asked are told."""

    async def asks_too() -> None:
        await sleep("500ms")
        await wait_for_input(prompt="Anybody?", via=Told(effects=event.effects, name="late"))

    task = asyncio.create_task(asks_too())
    answer = await wait_for_input(prompt="One?", options=YES_NO, via=Slow(effects=event.effects))
    assert not task.done()
    return answer.choice


@create_job(name="asks-much", durable=True)
async def asks_much(event: Event) -> list[str]:
    """Asks many long questions at once, and waits for two answers."""
    asks = [wait_for_input(prompt=f"{n}?", details={"more": "y" * 15_000}) for n in range(event.count)]
    tasks = [asyncio.create_task(each) for each in asks]
    return [(await tasks[0]).text, (await tasks[-1]).text]
