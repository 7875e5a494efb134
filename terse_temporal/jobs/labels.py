"""Labels: a few words that tell steps of one name apart, in logs, the timeline and the Web UI.

The label of an `@step` is a template over its arguments. Those may be anything, so `str.format` is not used: it calls
`__format__`, properties and `__getattr__` of whatever it meets. Here a field goes down into plain data only, and ends
at a string, a number, a time or the like.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import string
import types
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel

from ..diagnostics.redaction import redact
from ..diagnostics.text import one_line, shorten
from ..errors import JobDefinitionError

__all__ = ["LONGEST", "Template", "label_text", "summary_of"]

#: Characters of a label.
LONGEST: Final = 100

#: Characters of a field that are looked at. The longest secret has fewer.
_LONGEST_PART: Final = 10_000

#: Characters of a template, of which most may be the names of its fields.
_LONGEST_TEMPLATE: Final = 500

#: Bytes of a label in the Web UI. A summary over 400, with what is not ASCII escaped, fails the workflow task; a codec
#: that encrypts it adds some.
_SUMMARY: Final = 240

#: The name of a field, and what it goes down by.
_NAME: Final = re.compile(r"([^.\[\]]+)((?:\.[^.\[\]]+|\[[^\[\]]+\])*)")
_KEY: Final = re.compile(r"\.([^.\[\]]+)|\[([^\[\]]+)\]")

#: Fill, alignment, sign, width and so on, with numbers of two digits: `{n:>1000000000}` would fill the memory.
_SPEC: Final = re.compile(r"([^{}]?[<>^=])?[-+ ]?z?#?0?[0-9]{0,2}[,_]?(\.[0-9]{1,2})?[a-zA-Z%]?")

_MISSING: Final = object()

#: What is written as `str` does.
_AS_TEXT: Final = (date, time, timedelta, Decimal, UUID, PurePath)


class _NotPlainError(Exception):
    """A field leads to something that is not plain data."""


@dataclass(frozen=True, slots=True)
class _Field:
    path: tuple[str | int, ...]
    spec: str


class Template:
    """The label of an `@step`: text with fields such as `{number}`, `{customer.email}` or `{rows[0]}`.

    Args:
        text: the template.
        signature: of the function, whose parameters the fields name.

    Raises:
        JobDefinitionError: it is no template, or a field cannot be had; the message names the field.
    """

    def __init__(self, text: str, signature: inspect.Signature) -> None:
        self._text = text
        self._signature = signature
        if len(text) > _LONGEST_TEMPLATE:
            raise JobDefinitionError(
                f"label={shorten(repr(text), 40)}: templates are {_LONGEST_TEMPLATE} characters at most, this has"
                f" {len(text)}"
            )
        try:
            parsed = list(string.Formatter().parse(text))
        except ValueError as err:
            raise JobDefinitionError(
                f"label={text!r}: {err}. A field is the name of a parameter in braces; write braces as {{{{ and }}}}"
            ) from None
        self._parts: list[str | _Field] = []
        for literal, name, spec, conversion in parsed:
            self._parts.append(literal)
            if name is not None:
                self._parts.append(self._field(name, spec or "", conversion))

    def _field(self, name: str, spec: str, conversion: str | None) -> _Field:
        said = f"label={self._text!r}: the field {name!r}"
        if (found := _NAME.fullmatch(name)) is None:
            raise JobDefinitionError(f"{said} is not written as {{parameter}}, {{parameter.field}} or {{parameter[0]}}")
        first = found[1]
        keys = (attribute or item for attribute, item in _KEY.findall(found[2]))
        path = (first, *(int(key) if key.isdecimal() else key for key in keys))
        if first not in self._signature.parameters:
            known = ", ".join(self._signature.parameters) or "none"
            raise JobDefinitionError(f"{said} does not begin with a parameter of the function (it has {known})")
        if any(isinstance(key, str) and key.startswith("_") for key in path[1:]):
            raise JobDefinitionError(f"{said} reads a private attribute; name a field of plain data or of a model")
        if conversion is not None:
            raise JobDefinitionError(f"{said} has the conversion !{conversion}, which labels do not have: leave it out")
        if not _SPEC.fullmatch(spec):
            raise JobDefinitionError(
                f"{said} is formatted as {spec!r}; labels know alignment, width (of two digits) and the formats of"
                " numbers, as in {number:03d}"
            )
        return _Field(path, spec)

    def label(self, arguments: inspect.BoundArguments) -> str:
        """Return the label of a call. Where a field cannot be had, it is the template as it was written."""
        try:
            values = {**_defaults(self._signature), **arguments.arguments}
            # Cut before they are put together, for one may be as long as an input may be; and far behind what is kept
            # of it, for half a secret is not found.
            parts = [part if isinstance(part, str) else _format(part, values)[:_LONGEST_PART] for part in self._parts]
        except Exception:  # a label is never worth a run
            return label_text(self._text)
        return label_text("".join(parts))


def label_text(text: str) -> str:
    """Return a label as it is recorded and shown: in one line of at most 100 characters, without secrets."""
    return shorten(one_line(redact(text, LONGEST)).strip(), LONGEST)


def summary_of(label: str) -> str:
    """As much of a label as the server takes for a summary."""
    size = 0
    for index, character in enumerate(label):
        size += len(json.dumps(character)) - 2
        if size > _SUMMARY:
            return label[:index]
    return label


def _defaults(signature: inspect.Signature) -> dict[str, Any]:
    return {
        name: each.default for name, each in signature.parameters.items() if each.default is not inspect.Parameter.empty
    }


def _format(field: _Field, values: Mapping[str, Any]) -> str:
    first, *rest = field.path
    value = values[str(first)]
    for key in rest:
        value = _within(value, key)
    if isinstance(value, Enum):
        value = value._value_
    if isinstance(value, _AS_TEXT):
        value = str(value)
    # Exactly: a class that is derived from them may write itself as it likes.
    if type(value) in (str, int, float):
        return format(value, field.spec)
    if value is None or type(value) is bool:
        return format(str(value), field.spec)
    raise _NotPlainError


def _within(value: Any, key: str | int) -> Any:
    """Return a field of a dict, a list, a model or a dataclass, without running code of theirs."""
    if isinstance(value, dict):
        # Not by `[]`, which calls `__missing__`. What looks like a number may be a string.
        for each in (key, str(key)):
            if (found := dict.get(value, each, _MISSING)) is not _MISSING:
                return found
        raise _NotPlainError
    if isinstance(value, list | tuple) and isinstance(key, int):
        return list.__getitem__(value, key) if isinstance(value, list) else tuple.__getitem__(value, key)
    if not isinstance(key, str):
        raise _NotPlainError
    if isinstance(value, BaseModel):
        fields = object.__getattribute__(value, "__dict__")
        return fields[key] if key in fields else (object.__getattribute__(value, "__pydantic_extra__") or {})[key]
    if dataclasses.is_dataclass(value) and key in {each.name for each in dataclasses.fields(value)}:
        slot = inspect.getattr_static(type(value), key, None)
        if isinstance(slot, types.MemberDescriptorType):
            return slot.__get__(value)
        return object.__getattribute__(value, "__dict__")[key]
    raise _NotPlainError
