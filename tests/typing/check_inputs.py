"""What type checkers make of `wait_for_input`. Checked by mypy (tests/test_typing.py), and never run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, assert_type

from pydantic import BaseModel

from terse_temporal import InputAnswer, InputOption, wait_for_input
from terse_temporal.inputs import InputQuestion, InputWay, LongText


class Draft(BaseModel):
    title: str
    body: LongText = ""


class Pager(InputWay):
    number: str

    async def ask(self, question: InputQuestion) -> str:
        assert_type(question.options, tuple[InputOption, ...])
        assert_type(question.until, datetime | None)
        return question.prompt

    async def close(self, question: InputQuestion, sent: Any, outcome: Mapping[str, Any]) -> None: ...


async def asks() -> None:
    chosen = await wait_for_input(
        prompt="Ship it?",
        options=[InputOption("yes", "Yes"), InputOption(id="no", label="No", description="Stop.", free_text=True)],
        details={"amount": 5},
        via=Pager(number="112"),
        timeout="2d",
        on_timeout="no",
        remind_every=timedelta(hours=1),
        respond_by=["ada@example.com"],
    )
    assert_type(chosen, InputAnswer[None])
    assert_type(chosen.choice, str | None)
    assert_type(chosen.text, str)
    assert_type(chosen.data, None)
    assert_type(chosen.respondent, str | None)
    assert_type(chosen.answered_at, datetime)
    filled = await wait_for_input(prompt="How?", schema=Draft, via=[Pager(number="1"), Pager(number="2")])
    assert_type(filled.data, Draft)
    begun = await wait_for_input(prompt="How?", schema=Draft, initial=Draft(title="a"))
    assert_type(begun.data, Draft)
    await wait_for_input(prompt="How?", schema=Draft, initial={"title": "a"})
    assert_type(filled.data.body, str)
    assert_type(await wait_for_input(prompt="Who?"), InputAnswer[None])


async def mistakes() -> None:
    await wait_for_input()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    await wait_for_input(prompt="?", schema=int)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await wait_for_input(prompt="?", schema=Draft, options=[])  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    await wait_for_input(prompt="?", initial={"title": "a"})  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    await wait_for_input(prompt="?", options=["yes"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    await wait_for_input(prompt="?", via="slack")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Pager()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
