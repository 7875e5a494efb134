"""pydantic's ValidationError, which is made in Rust: what it holds as JSON, and one made of that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from pydantic import ValidationError
from pydantic_core import PydanticCustomError, PydanticUndefined

from .calls import plain_json

__all__ = ["METHODS", "validation_error", "validation_lines"]

_Error = TypeVar("_Error", bound=ValidationError)

#: What cannot be asked for where the lines are not recorded.
METHODS: Final = ("errors", "error_count", "json")


def validation_lines(error: ValidationError) -> list[dict[str, Any]]:
    """Return what is wrong, one entry for each place. An input that would come back as something else is left out."""
    lines: list[dict[str, Any]] = []
    for each in error.errors(include_url=False, include_context=False):
        line: dict[str, Any] = {"type": each["type"], "loc": list(each["loc"]), "msg": each["msg"]}
        if plain_json(each["input"]):
            line["input"] = each["input"]
        lines.append(line)
    return lines


def validation_error(cls: type[_Error], attributes: Mapping[str, Any]) -> _Error:
    """Return a ValidationError of a class, whose `__init__` takes anything.

    The type of each line is one of the user's own, by the same name: what pydantic's own would say again is said.
    """
    lines: list[Any] = [
        {
            "type": PydanticCustomError(str(line["type"]), str(line["msg"])),
            "loc": tuple(line["loc"]),
            "input": line.get("input", PydanticUndefined),
        }
        for line in attributes.get("errors", ())
    ]
    return cls.from_exception_data(str(attributes.get("title", "")), lines)
