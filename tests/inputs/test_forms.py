"""A pydantic model becomes a form, what is put into that becomes JSON, and every wrong field of it is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, create_model, field_validator, model_validator

from terse_temporal.errors import InputError
from terse_temporal.execution.input_requests import AnswerProblem
from terse_temporal.inputs import Form, FormField, LongText, read_form, submitted_data
from terse_temporal.inputs.answers import answer_check
from terse_temporal.inputs.forms import choice_text, form_beginning_with, form_schema, initial_values
from terse_temporal.serialization.serializer import shared_serializer


class Colour(Enum):
    """An enum whose title and docstring are not those of a field."""

    RED = "red"
    BLUE = "blue"


class Rank(IntEnum):
    """A choice of numbers."""

    LOW = 1
    HIGH = 2


class Everything(BaseModel):
    """What a form can have in it."""

    model_config = ConfigDict(title="All there is")

    text: str = Field(min_length=2, max_length=9, pattern="^[a-z]+$", description="A word.")
    note: LongText = "so\nso"
    essay: str = Field(default="", max_length=5_000)
    link: HttpUrl | None = None
    count: int = Field(ge=1, le=10)
    share: float | None = Field(default=None, gt=0, lt=1)
    amount: Decimal = Field(default=Decimal("1.50"), max_digits=8, decimal_places=2)
    is_paid: bool = Field(default=False, title="Paid?")
    is_sure: bool | None = None
    colour: Colour = Colour.RED
    rank: Rank | None = None
    kind: Literal["a", "b"]
    only: Literal["one"] = "one"
    either: Literal["x"] | None = None
    day: date
    at: datetime | None = None
    hour: time | None = None
    tags: list[str] = Field(default_factory=list, max_length=3)
    colours: list[Colour] = []
    renamed: str = Field(default="", alias="theName")


def form_of(model: Any) -> Form:
    return read_form(json.loads(json.dumps(form_schema(model, shared_serializer, "wait_for_input()"))))


def test_every_kind_of_field() -> None:
    """Kinds, limits, defaults, descriptions and labels are those of the model."""
    form = form_of(Everything)
    assert (form.title, form.description) == ("All there is", "What a form can have in it.")
    assert [(each.name, each.kind, each.required, each.nullable) for each in form.fields] == [
        ("text", "text", True, False),
        ("note", "long_text", False, False),
        ("essay", "long_text", False, False),
        ("link", "text", False, True),
        ("count", "integer", True, False),
        ("share", "number", False, True),
        ("amount", "number", False, False),
        ("is_paid", "yes_no", False, False),
        ("is_sure", "yes_no", False, True),
        ("colour", "choice", False, False),
        ("rank", "choice", False, True),
        ("kind", "choice", True, False),
        ("only", "choice", False, False),
        ("either", "choice", False, True),
        ("day", "date", True, False),
        ("at", "date_time", False, True),
        ("hour", "time", False, True),
        ("tags", "texts", False, False),
        ("colours", "choices", False, False),
        ("renamed", "text", False, False),
    ]
    by_name = {each.name: each for each in form.fields}
    assert by_name["text"] == FormField(
        "text", "Text", "text", description="A word.", min_length=2, max_length=9, pattern="^[a-z]+$"
    )
    share = by_name["share"]
    assert (share.minimum, share.exclusive_minimum, share.maximum, share.exclusive_maximum) == (0, True, 1, True)
    assert (by_name["count"].minimum, by_name["count"].exclusive_minimum) == (1, False)
    labels = [by_name[name].label for name in ("is_paid", "is_sure", "colour")]
    assert labels == ["Paid?", "Is sure", "Colour"]
    assert (by_name["colour"].choices, by_name["colour"].default, by_name["rank"].choices) == (
        ("red", "blue"),
        "red",
        (1, 2),
    )
    assert (by_name["tags"].max_length, by_name["colours"].choices) == (3, ("red", "blue"))
    assert by_name["note"].default == "so\nso"
    assert by_name["link"].format == "uri"


class Inner(BaseModel):
    """A part."""

    text: str = ""


#: Types that are made as the tests are collected, which no type checker follows.
model_of: Any = create_model


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (int, "give a pydantic model"),
        (Inner(), "give a pydantic model"),
        (model_of("Nothing"), "it has no fields"),
        (
            model_of("Nested", it=(Inner, ...), ok=(str, ...), one=(dict[str, str], ...)),
            "  it: it has fields itself",
        ),
        (model_of("Mapping", it=(dict[str, int], ...)), "  it: it has fields itself"),
        (model_of("Union", it=(int | str, ...)), "  it: it can be of several types"),
        (model_of("Lists", it=(list[int], ...)), "  it: it is a list of something else than texts"),
        (model_of("Plain", it=(Any, ...)), "  it: it has no such type"),
        (model_of("Bytes", it=(bytes, ...)), "  it: it is a text of the format 'binary'"),
        (model_of("Calls", it=(Callable[[], int], ...)), "has no JSON schema"),
        (model_of("Wide", **{f"f{n}": (str, "") for n in range(51)}), "it has 51 fields, and 50 is the most"),
        (model_of("Long", it=(Literal[tuple(map(str, range(101)))], ...)), "it has 101 values"),
    ],
)
def test_what_makes_no_form(model: Any, said: str) -> None:
    """It is refused when it is asked, with every field that is the matter, and what goes."""
    with pytest.raises(InputError) as caught:
        form_schema(model, shared_serializer, "wait_for_input()")
    assert said in str(caught.value)
    if "it has fields itself" in said and model.__name__ == "Nested":
        assert "  one: " in str(caught.value)
        assert "  ok: " not in str(caught.value)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object", "properties": []},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"$ref": "#/$defs/a"}}},
        {"type": "object", "properties": {"a": 7}},
        {"type": "object", "properties": {"a": {"enum": [{}]}}},
        {"type": "object", "properties": {"a": {"anyOf": [7, {"type": "null"}]}}},
        {"type": "object", "properties": {"a": {"type": "array", "items": [7]}}},
        {"type": "object", "properties": {"a": {"type": "string", "format": ["x"]}}},
        {"type": "object", "properties": {"a": {"type": ["string", "null"]}}},
    ],
)
def test_a_schema_of_anybodys(schema: Any) -> None:
    """One that describes no form is an error, and nothing else."""
    with pytest.raises(ValueError, match="field"):
        read_form(schema)


def test_what_a_browser_sends() -> None:
    """Texts become what JSON has for them; what is none of it stays as it is, for the model to refuse."""
    form = form_of(Everything)
    sent = {
        "text": ["word"],
        "note": ["a\r\nb"],
        "count": [" 7 "],
        "share": ["0.5"],
        "amount": ["2.50"],
        "is_paid": ["on"],
        "is_sure": ["false"],
        "colour": ["blue"],
        "rank": ["2"],
        "kind": ["b"],
        "day": ["2026-11-27"],
        "at": [""],
        "tags": [" one \r\n\r\ntwo"],
        "colours": ["red", "blue"],
        "renamed": ["R"],
        "unknown": ["x"],
    }
    data = submitted_data(form, sent)
    assert data == {
        "text": "word",
        "note": "a\nb",
        "link": None,
        "count": 7,
        "share": 0.5,
        "amount": "2.50",
        "is_paid": True,
        "is_sure": False,
        "colour": "blue",
        "rank": 2,
        "kind": "b",
        "either": None,
        "day": "2026-11-27",
        "at": None,
        "hour": None,
        "tags": ["one", "two"],
        "colours": ["red", "blue"],
        "renamed": "R",
    }
    read = shared_serializer.codec(Everything).load(data)
    assert (read.amount, read.share, read.rank, read.colours) == (
        Decimal("2.50"),
        0.5,
        Rank.HIGH,
        [Colour.RED, Colour.BLUE],
    )
    empty = submitted_data(form, {})
    assert (empty["is_paid"], empty["tags"], empty["is_sure"], empty["text"]) == (False, [], None, "")
    assert "count" not in empty
    assert submitted_data(form, {"count": ["many"], "rank": ["9"], "is_sure": ["maybe"]})["count"] == "many"


class Numbers(BaseModel):
    """Takes a number for a number."""

    model_config = ConfigDict(strict=True)

    share: float
    count: int
    amount: Decimal = Field(strict=False)


@pytest.mark.parametrize(
    ("typed", "share", "amount"),
    [
        ("2", 2, 2),
        ("2.50", 2.5, "2.50"),
        ("-.5e1", -5.0, "-.5e1"),
        ("0." + "1" * 30, 0.1111111111111111, "0." + "1" * 30),
        ("2,5", "2,5", "2,5"),
        ("1_000", "1_000", "1_000"),
        ("1e999", "1e999", "1e999"),
        ("nan", "nan", "nan"),
        ("9" * 5_000, "9" * 5_000, "9" * 5_000),
        ("٢", "٢", "٢"),
    ],
)
def test_numbers(typed: str, share: Any, amount: Any) -> None:
    """A number becomes one, a Decimal keeps its digits, and what is none stays what was typed."""
    form = read_form(form_schema(Numbers, shared_serializer, "c"))
    assert [each.exact for each in form.fields] == [False, False, True]
    data = submitted_data(form, {"share": [typed], "amount": [typed], "count": ["7"]})
    assert (data, type(data["share"])) == ({"share": share, "count": 7, "amount": amount}, type(share))
    if isinstance(share, float):
        read = shared_serializer.codec(Numbers).load(data)
        assert (read.share, read.amount) == (share, Decimal(typed))


class Drafted(BaseModel):
    """Some fields of `Everything`."""

    text: str
    amount: Decimal
    colour: Colour | None = None
    tags: list[str] = []


@pytest.mark.parametrize(
    "initial",
    [
        Drafted(text="word", amount=Decimal("2.50"), colour=Colour.BLUE, tags=["a"]),
        {"text": "word", "amount": "2.50", "colour": "blue", "tags": ["a"]},
    ],
)
def test_a_form_that_begins_with_values(initial: Any) -> None:
    """They stand in its fields and count where an answer leaves one out, as defaults do; other fields are as before."""
    empty = form_schema(Everything, shared_serializer, "wait_for_input()")
    values = initial_values(empty, initial, shared_serializer, "wait_for_input()")
    begun = read_form(form_beginning_with(empty, values))
    before = {each.name: each for each in read_form(empty).fields}
    for field in begun.fields:
        old = before[field.name]
        if field.name in values:
            assert field == replace(old, default=values[field.name], required=False)
        else:
            assert field == old
    assert [each.name for each in begun.fields if each.default == "word"] == ["text"]
    check = answer_check({"prompt": "?"}, shared_serializer.codec(Everything), values)
    check({"data": {"count": 1, "kind": "a", "day": "2026-11-27"}})
    with pytest.raises(AnswerProblem) as caught:
        check({"data": {"text": "WORD", "kind": "a", "day": "2026-11-27"}})
    assert sorted(caught.value.fields) == ["count", "text"]


@pytest.mark.parametrize(("value", "text"), [(True, "true"), (1, "1"), ("x", "x"), (0, "0"), (False, "false")])
def test_values_of_a_choice(value: Any, text: str) -> None:
    """Each is sent as a text of its own."""
    assert choice_text(value) == text


class Strict(BaseModel):
    """With validators of the user's own."""

    name: Annotated[str, Field(min_length=2)] = Field(alias="theName")
    age: int
    tags: list[str] = []

    @field_validator("age")
    @classmethod
    def not_thirteen(cls, value: int) -> int:
        if value == 13:
            raise ValueError("not that")
        if value == 14:
            raise RuntimeError("broken")
        return value

    @model_validator(mode="after")
    def not_both(self) -> Strict:
        if self.name == "Bob" and self.age == 7:
            raise ValueError("not Bob at seven")
        return self


def wrong(data: Any, **given: Any) -> AnswerProblem:
    codec = shared_serializer.codec(Strict)
    with pytest.raises(AnswerProblem) as caught:
        answer_check({"prompt": "?"}, codec)({"data": data, **given})
    return caught.value


def test_every_wrong_field() -> None:
    """Each is named as it is in the model, with why, and without what was given."""
    assert wrong({}).fields == {"name": "Field required", "age": "Field required"}
    assert set(wrong({"theName": "x", "age": "secret", "tags": [1, 2]}).fields) == {"name", "age", "tags.0", "tags.1"}
    assert "secret" not in wrong({"theName": "x", "age": "secret"}).message
    assert wrong({"name": "Ada", "age": 13}).fields == {"age": "Value error, not that"}
    assert list(wrong({"name": "Ada", "age": 14}).fields) == [""]
    assert wrong({"name": "Bob", "age": 7}).fields == {"": "Value error, not Bob at seven"}
    assert wrong({"name": "Ada", "age": 9}, text="x").message == "this question has a form, so an answer has no text"
    many = wrong({"name": "Ada", "age": 9, "tags": [7] * 400})
    assert len(many.fields) == 50
    assert "and 350 more" in many.message
    deep: Any = "x"
    for _ in range(100_000):
        deep = [deep]
    assert "not nested deep" in wrong({"name": deep}).message
    assert "64 KiB" in wrong({"name": "n" * 70_000, "age": 1}).message


def test_what_fits() -> None:
    """By either name of a field, and nothing is said."""
    check = answer_check({"prompt": "?"}, shared_serializer.codec(Strict))
    check({"data": {"name": "Ada", "age": 36}})
    check({"data": {"theName": "Ada", "age": "36"}, "by": "Grace"})
