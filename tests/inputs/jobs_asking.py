"""Jobs that ask a person."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, field_validator
from temporalio import workflow

from terse_temporal import Event, InputOption, create_job, current_run, current_step, job_step, sleep, wait_for_input
from terse_temporal.errors import StepError
from terse_temporal.inputs import InputQuestion, InputWay
from tests.effects import record


class Size(Enum):
    """A choice."""

    SMALL = "small"
    LARGE = "large"


class Draft(BaseModel):
    """A form."""

    title: str = Field(min_length=3)
    count: int | None = Field(default=None, ge=1)
    size: Size = Size.SMALL
    labels: list[str] = []

    @field_validator("title")
    @classmethod
    def is_shouted(cls, value: str) -> str:
        if value == "raises":
            raise RuntimeError("a validator of somebody's")
        if value == "exits":
            raise SystemExit(3)
        return value.upper()


class Told(InputWay):
    """Writes whom it tells into the file of effects."""

    effects: str
    name: str = "a"
    fails: int = 0

    async def ask(self, question: InputQuestion) -> Any:
        step = current_step()
        if step.attempt <= self.fails:
            raise ConnectionError("nobody is there")
        assert (question.job, question.namespace) == (current_run().job, "default")
        assert question.id == current_run().id
        record(self.effects, f"{self.name} asks {question.number} {question.prompt} {step.idempotency_key}")
        return {"message": f"{self.name}-{question.number}"}

    async def remind(self, question: InputQuestion, sent: Any, number: int) -> None:
        record(self.effects, f"{self.name} reminds {sent['message']} {number}")

    async def close(self, question: InputQuestion, sent: Any, outcome: Mapping[str, Any]) -> None:
        said = " ".join(str(outcome.get(each)) for each in ("ended", "choice", "by"))
        record(self.effects, f"{self.name} closes {sent['message']} {said}")


class Mute(InputWay):
    """Only asks."""

    effects: str

    async def ask(self, question: InputQuestion) -> None:
        record(self.effects, f"mute asks {question.number}")


class Broken(InputWay):
    """Cannot ask."""

    async def ask(self, question: InputQuestion) -> None:
        raise PermissionError("not in that channel")


YES_NO = [InputOption("yes", "Yes", free_text=True), InputOption("no", "No", "Nothing happens")]


@create_job(name="asks", durable=True)
async def asks(event: Event) -> list[Any]:
    """Asks by two ways, and then by none."""
    answer = await wait_for_input(
        prompt="Ship it?",
        options=YES_NO,
        details={"zone": "B", "amount": 5},
        via=[Told(effects=event.effects), Told(effects=event.effects, name="b")],
        respond_by=event.get("respond_by"),
    )
    text = await wait_for_input(prompt="To whom?")
    assert text.choice is None
    by = answer.respondent
    names = [answer.respondent_name, text.respondent_name]
    return [answer.choice, answer.text, by, text.text, answer.answered_at.isoformat(), *names]


@create_job(name="asks-for-a-form", durable=True)
async def asks_for_a_form(event: Event) -> list[Any]:
    """Asks with a form."""
    answer = await wait_for_input(prompt="How?", schema=Draft)
    return [answer.data.title, answer.data.count, answer.data.size.value, answer.data.labels, answer.respondent]


@create_job(name="asks-in-time", durable=True)
async def asks_in_time(event: Event) -> list[Any]:
    """Asks with limits of time: one whose end counts as an answer, one that raises, one that is withdrawn."""
    first = await wait_for_input(
        prompt="One?",
        options=YES_NO,
        timeout="30d",
        on_timeout="no",
        remind_every="10d",
        via=Told(effects=event.effects),
    )
    try:
        await wait_for_input(prompt="Two?", options=YES_NO, timeout="1h", via=Mute(effects=event.effects))
    except TimeoutError as err:
        said = f"{type(err).__name__}: {err}"
    try:
        async with asyncio.timeout(3600):
            await wait_for_input(prompt="Three?", options=YES_NO, via=Told(effects=event.effects))
    except TimeoutError:
        pass
    return [first.choice, first.respondent, said]


@create_job(name="asks-for-a-year", durable=True)
async def asks_for_a_year(event: Event) -> str | None:
    """Asks for a year, and reminds each week."""
    answer = await wait_for_input(
        prompt="Renew?",
        options=YES_NO,
        remind_every="7d",
        timeout=event.get("timeout"),
        on_timeout="no" if event.get("timeout") else None,
        via=[Told(effects=event.effects), Mute(effects=event.effects)],
    )
    return answer.choice


@create_job(name="asks-in-vain", durable=True)
async def asks_in_vain(event: Event) -> list[Any]:
    """Asks by a way that does not work: alone, and beside one that does."""
    try:
        await wait_for_input(prompt="One?", via=Broken())
    except StepError as err:
        said = f"{err.error_type}: {err}"
    answer = await wait_for_input(prompt="Two?", via=[Broken(), Told(effects=event.effects)])
    return [said, answer.text]


@create_job(name="asks-many", durable=True)
async def asks_many(event: Event) -> list[str]:
    """Asks more at once than a memo has room for."""
    questions = [
        wait_for_input(prompt=f"{number} " + "x" * 3_500, details={"more": "y" * 4_000})
        for number in range(event.count)
    ]
    return [each.text for each in await asyncio.gather(*questions)]


@create_job(name="asks-again", durable=True)
async def asks_again(event: Event) -> list[str | None]:
    """Asks in each run of a chain, and has one open that nobody answers as it goes on."""
    open_ = asyncio.create_task(wait_for_input(prompt="Open?", via=Told(effects=event.effects)))
    answer = await wait_for_input(prompt="Go on?", options=YES_NO)
    assert not open_.done()
    found = [*event.get("found", []), answer.choice]
    if len(found) < 2:
        workflow.continue_as_new({**event, "found": found})
    return found


@create_job(name="asks-then-fails", durable=True)
async def asks_then_fails(event: Event) -> str | None:
    """Asks, sleeps, and asks once more."""
    first = await wait_for_input(prompt="One?", options=YES_NO, via=Told(effects=event.effects))
    await job_step(run=begun, input=event.effects)
    second = await wait_for_input(prompt="Two?", options=YES_NO, via=Told(effects=event.effects))
    await sleep("1m")
    return f"{first.choice} {second.choice}"


def begun(effects: str) -> None:
    record(effects, "begun")


@create_job(name="asks-then-declines", durable=True)
async def asks_then_declines(event: Event) -> str | None:
    """Asks, and fails in a step until a file is there."""
    answer = await wait_for_input(prompt="One?", options=YES_NO, via=Told(effects=event.effects))
    await job_step(run=declines, input=event.effects)
    return answer.choice


def declines(effects: str) -> None:
    record(effects, "tried")
    if not Path(effects).with_name("ok").exists():
        raise ValueError("not yet")


@create_job(name="asks-and-withdraws", durable=True)
async def asks_and_withdraws(event: Event) -> None:
    """Asks more than are shown, answers to none of which it waits for, and leaves one open."""
    await job_step(run=begun, input=event.effects)
    tasks = [asyncio.create_task(wait_for_input(prompt=f"{number}?", options=YES_NO)) for number in range(1, 31)]
    await tasks[0]
    for task in tasks[1:]:
        task.cancel()
    await asyncio.wait(tasks)
    tasks.append(asyncio.create_task(wait_for_input(prompt="31?")))
    await sleep("1s")
