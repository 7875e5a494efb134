"""What a person has typed into a page: read from the body of a request, and made an answer of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl

from fastapi import Request

from ...inputs.forms import read_form
from ...inputs.questions import InputQuestion
from ...inputs.submitted import filled_data
from ..refusals import Refusal

__all__ = ["Typed", "answer_of", "read_typed"]

#: Texts by the names of the fields of a page.
Typed: TypeAlias = Mapping[str, Sequence[str]]

_FORM: Final = "application/x-www-form-urlencoded"

#: Pairs of a name and a text: fifty fields of a hundred boxes, and a few of the page's own.
_MOST: Final = 5_010


async def read_typed(request: Request) -> dict[str, list[str]]:
    """Return what was typed.

    Raises:
        Refusal: 415 or 400, it is no form; 413, it is too large.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise Refusal(415, "media_type_not_supported", "What was sent is not the form of a page.")
    try:
        pairs = parse_qsl(
            (await request.body()).decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST,
        )
    except ValueError:
        raise Refusal(400, "body_not_a_form", "What was sent cannot be read as a form.") from None
    typed: dict[str, list[str]] = {}
    for name, text in pairs:
        typed.setdefault(name, []).append(text.replace("\r\n", "\n"))
    return typed


def answer_of(question: InputQuestion, typed: Typed) -> dict[str, Any]:
    """Return the `choice`, `text` and `data` of an answer. Whether they fit is for the run to say."""
    if question.options:
        return {"choice": _first(typed, "choice"), "text": _first(typed, "text").strip()}
    if question.form is not None:
        return {"data": filled_data(read_form(question.form), typed)}
    return {"text": _first(typed, "text").strip()}


def _first(typed: Typed, name: str) -> str:
    return next(iter(typed.get(name, ())), "")
