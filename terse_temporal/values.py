"""Values on their way to JSON and back, by the types that the user gives.

pydantic does the work. What is added: an error says *where* in a nested value the trouble is, NaN and infinity are
refused (they are not JSON), and types are resolved in a given namespace, because a module of jobs is executed afresh
for every run and its classes are then other objects than those that `sys.modules` leads to.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, get_args, get_origin

from pydantic import BaseModel, PydanticUserError, ValidationError
from pydantic_core import PydanticSerializationError, to_jsonable_python

from .annotations import type_adapter

__all__ = ["MAX_BYTES", "Codec", "ValueProblem", "codec", "encoded_size", "fresh"]

#: The server refuses a value over 2 MiB (`limit.blobSize.error`). A little less, because codecs add to it.
MAX_BYTES: Final = 2 * 1024 * 1024 - 4096


#: Wrong fields that are named. An event from outside may hold half a million, whose lines take seconds to write.
_MOST_ERRORS: Final = 1_000


class ValueProblem(Exception):  # noqa: N818  # not an error of its own: a reason, for one
    """Why a value cannot pass, for the caller to raise as an error of its own, with the step or job in it."""


class Codec:
    """One type's way to JSON and back.

    Args:
        type_: anything `TypeAdapter` takes; `Any` is plain JSON.
        namespace: where the names in string annotations are looked up first.

    Raises:
        ValueProblem: pydantic can make nothing of the type.
    """

    __slots__ = ("_adapter", "_type")

    def __init__(self, type_: Any, namespace: Mapping[str, Any] | None = None) -> None:
        self._type = type_
        try:
            self._adapter = type_adapter(type_, namespace)
        # NameError: an annotation within the type names something that is not there.
        except (PydanticUserError, NameError) as err:
            raise ValueProblem(f"{type_name(type_)} cannot be read from JSON: {str(err).splitlines()[0]}") from None

    def check(self, value: Any) -> Any:
        """A Python value, validated and converted to the type."""
        try:
            return self._adapter.validate_python(value, by_alias=True, by_name=True)
        except ValidationError as err:
            raise ValueProblem(validation_text(err, self._type)) from None

    def missing(self, value: Any) -> list[tuple[int | str, ...]]:
        """The paths at which a value lacks what the type requires; `[]` also where it is wrong in another way only."""
        try:
            self._adapter.validate_python(value, by_alias=True, by_name=True)
        except ValidationError as err:
            return [each["loc"] for each in err.errors(include_url=False) if each["type"] == "missing"]
        return []

    def dump(self, value: Any) -> Any:
        """A value of the type as JSON data, for `load`. Plain JSON, which nobody loads, is as its types write it."""
        plain = self._type is Any
        try:
            data = self._adapter.dump_python(value, mode="json", by_alias=plain, round_trip=not plain, warnings="error")
        except (PydanticSerializationError, ValueError, TypeError, RecursionError) as err:
            path, found = _innermost(value, lambda inner: not _is_jsonable(inner))
            raise ValueProblem(f"the value at {path} is a {type_name(type(found))!r}, which JSON cannot hold") from err
        _refuse_nan(value, data)
        return data

    def load(self, data: Any) -> Any:
        """JSON data, validated and converted to the type, by pydantic's rules for JSON (also in strict mode)."""
        if self._type is Any:
            return data
        try:
            return self._adapter.validate_json(json.dumps(data), by_alias=True, by_name=True)
        except ValidationError as err:
            raise ValueProblem(validation_text(err, self._type)) from None


def codec(type_: Any, namespace: Mapping[str, Any] | None = None) -> Codec:
    """A codec, shared where the type is one of Python's own, which no copy of a module has for itself."""
    if type_ is Any or (isinstance(type_, type) and type_.__module__ == "builtins" and not get_args(type_)):
        return _shared(type_)
    return Codec(type_, namespace)


@functools.lru_cache(maxsize=64)
def _shared(type_: Any) -> Codec:
    return Codec(type_)


def encoded_size(data: Any) -> int:
    """The size of JSON data on its way, in bytes, by the SDK's own converter, which escapes all that is not ASCII."""
    return len(json.dumps(data, separators=(",", ":")))


def fresh(data: Any) -> Any:
    """A copy of JSON data, which shares nothing with it."""
    return json.loads(json.dumps(data)) if isinstance(data, dict | list | tuple) else data


def type_name(type_: Any) -> str:
    """A type as one would write it."""
    if get_origin(type_) is Annotated:
        # What it is annotated with, validators above all, says where in memory it is.
        return f"Annotated[{type_name(get_args(type_)[0])}, …]"
    return type_.__qualname__ if isinstance(type_, type) else str(type_).replace("typing.", "")


def validation_text(err: ValidationError, type_: Any) -> str:
    """Every wrong field of a failed validation, one per line, with its path and what was there."""
    if (count := err.error_count()) > _MOST_ERRORS:
        return f"does not fit {type_name(type_)}: {count:,} values in it are wrong, too many to name each"
    lines = [
        f"  {'.'.join(map(str, detail['loc'])) or '(the value itself)'}: {detail['msg']}{_shown(detail)}"
        for detail in err.errors(include_url=False, include_context=False)
    ]
    return "\n".join([f"does not fit {type_name(type_)}:", *lines])


def _shown(detail: Any) -> str:
    if detail["type"] == "missing" or isinstance(detail["input"], dict):
        return ""
    given = detail["input"]
    text = repr(given[:60] if isinstance(given, str) else given)
    return f" (it is {text if len(text) <= 60 else text[:57] + '…'})"


def _refuse_nan(value: Any, data: Any) -> None:
    try:
        # Where no type says that a number is one, pydantic writes null for it.
        suspect = "null" in json.dumps(data, allow_nan=False)
    except ValueError:
        suspect = True
    if suspect and (path := _not_finite(value) or _not_finite(data)):
        raise ValueProblem(f"the value at {path} is not a finite number, which JSON cannot hold")


def _not_finite(value: Any, path: str = "$", depth: int = 0) -> str | None:
    """The path of the first number in a value that is not finite."""
    if isinstance(value, float):
        return None if math.isfinite(value) else path
    for step, child in _children(value) if depth < 100 else ():
        if (found := _not_finite(child, path + step, depth + 1)) is not None:
            return found
    return None


def _is_jsonable(value: Any) -> bool:
    try:
        to_jsonable_python(value)
    except Exception:
        return False
    return True


def _innermost(value: Any, is_bad: Callable[[Any], bool], path: str = "$", depth: int = 0) -> tuple[str, Any]:
    """The innermost value that is bad, within one that is, and its path."""
    for step, child in _children(value) if depth < 100 else ():  # a value may contain itself
        if is_bad(child):
            return _innermost(child, is_bad, path + step, depth + 1)
    return path, value


def _children(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return [(f".{key}", child) for key, child in value.items()]
    if isinstance(value, list | tuple | set | frozenset):
        return [(f"[{index}]", child) for index, child in enumerate(value)]
    if isinstance(value, BaseModel):
        return [(f".{key}", child) for key, child in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [(f".{field.name}", getattr(value, field.name)) for field in dataclasses.fields(value)]
    return []
