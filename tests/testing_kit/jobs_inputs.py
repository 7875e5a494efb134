"""Jobs that ask people, for tests of the testing kit."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from terse_temporal import Event, InputOption, create_job, sleep, wait_for_input
from terse_temporal.inputs import InputQuestion, InputWay

OPTIONS = [InputOption("yes", "Yes", free_text=True), InputOption("no", "No")]


class Draft(BaseModel):
    """A form."""

    title: str
    count: int = 1


class Paging(InputWay):
    """A way that must not be used in a test."""

    number: str

    async def ask(self, question: InputQuestion) -> Any:
        raise ConnectionError(f"the pager {self.number} is real")

    async def remind(self, question: InputQuestion, sent: Any, number: int) -> None:
        raise ConnectionError("the pager is real")


@create_job(name="kit-ships", durable=True)
async def ships(event: Event) -> list[Any]:
    """Asks by a way, with reminders, within a month; then with a form."""
    answer = await wait_for_input(
        prompt="Ship the order 7?",
        options=OPTIONS,
        details={"amount": 7},
        via=Paging(number="112"),
        timeout="30d",
        on_timeout="no",
        remind_every="7d",
    )
    if answer.choice == "no":
        return [answer.choice, answer.respondent]
    await sleep("1d")
    draft = await wait_for_input(prompt="How?", schema=Draft)
    return [answer.choice, answer.text, answer.respondent, draft.data.title, draft.data.count]


@create_job(name="kit-asks-for-ever", durable=True)
async def asks_for_ever(event: Event) -> str | None:
    """Asks, and reminds, for as long as it takes."""
    return (await wait_for_input(prompt="Well?", options=OPTIONS, via=Paging(number="112"), remind_every="7d")).choice
