"""A question for the terminal: texts of anybody's making, made fit to be shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ...diagnostics.text import json_text, one_line, shorten
from ...inputs.forms import FormField, read_form
from ...inputs.questions import InputQuestion
from ...runs.memo import question_text

__all__ = ["summary", "wants"]

#: Characters of a question in a list.
_LONGEST: Final = 200


def summary(question: InputQuestion) -> str:
    """Return what is asked, in a line."""
    if question.tool is not None:
        return shorten(question_text({"tool": question.tool, "arguments": question.arguments}), _LONGEST)
    return shorten(one_line(question.prompt), _LONGEST)


def wants(question: InputQuestion) -> list[str]:
    """Return what there is to answer, in lines."""
    if question.options:
        return [
            f"  {one_line(each.id)}  {one_line(each.label)}"
            + (f": {one_line(each.description)}" if each.description else "")
            + (" (with --text, if you like)" if each.free_text else "")
            for each in question.options
        ]
    if question.form is None:
        return ["  a text"]
    try:
        return [f"  {_field(each)}" for each in read_form(question.form).fields]
    except ValueError:
        return [f"  data that fit {shorten(json_text(question.form), 2_000)}"]


def _field(field: FormField) -> str:
    kind = field.kind.replace("_", " ")
    if field.choices:
        kind += f" of {', '.join(one_line(str(each)) for each in field.choices)}"
    limits: Mapping[str, Any] = {
        "from": field.minimum,
        "to": field.maximum,
        "at least": field.min_length,
        "at most": field.max_length,
    }
    said = [kind, *(f"{name} {each:g}" for name, each in limits.items() if each is not None)]
    if not field.required:
        said.append("may be left out" if field.default is None else f"{json_text(field.default)} if left out")
    described = f": {one_line(field.description)}" if field.description else ""
    return f"{one_line(field.name)}  ({', '.join(said)}){described}"
