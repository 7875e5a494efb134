"""What is wrong with a form is said in words for whoever fills it in, whatever pydantic calls it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from enum import Enum
from typing import Literal

import pytest
from pydantic import AwareDatetime, BaseModel, Field, field_validator

from terse_temporal.gateway.inputs.typed import answer_of
from terse_temporal.inputs import InputOption, InputQuestion
from terse_temporal.inputs.mistakes import plain_mistakes
from terse_temporal.serialization.codec import Codec
from terse_temporal.serialization.serializer import shared_serializer


class Size(Enum):
    """A choice."""

    SMALL = "small"


class Order(BaseModel):
    """A form."""

    name: str
    title: str = Field(default="", min_length=3)
    count: int = Field(default=5, ge=1)
    price: Decimal = Field(default=Decimal(1), decimal_places=2)
    ratio: float = 1.0
    size: Size
    level: Literal[1, 2] = 1
    tags: list[str] = Field(default=[], max_length=1)
    day: dt.date
    at: dt.time = dt.time(8)
    moment: AwareDatetime | None = None
    agreed: bool | None = None

    @field_validator("title")
    @classmethod
    def is_no_shout(cls, value: str) -> str:
        if value.isupper():
            raise ValueError("do not shout")
        return value


_CODEC: Codec = shared_serializer.codec(Order)
_QUESTION = InputQuestion(id="a", run="b", number="1", form=_CODEC.json_schema())


def _said(**typed: str) -> dict[str, str]:
    """What the page says of what was typed: nothing of what is right."""
    whole = {"name": "Ada", "size": "small", "day": "2026-11-27", **typed}
    data = answer_of(_QUESTION, {name: [text] for name, text in whole.items()})["data"]
    return plain_mistakes(_QUESTION, dict(_CODEC.wrong_fields(data)))


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("name", " ", "Fill this in."),
        ("title", "SHOUT", "do not shout"),
        ("title", "ab", "This should have at least 3 characters"),
        ("count", "many", "Write a whole number, such as 12."),
        ("count", "1.5", "Write a whole number, such as 12."),
        ("count", "0", "This should be greater than or equal to 1"),
        ("count", "", "Write a whole number, such as 12."),
        ("price", "much", "Write a number, such as 12.5."),
        ("price", "1.234", "This should have no more than 2 decimal places"),
        ("ratio", "half", "Write a number, such as 12.5."),
        ("size", "", "Choose one of these."),
        ("size", "huge", "Choose one of these."),
        ("level", "3", "Choose one of these."),
        ("day", "", "Write a date, such as 2026-11-27."),
        ("day", "soon", "Write a date, such as 2026-11-27."),
        ("at", "noon", "Write a time, such as 14:30."),
        ("at", "", "Write a time, such as 14:30."),
        ("moment", "2026-11-27T10:00", "Add the offset of the time zone, as in 2026-11-27T14:30+01:00."),
        ("moment", "now", "Write a date and a time, such as 2026-11-27T14:30."),
        ("agreed", "maybe", "Choose yes or no."),
    ],
)
def test_in_plain_words(field: str, typed: str, said: str) -> None:
    assert _said(**{field: typed}) == {field: said}


def test_of_a_list() -> None:
    assert _said(tags="a\nb") == {"tags": "This should have at most 1 item after validation, not 2"}


def test_nothing_is_wrong() -> None:
    """A field that may be empty may be, and what cannot be read stays as it is said."""
    assert _said(moment="", agreed="", title="") == {}
    for question in (
        _QUESTION,
        replace(_QUESTION, form={"type": "object"}),  # of anybody's making
        replace(_QUESTION, form={}, options=(InputOption("a", "A"),)),
    ):
        said = {"": "they do not fit together", "other": "Field required"}
        assert plain_mistakes(question, said) == said
