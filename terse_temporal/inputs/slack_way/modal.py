"""The dialog in which a text is written or a form is filled in: a modal, with an input for each field."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from typing import Any, Final

from ...serialization.wire_names import SLACK_ANSWER_VIEW
from ..forms import Form, FormField, choice_text, read_form
from ..questions import InputQuestion
from . import rich_text as rich

__all__ = [
    "INPUT_ACTION",
    "NOT_CHOSEN",
    "TEXT_BLOCK",
    "ModalAbout",
    "answer_view",
    "block_of",
    "fits_modal",
    "notice_view",
    "read_about",
    "value_of",
]

#: What the inputs of a modal are called, each in a block of its own; and the block of a text that is no field.
INPUT_ACTION: Final = "value"
TEXT_BLOCK: Final = "text"

#: What is chosen where nothing is: a menu that had a choice cannot be emptied again.
NOT_CHOSEN: Final = "(none)"

#: Characters that Slack takes: of a title or button, of what is written, of the id of a block, of an entry and its
#: value, of a label.
_LONGEST_TITLE: Final = 24
_LONGEST_TEXT: Final = 3_000
_LONGEST_ID: Final = 200
_LONGEST_ENTRY: Final = 75
_LONGEST_LABEL: Final = 2_000

#: Characters that are shown of the prompt and of a note, above the inputs.
_LONGEST_SHOWN: Final = 3_000

#: Digits of a number in front of the point, and zeros behind it.
_MOST_DIGITS: Final = 30

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_TIME: Final = re.compile(r"\d\d:\d\d")


@dataclass(frozen=True, slots=True)
class ModalAbout:
    """What a modal is about. It travels with it, as `private_metadata`.

    Attributes:
        token: of the question.
        choice: the option whose text is written; `None` of a form, or a text that is the answer.
    """

    token: str
    choice: str | None = None


def read_about(text: Any) -> ModalAbout | None:
    """Return what a modal is about; `None` for what none of ours has."""
    try:
        token, choice = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None
    is_ours = isinstance(token, str) and isinstance(choice, str | None)
    return ModalAbout(token, choice) if is_ours else None


def fits_modal(question: InputQuestion) -> bool:
    """Return whether a modal can hold all of a question: Slack's inputs take 3,000 characters, and a draft has more.

    Cut, it would be sent back cut.
    """
    if question.form is None:
        return True
    try:
        form = read_form(question.form)
    except ValueError:
        return False
    return all(
        len(_prefilled(each)) <= _LONGEST_TEXT and (each.min_length or 0) <= _LONGEST_TEXT for each in form.fields
    )


def answer_view(question: InputQuestion, about: ModalAbout) -> dict[str, Any]:
    """Return the modal.

    Args:
        question: what is asked, in full.
        about: which question and option it is about.

    Raises:
        ValueError: the question has a form that is none, or does not fit.
    """
    if not fits_modal(question):
        raise ValueError("its form does not fit a modal")
    option = next((each for each in question.options if each.id == about.choice), None)
    if question.form is not None:
        form = read_form(question.form)
        title, inputs = form.title or "Answer", _of_form(form)
    elif option is not None:
        title, inputs = option.label, [_text_block(rich.plain("Text", _LONGEST_LABEL), optional=True)]
    else:
        title, inputs = "Answer", [_text_block(rich.plain("Answer", _LONGEST_LABEL), optional=False)]
    return {
        "type": "modal",
        "callback_id": SLACK_ANSWER_VIEW,
        "private_metadata": json.dumps([about.token, about.choice], ensure_ascii=False),
        "title": rich.plain(title, _LONGEST_TITLE),
        "submit": rich.plain("Answer" if option is None else option.label, _LONGEST_TITLE),
        "close": rich.plain("Cancel", _LONGEST_TITLE),
        "blocks": [rich.rich_text(rich.section(*rich.texts(question.prompt, _LONGEST_SHOWN))), *inputs],
    }


def notice_view(title: str, note: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a modal that only says something, in the place of one in which an answer came too late."""
    return {
        "type": "modal",
        "title": rich.plain(title, _LONGEST_TITLE),
        "close": rich.plain("Close", _LONGEST_TITLE),
        "blocks": [rich.rich_text(rich.section(*note))],
    }


def block_of(name: str) -> str:
    """Return the id of the block of a field."""
    return f"field:{_key(name, _LONGEST_ID)}"


def value_of(choice: Any) -> str:
    """Return what an entry for a value of a choice sends."""
    return _key(choice_text(choice), _LONGEST_ENTRY)


def _key(text: str, most: int) -> str:
    """Return a text as something is called, or a hash of one that is too long for it, empty, or taken."""
    fits = 1 <= len(text) <= most and text.isprintable() and text != NOT_CHOSEN
    return text if fits else sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _of_form(form: Form) -> list[dict[str, Any]]:
    note = [rich.rich_text(rich.section(*rich.texts(form.description, _LONGEST_SHOWN)))] if form.description else []
    return [*note, *map(_field_block, form.fields)]


def _text_block(label: dict[str, Any], *, optional: bool) -> dict[str, Any]:
    element = {"type": "plain_text_input", "multiline": True, "max_length": _LONGEST_TEXT, "focus_on_load": True}
    return {
        "type": "input",
        "block_id": TEXT_BLOCK,
        "label": label,
        "optional": optional,
        "element": {**element, "action_id": INPUT_ACTION},
    }


def _field_block(field: FormField) -> dict[str, Any]:
    element = _ELEMENTS[field.kind](field)
    hint = " ".join(each for each in (field.description, _HINTS.get(field.kind, "")) if each)
    return {
        "type": "input",
        "block_id": block_of(field.name),
        "label": rich.plain(field.label, _LONGEST_LABEL),
        "optional": _may_be_empty(field),
        "element": {**element, "action_id": INPUT_ACTION},
        **({"hint": rich.plain(hint, _LONGEST_LABEL)} if hint else {}),
    }


def _may_be_empty(field: FormField) -> bool:
    if field.kind in ("texts", "choices"):
        return not field.min_length
    return field.nullable or not field.required


#: What is said of a kind of field, beside what the model says.
_HINTS: Final[Mapping[str, str]] = {"texts": "One a line."}


def _text_element(field: FormField) -> dict[str, Any]:
    initial = _prefilled(field)
    of_format = {"email": "email_text_input", "uri": "url_text_input"}.get(field.format or "")
    if of_format is not None:
        return {"type": of_format, **({"initial_value": initial} if initial else {})}
    of_list = field.kind == "texts"  # whose lengths are in entries
    most = _LONGEST_TEXT if of_list or field.max_length is None else min(field.max_length, _LONGEST_TEXT)
    element: dict[str, Any] = {"type": "plain_text_input", "multiline": field.kind != "text"}
    element |= {"max_length": max(1, most)}
    # Of an optional one Slack would not take nothing.
    if field.min_length and not of_list and not _may_be_empty(field):
        element["min_length"] = field.min_length
    return {**element, **({"initial_value": initial} if initial else {})}


def _prefilled(field: FormField) -> str:
    """Return what a text begins with."""
    if field.kind == "texts" and isinstance(field.default, list):
        return "\n".join(str(each) for each in field.default)
    return field.default if isinstance(field.default, str) and field.kind in ("text", "long_text") else ""


def _number_element(field: FormField) -> dict[str, Any]:
    is_whole = field.kind == "integer"
    element: dict[str, Any] = {"type": "number_input", "is_decimal_allowed": not is_whole}
    least, most = _bound(field.minimum), _bound(field.maximum)
    if is_whole:  # those that are excluded, the run checks of other numbers
        least = None if least is None else math.floor(least) + 1 if field.exclusive_minimum else math.ceil(least)
        most = None if most is None else math.ceil(most) - 1 if field.exclusive_maximum else math.floor(most)
    given = {"min_value": least, "max_value": most, "initial_value": field.default}
    return element | {name: said for name, value in given.items() if (said := _number(value)) is not None}


def _bound(value: float | None) -> float | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _number(value: Any) -> str | None:
    """Return a number without an exponent, which Slack does not take."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    # `1e999999999` is a gigabyte of digits.
    return format(found, "f") if found.is_finite() and abs(found.adjusted()) <= _MOST_DIGITS else None


def _yes_no_element(field: FormField) -> dict[str, Any]:
    options = [_option("Yes", "true"), _option("No", "false")]
    chosen = {True: options[0], False: options[1]}.get(field.default) if isinstance(field.default, bool) else None
    if field.nullable:
        options.append(_option("No answer", NOT_CHOSEN))
    return {"type": "radio_buttons", "options": options, **({"initial_option": chosen} if chosen else {})}


def _choice_element(field: FormField) -> dict[str, Any]:
    entries = {value_of(each): _option(choice_text(each), value_of(each)) for each in field.choices}
    chosen = entries.get(value_of(field.default)) if isinstance(field.default, str | int | float) else None
    options = list(entries.values())
    if field.nullable:
        # One more than Slack takes is left out: without a choice before, nothing is chosen anyway.
        options = [_option("None", NOT_CHOSEN), *options][:100]
    return {"type": "static_select", "options": options, **({"initial_option": chosen} if chosen in options else {})}


def _choices_element(field: FormField) -> dict[str, Any]:
    entries = {value_of(each): _option(choice_text(each), value_of(each)) for each in field.choices}
    defaults = field.default if isinstance(field.default, list) else []
    chosen = [entries[key] for each in defaults if (key := value_of(each)) in entries]
    element: dict[str, Any] = {"type": "multi_static_select", "options": list(entries.values())}
    if field.max_length:
        element["max_selected_items"] = field.max_length
    return {**element, **({"initial_options": chosen} if chosen else {})}


def _option(label: str, value: str) -> dict[str, Any]:
    return {"text": rich.plain(label if label.strip() else "(empty)", _LONGEST_ENTRY), "value": value}


def _date_element(field: FormField) -> dict[str, Any]:
    given = field.default
    is_date = isinstance(given, str) and _DATE.fullmatch(given)
    return {"type": "datepicker", **({"initial_date": given} if is_date else {})}


def _time_element(field: FormField) -> dict[str, Any]:
    given = field.default[:5] if isinstance(field.default, str) else ""
    return {"type": "timepicker", **({"initial_time": given} if _TIME.fullmatch(given) else {})}


def _date_time_element(field: FormField) -> dict[str, Any]:
    moment = None
    if isinstance(field.default, str):
        try:
            moment = datetime.fromisoformat(field.default)
        except ValueError:
            moment = None
    if moment is None:
        return {"type": "datetimepicker"}
    seconds = int((moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp())
    # Slack takes ten digits.
    return {"type": "datetimepicker", **({"initial_date_time": seconds} if 10**9 <= seconds < 10**10 else {})}


_ELEMENTS: Final = {
    "text": _text_element,
    "long_text": _text_element,
    "texts": _text_element,
    "integer": _number_element,
    "number": _number_element,
    "yes_no": _yes_no_element,
    "choice": _choice_element,
    "choices": _choices_element,
    "date": _date_element,
    "time": _time_element,
    "date_time": _date_time_element,
}
