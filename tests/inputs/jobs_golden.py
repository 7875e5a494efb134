"""A job that asks people in every way, whose history is kept and replayed by every later change.

Do not change what it does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from terse_temporal import Event, InputOption, create_job, inputs, sleep, wait_for_input
from terse_temporal.inputs import InputQuestion, InputWay


class Draft(BaseModel):
    """A form."""

    title: str
    tags: list[str] = []


class GoldenWay(InputWay):
    """Asks, reminds and says that it is over."""

    to: str

    async def ask(self, question: InputQuestion) -> Any:
        return {"message": f"{self.to}-{question.number}"}

    async def remind(self, question: InputQuestion, sent: Any, number: int) -> None:
        pass

    async def close(self, question: InputQuestion, sent: Any, outcome: Mapping[str, Any]) -> None:
        pass


class GoldenMute(InputWay):
    """Asks alone."""

    async def ask(self, question: InputQuestion) -> None:
        pass


OPTIONS = [InputOption("yes", "Yes", free_text=True), InputOption("no", "No", "Nothing happens")]


@create_job(name="golden-inputs", durable=True)
async def golden_inputs(event: Event) -> list[Any]:
    """Time is up after reminders, an answer with a text, a form, a text, and a question that is withdrawn."""
    late = await wait_for_input(
        prompt="One?",
        options=OPTIONS,
        via=[GoldenWay(to="ada"), GoldenMute()],
        timeout="30d",
        on_timeout="no",
        remind_every="10d",
    )
    answered = await wait_for_input(prompt="Two?", options=OPTIONS, via=GoldenWay(to="bob"), details={"b": 1, "a": [2]})
    draft = await wait_for_input(prompt="Three?", schema=Draft, respond_by=["Ada"])
    text = await wait_for_input(prompt="Four?")
    withdrawn = asyncio.create_task(wait_for_input(prompt="Five?", via=GoldenWay(to="eve")))
    await sleep("1h")
    withdrawn.cancel()
    return [late.choice, answered.choice, answered.text, draft.data.tags, draft.respondent, text.text]


@create_job(name="golden-default", durable=True)
async def golden_default(event: Event) -> list[str]:
    """Asks by the way of the worker, by one of this package, and by that of the worker once more."""
    one = await wait_for_input(prompt="One?")
    two = await wait_for_input(prompt="Two?", via=[inputs.webpage()])
    three = await wait_for_input(prompt="Three?")
    return [one.text, two.text, three.text]
