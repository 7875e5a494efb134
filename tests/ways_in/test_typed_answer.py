"""An answer is typed line by line: what cannot be meant is asked again, and what was refused too, alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from terse_temporal.cli.typed_answer import TypedAnswer
from terse_temporal.inputs import InputOption, InputQuestion, LongText
from terse_temporal.inputs.forms import form_schema
from terse_temporal.serialization.serializer import shared_serializer


class Draft(BaseModel):
    """A form with a field of every kind that is typed in its own way."""

    title: str
    note: LongText = ""
    count: int | None = 3
    price: float = Field(description="In EUR")
    urgent: bool
    size: Literal["small", "large"] = "small"
    colours: list[Literal["red", "green"]] = ["red"]
    labels: list[str] = []
    day: date | None = None


def question(*, schema: Any = None, options: Sequence[InputOption] = ()) -> InputQuestion:
    form = None if schema is None else form_schema(schema, shared_serializer, "a test")
    return InputQuestion(id="a", run="r", number="1", prompt="?", form=form, options=tuple(options))


class Typist:
    """Types line after line, and keeps what was shown."""

    def __init__(self, *lines: str) -> None:
        self._lines = list(lines)
        self.shown: list[str] = []

    async def read(self, prompt: str) -> str:
        self.shown.append(prompt)
        return self._lines.pop(0)

    def types(self, *lines: str) -> None:
        self._lines += lines

    def answer(self, asked: InputQuestion) -> TypedAnswer:
        return TypedAnswer(asked, self.read, self.shown.append)

    @property
    def is_done(self) -> bool:
        return not self._lines


OPTIONS = [InputOption("yes", "Yes, ship", "At once\x1b[2J"), InputOption("no", "No", free_text=True)]


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        (["1"], {"choice": "yes", "text": ""}),
        (["", "3", "yes, SHIP"], {"choice": "yes", "text": ""}),
        (["no", " too late "], {"choice": "no", "text": "too late"}),
        (["2", ""], {"choice": "no", "text": ""}),
    ],
    ids=["number", "label", "id", "without-text"],
)
async def test_options(typed: list[str], answer: dict[str, Any]) -> None:
    """By number, id or label; a text goes along where one may."""
    typist = Typist(*typed)
    assert await typist.answer(question(options=OPTIONS)).ask() == answer
    assert typist.is_done
    assert typist.shown[:2] == ["  1  Yes, ship: At once\\x1b[2J", "  2  No"]


async def test_a_text() -> None:
    """It is not empty."""
    typist = Typist(" ", "Ada")
    assert await typist.answer(question()).ask() == {"text": "Ada"}


async def test_every_kind_of_field() -> None:
    """Each as it is typed; numbers and what is chosen become what the form has."""
    typist = Typist(
        "", "T", "one", "two", "", "5", "9.50", "perhaps", "y", "7", "2", "1, 2", "a", "b, c", "", "2026-11-27"
    )  # fmt: skip
    data = (await typist.answer(question(schema=Draft)).ask())["data"]
    assert typist.is_done
    assert data == {
        "title": "T",
        "note": "one\ntwo",
        "count": 5,
        "price": 9.5,
        "urgent": True,
        "size": "large",
        "colours": ["red", "green"],
        "labels": ["a", "b, c"],
        "day": "2026-11-27",
    }
    assert Draft.model_validate(data).colours == ["red", "green"]
    assert "  it has to be given" in typist.shown
    assert "  In EUR" in typist.shown
    assert "  type y or n" in typist.shown
    assert "  type a number from 1 to 2" in typist.shown


async def test_what_a_form_begins_with() -> None:
    """Enter takes the default, and a hyphen takes it away where there may be nothing."""
    typist = Typist("T", "", "-", "1", "n", "", "", "", "")
    data = (await typist.answer(question(schema=Draft)).ask())["data"]
    made = Draft.model_validate(data)
    assert (made.count, made.size, made.colours, made.labels, made.day) == (None, "small", ["red"], [], None)
    typist = Typist("T", "", "", "1", "n", "", "", "", "")
    assert Draft.model_validate((await typist.answer(question(schema=Draft)).ask())["data"]).count == 3


async def test_mistakes() -> None:
    """Of a form that was refused the wrong fields are asked again, with what is wrong; the others stay."""
    typist = Typist("T", "", "x", "1", "n", "", "", "a", "", "")
    answer = typist.answer(question(schema=Draft))
    await answer.ask()
    del typist.shown[:]
    typist.types("4", "b", "")
    data = (await answer.ask({"count": "Write a whole number.", "labels.0": "too short"}))["data"]
    assert (data["title"], data["count"], data["labels"]) == ("T", 4, ["b"])
    assert typist.shown[0] == "  Count: Write a whole number."
    assert len(typist.shown) == 5


async def test_a_hostile_form() -> None:
    """What stands in a memo is anybody's writing, and is shown as text in a line of its own."""
    bad = "a\x1b[2J\nb\ud800\u202e"
    field = {"type": "string", "title": bad, "description": bad, "default": bad, "enum": [bad, "ok"]}
    form = {"type": "object", "properties": {bad: field, "n": {"type": "number", "minimum": float("-inf")}}}
    typist = Typist("2", "1")
    data = (await typist.answer(InputQuestion(id="a", run="r", number="1", form=form)).ask())["data"]
    assert data == {bad: "ok", "n": 1}
    assert not {"\x1b", "\n", "\ud800", "\u202e"} & set("".join(typist.shown))
