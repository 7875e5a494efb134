"""The fields of a form as a page has them, with what was typed and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ...diagnostics.text import shorten
from ...inputs.forms import Form, FormField, choice_text

__all__ = ["Choice", "Field", "field_views", "mistakes_of"]

#: A list of values to choose from that is longer than this folds up.
_MOST_OPEN: Final = 5

_TYPES: Final = {"date": "date", "time": "time"}
_FORMATS: Final = {"email": "email", "uri": "url"}

#: A moment as browsers have it.
_LOCAL: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?", re.ASCII)

_NUMBERS: Final = ("integer", "number")

#: Kinds that are filled in: of others there is always an answer, if it is only that nothing is ticked.
_FILLED: Final = ("text", "long_text", "texts", "date", "time", "date_time", *_NUMBERS)


@dataclass(frozen=True, slots=True)
class Choice:
    """A value to choose."""

    value: str
    label: str
    selected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field as the templates have it.

    Attributes:
        kind: that of `FormField`.
        name: under which it is sent, that of `FormField`.
        id: of its element.
        target: of that in it which takes the focus.
        label, description, required, nullable: those of `FormField`; the description has the limits too.
        is_optional: whether it is said beside it that it may be left empty: not where it begins with something.
        error: what is wrong with it; or an empty string.
        value: what it has in it.
        type, inputmode: of an `input`.
        choices: to choose from, with those that are chosen.
    """

    kind: str
    name: str
    id: str
    target: str
    label: str
    description: str
    required: bool
    is_optional: bool
    nullable: bool
    error: str = ""
    value: str = ""
    type: str = "text"
    inputmode: str = ""
    choices: tuple[Choice, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether its values stand one below the other."""
        return self.target != self.id


def field_views(form: Form, typed: Mapping[str, Sequence[str]], wrong: Mapping[str, str]) -> list[Field]:
    """Return the fields of a form.

    Args:
        form: the form.
        typed: what was sent before, by names; empty begins with the defaults.
        wrong: what is wrong, by the paths of the values.
    """
    errors = _by_field(form, wrong)
    return [_view(number, each, typed, errors.get(each.name, "")) for number, each in enumerate(form.fields, 1)]


def mistakes_of(views: Sequence[Field], form: Form, wrong: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what is wrong as pairs of an element's id, perhaps empty, and a sentence: in the order of the fields."""
    known = {each.name for each in form.fields}
    rest = [("", said) for path, said in wrong.items() if path.partition(".")[0] not in known]
    return [(each.target, f"{each.label}: {each.error}") for each in views if each.error] + rest


def _by_field(form: Form, wrong: Mapping[str, str]) -> dict[str, str]:
    """Return what is wrong by fields: of a list each entry by its number, counted from 1."""
    found: dict[str, str] = {}
    lists = {each.name for each in form.fields if each.kind in ("texts", "choices")}
    for path, said in wrong.items():
        name, _, rest = path.partition(".")
        place = f"entry {int(rest) + 1}: " if name in lists and rest.isdecimal() and len(rest) < 6 else ""
        sentence = place + said
        found[name] = f"{found[name]}; {sentence}" if name in found else sentence
    return found


def _view(number: int, given: FormField, typed: Mapping[str, Sequence[str]], error: str) -> Field:
    texts = typed.get(given.name, ()) if typed else _begins_with(given)
    first = texts[0] if texts else ""
    return Field(
        kind=given.kind,
        name=given.name,
        id=f"field-{number}",
        target=f"field-{number}-1" if given.kind == "choices" or _is_open(given) else f"field-{number}",
        label=given.label,
        description=_described(given),
        # Who leaves a box without a tick, or ticks none of several, has answered.
        required=given.required and given.kind not in ("yes_no", "choices", "texts"),
        is_optional=given.nullable or (not given.required and given.kind in _FILLED and not given.default),
        nullable=given.nullable,
        error=error,
        value="true" if given.kind == "yes_no" and texts else first,
        type=_type(given, first, error),
        # A keyboard of digits has no minus.
        inputmode="decimal" if given.kind in _NUMBERS and given.minimum is not None and given.minimum >= 0 else "",
        choices=_choices(given, texts),
    )


def _is_open(given: FormField) -> bool:
    """Return whether the values of a choice are shown one below the other."""
    return given.kind == "choice" and len(given.choices) <= _MOST_OPEN


def _type(given: FormField, text: str, error: str) -> str:
    """Return the type of an `input`.

    A browser takes and sends moments without their offset. One that has an offset, or is wrong, is text, so that it
    stays as it is and can be given one.
    """
    if given.kind == "date_time":
        return "text" if error or (text and not _LOCAL.fullmatch(text)) else "datetime-local"
    return _TYPES.get(given.kind) or _FORMATS.get(given.format or "", "text")


def _begins_with(given: FormField) -> list[str]:
    """Return the default of a field as a browser would send it."""
    default = given.default
    match given.kind:
        case "yes_no" if given.nullable:
            return [] if default is None else [str(default).lower()]
        case "yes_no":
            return ["true"] if default is True else []
        case "texts":
            return ["\n".join(map(str, default))] if isinstance(default, list) else []
        case "choices":
            return [choice_text(each) for each in default] if isinstance(default, list) else []
    if default is None or isinstance(default, dict | list):
        return []
    if given.kind == "choice":
        return [choice_text(default)]
    if given.kind == "time":
        return [str(default).removesuffix("Z").partition("+")[0]]  # as the browser takes it
    return [str(default)]


def _choices(given: FormField, texts: Sequence[str]) -> tuple[Choice, ...]:
    if given.kind == "yes_no":
        if not given.nullable:
            return ()
        values = [("", "No answer"), ("true", "Yes"), ("false", "No")]
    else:
        values = [(text := choice_text(each), shorten(text, 200)) for each in given.choices]
        if given.kind == "choice" and (given.nullable or not (given.required or given.default is not None)):
            values = [("", "No answer"), *values]
        elif given.kind == "choice" and not texts and not _is_open(given):
            values = [("", "Choose …"), *values]  # a list, which would choose the first by itself
    chosen = set(texts) or {""}
    return tuple(Choice(value, label, value in chosen) for value, label in values)


def _described(given: FormField) -> str:
    """Return the description with the limits behind it."""
    limits = _limits(given)
    if not (given.description and limits):
        return given.description or limits
    return f"{given.description}{'.' if given.description[-1].isalnum() else ''} {limits}"


def _limits(given: FormField) -> str:
    """Return what a value may be, in words; an empty string where it may be anything."""
    if given.kind in _NUMBERS:
        return _number_limits(given)
    of = {"text": "characters", "long_text": "characters", "texts": "lines", "choices": "of them"}.get(given.kind)
    most, least = given.max_length, given.min_length
    if of is None or (most is None and least in (None, 0, 1)):
        return ""
    if most is None:
        return f"At least {least} {of}."
    return f"Up to {most:,} {of}." if not least else f"From {least:,} to {most:,} {of}."


def _number_limits(given: FormField) -> str:
    parts = []
    least, most = given.minimum, given.maximum
    if least is not None and most is not None and not (given.exclusive_minimum or given.exclusive_maximum):
        parts.append(f"from {_digits(least)} to {_digits(most)}")
    else:
        if least is not None:
            parts.append(f"{'more than' if given.exclusive_minimum else 'at least'} {_digits(least)}")
        if most is not None:
            parts.append(f"{'less than' if given.exclusive_maximum else 'at most'} {_digits(most)}")
    if given.step is not None:
        parts.append(f"a multiple of {_digits(given.step)}")
    kind = "A whole number" if given.kind == "integer" else "A number"
    return f"{kind}, {', '.join(parts)}." if parts else f"{kind}."


def _digits(number: float) -> str:
    return f"{number:.0f}" if number == round(number) and abs(number) < 1e15 else repr(number)
