"""What is wrong with the fields of a form, in words for whoever fills it in.

The run says it as pydantic does, whose words are for programmers: `Input should be a valid integer, unable to parse
string as an integer`. What the model's own validators say stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from .forms import FieldKind, read_form
from .questions import InputQuestion

__all__ = ["plain_mistakes"]

#: What is to be done where there is nothing, or something of another type.
_GIVE: Final[Mapping[FieldKind, str]] = {
    "integer": "Write a whole number, such as 12.",
    "number": "Write a number, such as 12.5.",
    "choice": "Choose one of these.",
    "choices": "Choose from these.",
    "date": "Write a date, such as 2026-11-27.",
    "time": "Write a time, such as 14:30.",
    "date_time": "Write a date and a time, such as 2026-11-27T14:30.",
    "yes_no": "Choose yes or no.",
}

_MISSING: Final = "Field required"

#: How what is of another type begins.
_OTHER_TYPE: Final = re.compile(
    r"Input should be a valid (integer|number|decimal|date|datetime|time|boolean)\b"
    r"|Input should be in a valid time format|Decimal input should be an? |Input should be ('|-?\d)"
)

_NO_ZONE: Final = "Input should have timezone info"

_SUBJECT: Final = re.compile(r"(Input|String|List|Decimal input|Value) should ")

_OWN: Final = re.compile(r"(Value error|Assertion failed), ")


def plain_mistakes(question: InputQuestion, fields: Mapping[str, str]) -> dict[str, str]:
    """Return what is wrong with an answer, by the paths of a form's values, in plain words. Never raises.

    Args:
        question: that was answered. What is wrong with a choice or a text stays as it is.
        fields: what the run says, likewise by paths.
    """
    if question.form is None or question.options:
        return dict(fields)
    try:
        kinds = {each.name: each.kind for each in read_form(question.form).fields}
    except ValueError:  # a memo of anybody's making
        return dict(fields)
    return {path: _plain(kinds.get(path.partition(".")[0]), said) for path, said in fields.items()}


def _plain(kind: FieldKind | None, said: str) -> str:
    if kind is None:
        return said
    if said == _MISSING:
        return _GIVE.get(kind, "Fill this in.")
    if said == _NO_ZONE:
        return "Add the offset of the time zone, as in 2026-11-27T14:30+01:00."
    if kind in _GIVE and _OTHER_TYPE.match(said):
        return _GIVE[kind]
    return _SUBJECT.sub("This should ", _OWN.sub("", said, count=1), count=1)
