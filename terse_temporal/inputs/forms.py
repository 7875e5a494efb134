"""A form: the fields that a pydantic model has, read from its JSON schema.

A form travels as the JSON schema that pydantic makes of the model: whoever shows it (a page, a modal in Slack, a
program of the user's) has the schema and not the model. What a person has put in (`submitted.py`) is validated by the
model, in the run.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, Field
from pydantic.errors import PydanticInvalidForJsonSchema

from ..diagnostics.text import shorten
from ..errors import InputError
from ..serialization.codec import type_name
from ..serialization.serializer import Serializer
from ..serialization.value_problems import ValueProblem

__all__ = [
    "FieldKind",
    "Form",
    "FormField",
    "LongText",
    "choice_text",
    "form_beginning_with",
    "form_schema",
    "initial_values",
    "read_form",
]

#: A text of several lines in the form of a question: `note: LongText = ""`.
LongText: TypeAlias = Annotated[str, Field(json_schema_extra={"format": "multiline"})]

#: The kinds of fields. `texts` is a list of texts, one a line; `choices` a list of values of a choice.
FieldKind: TypeAlias = Literal[
    "text", "long_text", "integer", "number", "yes_no", "choice", "choices", "date", "time", "date_time", "texts"
]

#: Fields of a form, values of a choice, and characters of a text of either.
_MOST_FIELDS: Final = 50
_MOST_CHOICES: Final = 100
_LONGEST_LABEL: Final = 200
_LONGEST_DESCRIPTION: Final = 1_000

#: A text that may be longer than this gets several lines.
_ONE_LINE: Final = 200

#: What is said of a type that no field can be made of.
_TAKEN: Final = (
    "A form has fields of str (LongText for several lines), int, float, Decimal, bool, date, datetime, time, Literal,"
    " Enum, and list[…] of str, Literal or Enum, each also | None"
)

_FORMATS: Final[Mapping[str, FieldKind]] = {
    "date": "date",
    "date-time": "date_time",
    "time": "time",
    "multiline": "long_text",
}

#: Texts with a syntax, which a person types like any other.
_TYPED: Final = ("email", "uri", "uuid", "duration", "ipv4", "ipv6")


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of a form.

    Attributes:
        name: of the model's field, which the answer has it under.
        label: what stands beside it.
        kind: of the field.
        required: whether there has to be something.
        nullable: whether nothing is `None`.
        description: what it means; or an empty string.
        default: what it begins with, as JSON; `None` where it has none.
        choices: of a choice: the values, JSON scalars.
        minimum, maximum: of a number, and whether that itself is excluded.
        step: of a number, what it is a multiple of.
        exact: of a number, whether its digits are kept, as a `Decimal` keeps them.
        min_length, max_length: of a text in characters, of a list in entries.
        pattern: a regular expression that a text matches.
        format: of a text, what JSON schema calls it: `"email"`.
    """

    name: str
    label: str
    kind: FieldKind
    required: bool = True
    nullable: bool = False
    description: str = ""
    default: Any = None
    choices: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: bool = False
    exclusive_maximum: bool = False
    step: float | None = None
    exact: bool = False
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    format: str | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """A form.

    Attributes:
        title: the name of the model, or its own title.
        description: its docstring.
        fields: in the order in which the model has them.
    """

    title: str
    description: str
    fields: tuple[FormField, ...]


def form_schema(model: Any, serializer: Serializer, call: str) -> dict[str, Any]:
    """Return the JSON schema of the form that a model makes.

    Args:
        model: a pydantic model.
        serializer: of the run.
        call: in whose name to complain.

    Raises:
        InputError: it is no model, or no form can be made of it: with every field that cannot be in one.
    """
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise InputError(f"{call}: schema={shorten(repr(model), 80)}; give a pydantic model, whose fields make a form")
    try:
        schema = serializer.codec(model).json_schema()
    except ValueProblem as problem:
        raise InputError(f"{call}: schema={type_name(model)}: {problem}") from None
    except PydanticInvalidForJsonSchema as err:
        raise InputError(f"{call}: schema={type_name(model)} has no JSON schema: {err.message}. {_TAKEN}.") from None
    try:
        read_form(schema)
    except ValueError as err:
        raise InputError(f"{call}: schema={type_name(model)} makes no form: {err}") from None
    return schema


def initial_values(form: Mapping[str, Any], initial: Any, serializer: Serializer, call: str) -> dict[str, Any]:
    """Return what a form begins with, as JSON by the names of its fields.

    Args:
        form: its JSON schema.
        initial: a model or a mapping, of some fields or all.
        serializer: of the run.
        call: in whose name to complain.

    Raises:
        InputError: it is neither, is not JSON, or has a name that no field has.
    """
    if not isinstance(initial, BaseModel | Mapping):
        raise InputError(
            f"{call}: initial={shorten(repr(initial), 60)}; give a model, or a dict by the names of fields"
        )
    given = initial if isinstance(initial, BaseModel) else dict(initial)
    try:
        values = serializer.codec(type(initial) if isinstance(initial, BaseModel) else Any).record(given).data
    except ValueProblem as problem:
        raise InputError(f"{call}: initial= cannot be recorded: {problem}") from None
    names = form["properties"]
    if unknown := [name for name in values if name not in names]:
        raise InputError(
            f"{call}: initial= has {shorten(repr(unknown[0]), 60)}, which is no field of the form: those are"
            f" {', '.join(map(repr, names))}"
        )
    return dict(values)


def form_beginning_with(form: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON schema of a form whose fields begin with values, as with defaults."""
    properties = {
        name: {**each, "default": values[name]} if name in values else each for name, each in form["properties"].items()
    }
    required = [name for name in form.get("required", ()) if name not in values]
    kept = {name: each for name, each in form.items() if name != "required"}
    return {**kept, "properties": properties, **({"required": required} if required else {})}


def read_form(schema: Mapping[str, Any]) -> Form:
    """Return the form that a JSON schema describes.

    Args:
        schema: as `InputQuestion.form` has it. It may be anybody's writing.

    Raises:
        ValueError: it describes none, with every field that is the matter.
    """
    properties = schema.get("properties")
    if schema.get("type") != "object" or not isinstance(properties, Mapping) or not properties:
        raise ValueError("it has no fields")
    if len(properties) > _MOST_FIELDS:
        raise ValueError(f"it has {len(properties)} fields, and {_MOST_FIELDS} is the most")
    definitions = schema.get("$defs")
    required = schema.get("required")
    reader = _Reader(definitions if isinstance(definitions, Mapping) else {})
    fields, problems = [], []
    for name, each in properties.items():
        try:
            is_required = isinstance(required, list) and name in required
            fields.append(reader.field(str(name), each if isinstance(each, Mapping) else {}, is_required))
        except _NoFieldError as err:
            problems.append(f"  {shorten(str(name), 100)}: {err}")
    if problems:
        raise ValueError("\n".join(["no field of a form can be made of these:", *problems, _TAKEN + "."]))
    title = schema.get("title")
    return Form(_text(title, _LONGEST_LABEL), _text(schema.get("description"), _LONGEST_DESCRIPTION), tuple(fields))


def choice_text(value: Any) -> str:
    """Return a value of a choice as a form sends it."""
    return json.dumps(value) if isinstance(value, bool) else str(value)


class _NoFieldError(Exception):
    """Why no field can be made of a part of a schema."""


class _Reader:
    """Reads the fields of one schema.

    Args:
        definitions: what the schema refers to.
    """

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions

    def field(self, name: str, schema: Mapping[str, Any], required: bool) -> FormField:
        inner, nullable = self._without_null(schema)
        kind, items = self._kind(inner)
        # What stands beside a reference, or around what may be null, is the field's own.
        both = {**inner, **{key: value for key, value in schema.items() if key not in ("anyOf", "$ref", "allOf")}}
        # The title of what is referred to is that of the enum, not of the field.
        title = schema.get("title") if "title" in schema else None
        words = name.replace("_", " ").strip()
        if title == words.title():  # made by pydantic: `Days A Week`
            title = None
        exclusive_minimum, exclusive_maximum = inner.get("exclusiveMinimum"), inner.get("exclusiveMaximum")
        of_list = kind in ("texts", "choices")
        given = both.get("format")
        return FormField(
            name=name,
            label=_text(title, _LONGEST_LABEL) or words.capitalize() or name,
            kind=kind,
            required=required,
            nullable=nullable,
            description=_text(schema.get("description"), _LONGEST_DESCRIPTION),
            default=schema.get("default"),
            choices=tuple(_values(items if of_list else inner)) if kind in ("choice", "choices") else (),
            minimum=_finite(inner.get("minimum"), exclusive_minimum),
            maximum=_finite(inner.get("maximum"), exclusive_maximum),
            exclusive_minimum=_finite(exclusive_minimum) is not None,
            exclusive_maximum=_finite(exclusive_maximum) is not None,
            step=_finite(inner.get("multipleOf")),
            exact=kind == "number" and self._may_be_text(schema),
            min_length=_count(inner.get("minItems" if of_list else "minLength")),
            max_length=_count(inner.get("maxItems" if of_list else "maxLength")),
            pattern=pattern if isinstance(pattern := inner.get("pattern"), str) and kind == "text" else None,
            format=given if given in _TYPED else None,
        )

    def _without_null(self, schema: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
        """Return a schema without its `null`, with what it refers to, and whether there was one."""
        resolved = self._resolved(schema)
        members = resolved.get("anyOf")
        if not isinstance(members, list):
            return resolved, False
        found = [self._resolved(each) for each in members if isinstance(each, Mapping)]
        others = [each for each in found if each.get("type") != "null"]
        is_nullable = len(others) < len(found)
        numbers = [each for each in others if each.get("type") == "number"]
        if numbers and all(each.get("type") in ("number", "string") for each in others):  # a Decimal
            return numbers[0], is_nullable
        if len(others) != 1:
            raise _NoFieldError("it can be of several types")
        return others[0], is_nullable

    def _may_be_text(self, schema: Mapping[str, Any]) -> bool:
        """Return whether a number may be sent as a text too: it is a Decimal."""
        members = self._resolved(schema).get("anyOf")
        found = members if isinstance(members, list) else []
        return any(isinstance(each, Mapping) and self._resolved(each).get("type") == "string" for each in found)

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        for _ in range(5):
            reference = schema.get("$ref")
            if not isinstance(reference, str):
                return schema
            found = self._definitions.get(reference.removeprefix("#/$defs/"))
            schema = found if isinstance(found, Mapping) else {}
        raise _NoFieldError("it refers to itself")

    def _kind(self, schema: Mapping[str, Any]) -> tuple[FieldKind, Mapping[str, Any]]:
        """Return the kind of a field, and of a list what its entries are."""
        if list(_values(schema)):
            return "choice", {}
        type_, format_ = schema.get("type"), schema.get("format")
        match type_:
            case "boolean":
                return "yes_no", {}
            case "integer":
                return "integer", {}
            case "number":
                return "number", {}
            case "string" if isinstance(format_, str) and format_ in _FORMATS:
                return _FORMATS[format_], {}
            case "string" if format_ is None or format_ in _TYPED:
                longest = _count(schema.get("maxLength")) if format_ is None else None
                return ("long_text" if longest is not None and longest > _ONE_LINE else "text"), {}
            case "array":
                entries = schema.get("items")
                items, nullable = self._without_null(entries if isinstance(entries, Mapping) else {})
                if not nullable:
                    kind, _ = self._kind(items)
                    if kind in ("text", "long_text"):
                        return "texts", items
                    if kind == "choice":
                        return "choices", items
                raise _NoFieldError("it is a list of something else than texts")
            case "string":
                raise _NoFieldError(f"it is a text of the format {format_!r}")
            case "object":
                raise _NoFieldError("it has fields itself")
        raise _NoFieldError("it has no such type")


def _values(schema: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the values of a choice; nothing where there is none."""
    values = schema.get("enum")
    found = values if isinstance(values, list) else [schema["const"]] if "const" in schema else []
    if len(found) > _MOST_CHOICES:
        raise _NoFieldError(f"it has {len(found)} values to choose from, and {_MOST_CHOICES} is the most")
    for each in found:
        if not isinstance(each, str | int | float | bool):
            raise _NoFieldError("a value to choose is no text and no number")
        yield each


def _text(value: Any, most: int) -> str:
    return shorten(value, most) if isinstance(value, str) else ""


def _finite(*values: Any) -> float | None:
    for each in values:
        # A memo may have NaN, and a whole number that no float can be.
        if isinstance(each, int | float) and not isinstance(each, bool) and abs(each) <= sys.float_info.max:
            return each
    return None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
