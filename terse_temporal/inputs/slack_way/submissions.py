"""What was put into a modal, as an answer; and what is wrong with it, beside the inputs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from ...diagnostics.text import shorten
from ..forms import Form, FormField, choice_text
from ..submitted import filled_data
from .modal import INPUT_ACTION, NOT_CHOSEN, TEXT_BLOCK, block_of, value_of

__all__ = ["modal_errors", "submitted_form", "submitted_text"]

#: Characters of what is said of an input.
_LONGEST_ERROR: Final = 300


def submitted_text(state: Any) -> str:
    """Return the text of a modal that has no form. The state is as Slack sends it."""
    found = _input(state, TEXT_BLOCK).get("value")
    return found if isinstance(found, str) else ""


def submitted_form(form: Form, state: Any) -> dict[str, Any]:
    """Return what was put into a form, as the JSON that an answer has as its data.

    Args:
        form: the form.
        state: as Slack sends it.
    """
    inputs = ((each, _input(state, block_of(each.name))) for each in form.fields)
    return filled_data(form, {each.name: _texts(each, given) for each, given in inputs if given})


def modal_errors(wrong: Mapping[str, str], message: str, form: Form | None, blocks: Any) -> dict[str, str]:
    """Return what is said beside the inputs of a modal, by the ids of their blocks: at least something.

    Args:
        wrong: by the paths of fields: `"labels.0"`.
        message: what is the matter, where no field is.
        form: of the question, if it has one.
        blocks: of the modal, as Slack sends them back.
    """
    inputs = [
        block
        for each in (blocks if isinstance(blocks, list) else [])
        if isinstance(each, Mapping) and each.get("type") == "input" and isinstance(block := each.get("block_id"), str)
    ]
    names = {} if form is None else {each.name: block_of(each.name) for each in form.fields}
    errors: dict[str, str] = {}
    unplaced: list[str] = []
    for path, said in wrong.items():
        block = names.get(path) or names.get(path.partition(".")[0]) or (TEXT_BLOCK if form is None else "")
        if block in inputs:
            errors.setdefault(block, shorten(said, _LONGEST_ERROR))
        else:
            unplaced.append(f"{path}: {said}" if path else said)
    if (unplaced or not errors) and inputs:
        # Slack has no place but the inputs.
        rest = shorten("; ".join(unplaced) or message, _LONGEST_ERROR)
        errors[inputs[0]] = shorten(f"{errors[inputs[0]]}; {rest}", _LONGEST_ERROR) if inputs[0] in errors else rest
    return errors


def _input(state: Any, block: str) -> Mapping[str, Any]:
    """Return what an input has, of what may be anything."""
    found: Any = state
    for key in ("values", block, INPUT_ACTION):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _texts(field: FormField, given: Mapping[str, Any]) -> list[str]:
    """Return what an input has as a browser would send it."""
    match field.kind:
        case "date":
            found = [given.get("selected_date")]
        case "time":
            found = [given.get("selected_time")]
        case "date_time":
            found = [_moment(given.get("selected_date_time"))]
        case "yes_no" | "choice":
            found = [_chosen(field, given.get("selected_option"))]
        case "choices":
            options = given.get("selected_options")
            found = [_chosen(field, each) for each in options] if isinstance(options, list) else []
        case _:
            # What was emptied is `null`, and what a browser sends then is an empty text.
            found = [given["value"] or ""] if "value" in given else []
    return [each for each in found if isinstance(each, str)]


def _chosen(field: FormField, option: Any) -> str | None:
    value = option.get("value") if isinstance(option, Mapping) else None
    if not isinstance(value, str) or value == NOT_CHOSEN:
        return None
    # What is no value of the choice any more goes as it is, and is refused.
    return next((choice_text(each) for each in field.choices if value_of(each) == value), value)


def _moment(seconds: Any) -> str | None:
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, OSError, ValueError):
        return str(seconds)
