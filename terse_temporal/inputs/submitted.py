"""What a person has put into a form, as the JSON that an answer has as its data.

It is told as a browser sends it, texts by the names of fields, by whatever shows a form: the page, Slack, a terminal.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from .forms import Form, FormField, choice_text

__all__ = ["filled_data", "submitted_data"]


def submitted_data(form: Form, fields: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return what was put into a form, as the JSON that an answer has as its data.

    Args:
        form: the form.
        fields: what a browser sends: texts by name. An unticked box and an empty field send nothing, or an empty text.
            What no field has as its name is left out.

    What is no number, or no value of a choice, stays the text that it is: the run says what is wrong with it.
    """
    data = {}
    for each in form.fields:
        texts = [text.replace("\r\n", "\n") for text in fields.get(each.name, ())]
        found = _submitted(each, texts)
        if found is not _ABSENT:
            data[each.name] = found
    return data


def filled_data(form: Form, fields: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return the same of a form that was shown with its defaults filled in: what was emptied is empty, and no default.

    Args:
        form: the form.
        fields: as `submitted_data` takes them. One that is not among them was not shown.

    So that the model says what has to be given and was left empty, a text is left out then: an empty one may be fine
    for the model. A number or a date is sent as it is: left out, it would be what stood in the field before somebody
    emptied it.
    """
    found = submitted_data(form, fields)
    for each in form.fields:
        if each.kind in ("text", "long_text"):
            given = found.get(each.name)
            if given is not None and not given.strip() and (each.required or each.default in ("", None)):
                del found[each.name]
        elif each.name in fields and each.name not in found and each.default is not None:
            found[each.name] = ""
    return found


_ABSENT: Final = object()

_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,18}")
_WITH_FRACTION: Final = re.compile(r"[+-]?([0-9]{1,400}\.?[0-9]{0,400}|\.[0-9]{1,400})([eE][+-]?[0-9]{1,3})?")


def _submitted(field: FormField, texts: Sequence[str]) -> Any:
    filled = [text for text in texts if text.strip()]
    first = texts[0] if texts else ""
    match field.kind:
        case "yes_no" if field.nullable:  # a choice of three
            return {"true": True, "false": False}.get(first.strip().lower(), first) if filled else None
        case "yes_no":
            return bool(filled) and first.strip().lower() not in ("false", "0", "off", "no")
        case "texts":
            return [line.strip() for text in filled for line in text.split("\n") if line.strip()]
        case "choices":
            return [_chosen(field, text) for text in filled]
    if not filled:
        if field.nullable:
            return None
        # A text may be required and empty. Of any other kind nothing was given, which the model says.
        return first if field.kind in ("text", "long_text") and (field.required or texts) else _ABSENT
    match field.kind:
        case "integer" | "number":
            return _number(first.strip(), with_fraction=field.kind == "number" and not field.exact)
        case "choice":
            return _chosen(field, first)
        case "text" | "long_text":
            return first
    return first.strip()


def _number(text: str, *, with_fraction: bool) -> Any:
    """Return a number as one, and else the text: a whole one of more digits than any program needs too.

    Args:
        text: as it is written.
        with_fraction: whether one that is not whole is one too. A Decimal keeps its digits as a text alone.
    """
    if _WHOLE.fullmatch(text):
        return int(text)
    if with_fraction and _WITH_FRACTION.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return text


def _chosen(field: FormField, text: str) -> Any:
    return next((each for each in field.choices if choice_text(each) == text), text)
