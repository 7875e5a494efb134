"""A form is a modal that Slack takes, with every kind of field; what is put in comes back as the form's data."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, create_model

from terse_temporal.inputs import Form, InputOption, LongText, read_form
from terse_temporal.inputs.slack_way.modal import (
    ModalAbout,
    answer_view,
    block_of,
    fits_modal,
    notice_view,
    read_about,
    value_of,
)
from terse_temporal.inputs.slack_way.rich_text import texts
from terse_temporal.inputs.slack_way.submissions import modal_errors, submitted_form, submitted_text
from terse_temporal.serialization.serializer import shared_serializer

from .slack_limits import check_view
from .test_slack_message import HOSTILE, question

LONG_VALUE = "v" * 100


class Size(Enum):
    SMALL = "small"
    LARGE = LONG_VALUE


class Everything(BaseModel):
    """Every kind of field."""

    title: Annotated[str, Field(min_length=2, max_length=20)]
    note: LongText = ""
    mail: Annotated[str, Field(json_schema_extra={"format": "email"})] = "ada@acme.example"
    count: Annotated[int, Field(gt=0, lt=10)] = 3
    rate: float = 1e-07
    price: Decimal = Decimal("12.50")
    sure: bool = True
    agreed: bool
    maybe: bool | None = None
    size: Size = Size.SMALL
    color: Literal["red", "blue"] | None = None
    labels: list[Literal["a", "b", "c"]] = ["a"]
    names: list[str] = ["Ada", "Bob"]
    on: dt.date | None = dt.date(2026, 12, 1)
    at: dt.time = dt.time(9, 30)
    when: dt.datetime | None = dt.datetime(2026, 12, 1, 9, 30, tzinfo=dt.UTC)


FORM = Everything.model_json_schema()

#: What a person leaves as it is, as Slack sends it.
AS_IT_WAS: dict[str, dict[str, Any]] = {
    "title": {"type": "plain_text_input", "value": "Hammer"},
    "note": {"type": "plain_text_input", "value": None},
    "mail": {"type": "email_text_input", "value": "ada@acme.example"},
    "count": {"type": "number_input", "value": "3"},
    "rate": {"type": "number_input", "value": "0.0000001"},
    "price": {"type": "number_input", "value": "12.50"},
    "sure": {"type": "radio_buttons", "selected_option": {"value": "true"}},
    "agreed": {"type": "radio_buttons", "selected_option": {"value": "false"}},
    "maybe": {"type": "radio_buttons", "selected_option": None},
    "size": {"type": "static_select", "selected_option": {"value": value_of(LONG_VALUE)}},
    "color": {"type": "static_select", "selected_option": {"value": value_of("blue")}},
    "labels": {"type": "multi_static_select", "selected_options": [{"value": "a"}, {"value": "c"}]},
    "names": {"type": "plain_text_input", "value": "Ada\n\n Eve "},
    "on": {"type": "datepicker", "selected_date": "2026-12-24"},
    "at": {"type": "timepicker", "selected_time": "10:15"},
    "when": {"type": "datetimepicker", "selected_date_time": 1796117400},
}


def state(**changed: Any) -> dict[str, Any]:
    return {"values": {block_of(name): {"value": each} for name, each in (AS_IT_WAS | changed).items()}}


def elements(view: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The inputs, by the fields."""
    return {each["block_id"].removeprefix("field:"): each for each in view["blocks"] if each["type"] == "input"}


def test_every_kind_of_field() -> None:
    """Each field is an input of its kind with its limits, and begins with its default."""
    view = answer_view(question(form=FORM), ModalAbout("token"))
    check_view(view)
    found = {name: each["element"] for name, each in elements(view).items()}
    assert list(found) == list(Everything.model_fields)
    kinds = {name: each["type"] for name, each in found.items()}
    assert kinds["title"] == kinds["note"] == kinds["names"] == "plain_text_input"
    assert (found["title"]["multiline"], found["note"]["multiline"], found["names"]["multiline"]) == (False, True, True)
    assert (found["title"]["min_length"], found["title"]["max_length"]) == (2, 20)
    assert (found["count"]["min_value"], found["count"]["max_value"], found["count"]["initial_value"]) == (
        "1",
        "9",
        "3",
    )
    assert found["rate"]["initial_value"] == "0.0000001"
    assert found["price"]["initial_value"] == "12.50"
    assert found["sure"]["initial_option"]["value"] == "true"
    assert "initial_option" not in found["agreed"]
    assert len(found["maybe"]["options"]) == 3
    assert found["size"]["initial_option"]["value"] == "small"
    assert found["color"]["options"][0]["value"] == "(none)"
    assert [each["value"] for each in found["labels"]["initial_options"]] == ["a"]
    assert found["names"]["initial_value"] == "Ada\nBob"
    assert (found["on"]["initial_date"], found["at"]["initial_time"]) == ("2026-12-01", "09:30")
    assert found["when"]["initial_date_time"] == 1796117400
    needed = {name for name, each in elements(view).items() if not each["optional"]}
    assert needed == {"title", "agreed"}


def test_what_was_put_in() -> None:
    """It is what the model takes, with the digits that were typed; what was emptied is empty and no default."""
    data = submitted_form(read_form(FORM), state())
    read = Everything.model_validate(data)
    assert read.price == Decimal("12.50")
    assert str(data["price"]) == "12.50"
    assert (read.title, read.note, read.count, read.rate) == ("Hammer", "", 3, 1e-07)
    assert (read.sure, read.agreed, read.maybe) == (True, False, None)
    assert (read.size, read.color, read.labels, read.names) == (Size.LARGE, "blue", ["a", "c"], ["Ada", "Eve"])
    assert (read.on, read.at) == (dt.date(2026, 12, 24), dt.time(10, 15))
    assert read.when == dt.datetime(2026, 12, 1, 9, 30, tzinfo=dt.UTC)
    nothing: dict[str, Any] = {
        "value": None,
        "selected_option": {"value": "(none)"},
        "selected_options": [],
        "selected_date": None,
    }
    emptied = submitted_form(
        read_form(FORM), state(mail=nothing, color=nothing, labels=nothing, names=nothing, on=nothing)
    )
    assert [emptied[name] for name in ("mail", "color", "labels", "names", "on")] == ["", None, [], [], None]
    # Where nothing may be, it is refused.
    emptied = submitted_form(read_form(FORM), state(count=nothing, rate=nothing, at={"selected_time": None}))
    refused = shared_serializer.codec(Everything).wrong_fields(emptied)
    assert sorted(path for path, _ in refused) == ["at", "count", "rate"]


def test_as_many_fields_and_choices_as_there_may_be() -> None:
    """The largest form is taken, with names, choices and texts of any length and kind."""
    choices = (*(f"{number} {HOSTILE}" for number in range(98)), "(none)", "x" * 76)
    literal: Any = Literal
    choice: Any = literal[choices]
    fields: dict[str, Any] = {f"f{number}_" + "x" * 300: (str, Field(description=HOSTILE * 9)) for number in range(48)}
    model = create_model("Large", __doc__=HOSTILE * 60, one=(choice | None, None), many=(list[choice], []), **fields)
    asked = question(prompt=HOSTILE * 60, form=model.model_json_schema())
    check_view(answer_view(asked, ModalAbout("t" * 2_000, "o" * 100)))
    form = read_form(model.model_json_schema())
    for each in choices:
        given = {"values": {block_of("one"): {"value": {"selected_option": {"value": value_of(each)}}}}}
        assert submitted_form(form, given)["one"] == each
    assert (
        submitted_form(form, {"values": {block_of(list(fields)[5]): {"value": {"value": "x"}}}})[list(fields)[5]] == "x"
    )


def test_a_form_of_anybodys_making() -> None:
    """What stands in a memo may be anything that JSON can say: there comes a modal of it, or a `ValueError`."""
    number: dict[str, Any] = {"type": "number", "minimum": float("-inf"), "maximum": 1e308, "default": "1e999999999"}
    whole: dict[str, Any] = {"type": "integer", "minimum": 1e300, "exclusiveMaximum": float("nan"), "default": 10**400}
    odd = {
        "\ud800": {"type": "string", "default": "\ud800", "title": "\ud800"},
        "n": number,
        "w": whole,
        "d": {"type": "string", "format": "date-time", "default": "0001-01-01T00:00:00+14:00"},
        "t": {"type": "string", "format": "time", "default": 5},
        "y": {"type": "boolean", "default": "yes"},
        "c": {"enum": ["a", "\ud800", 1, True, 2.5], "default": ["a"]},
        "l": {"type": "array", "items": {"type": "string"}, "default": [1, None], "maxItems": 0, "minItems": -1},
        "s": {"type": "string", "maxLength": 0, "default": "long"},
    }
    view = answer_view(question(form={"type": "object", "properties": odd}), ModalAbout("token"))
    json.dumps(view).encode()
    assert "initial_value" not in elements(view)["n"]["element"]
    assert "initial_date_time" not in elements(view)["d"]["element"]
    for form in ({}, {"type": "object", "properties": {"a": {"type": "string", "minLength": 10**9}}}):
        with pytest.raises(ValueError):
            answer_view(question(form=form), ModalAbout("token"))


def test_a_text() -> None:
    """Without a form there is one text: the answer itself, or what goes with an option, and that may be empty."""
    asked = question(options=(InputOption("no", "No, because of something else", free_text=True),))
    view = answer_view(asked, ModalAbout("token", "no"))
    check_view(view)
    assert (view["submit"]["text"], view["blocks"][-1]["optional"]) == ("No, because of somethin…", True)
    assert read_about(view["private_metadata"]) == ModalAbout("token", "no")
    view = answer_view(question(), ModalAbout("token"))
    check_view(view)
    assert view["blocks"][-1]["optional"] is False
    assert read_about(view["private_metadata"]) == ModalAbout("token", None)
    assert submitted_text({"values": {"text": {"value": {"value": "because"}}}}) == "because"
    check_view(notice_view(HOSTILE, texts(HOSTILE, 100)))


def test_mistakes_stand_beside_their_fields() -> None:
    """What is wrong with a field stands there, with an entry of a list at the list; what has no place, at the first."""
    form = read_form(FORM)
    blocks = answer_view(question(form=FORM), ModalAbout("token"))["blocks"]
    errors = modal_errors({"title": "too short", "names.1": "no name", "": "not together"}, "wrong", form, blocks)
    assert errors == {"field:title": "too short; not together", "field:names": "no name"}
    assert modal_errors({}, "Temporal is away", form, blocks) == {"field:title": "Temporal is away"}
    text = answer_view(question(), ModalAbout("token"))["blocks"]
    assert modal_errors({"text": "write something"}, "wrong", None, text) == {"text": "write something"}
    assert modal_errors({"choice": "x"}, "wrong", None, text) == {"text": "x"}


@pytest.mark.parametrize(
    "given",
    [
        None,
        [],
        {"values": []},
        {"values": {"field:title": []}},
        {"values": {"field:title": {"value": {"value": {}}}, "field:when": {"value": {"selected_date_time": 10**30}}}},
        {"values": {"field:labels": {"value": {"selected_options": [1, {"value": 2}, {"value": "zzz"}]}}}},
    ],
)
def test_what_no_modal_sends(given: Any) -> None:
    """What is none of what Slack sends is read as nothing, or goes on as it is, and never fails."""
    data = submitted_form(read_form(FORM), given)
    with pytest.raises(ValueError):
        Everything.model_validate(data)
    assert submitted_text(given) == ""


@pytest.mark.parametrize("given", [None, 5, "", "{", "[]", '["t"]', '["t", 1]', '{"a": 1}', "[" * 100_000])
def test_what_a_modal_of_another_is_about(given: Any) -> None:
    """A modal that is none of ours is about nothing."""
    assert read_about(given) is None


def test_what_a_modal_would_cut() -> None:
    """A form with a draft, or with texts that have to be longer, does not fit; nor does what is no form."""
    assert fits_modal(question(form=FORM))
    for field in (Field(default="x" * 3_001), Field(min_length=3_001)):
        model = create_model("Draft", body=(str, field))
        assert not fits_modal(question(form=model.model_json_schema()))
    assert not fits_modal(question(form={"type": "object"}))
    assert isinstance(read_form(FORM), Form)
