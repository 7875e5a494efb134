"""Cutting an event that is too large for the server down to what its model declares.

A server takes 2 MiB of an input, and GitHub sends up to 25. What a model does not declare goes, the large parts first.
Small ones stay, for models tell by them which event it is, and may read a field from under another name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from pydantic import AliasChoices, AliasPath, BaseModel, ValidationError
from pydantic.fields import FieldInfo

__all__ = ["cut_event", "json_size"]

#: Bytes of JSON of an undeclared part that stays: in the first attempt, and in the second, which is as much as an id.
#: At the top the first holds for both.
_SMALL: Final = 1024
_SMALLEST: Final = 100


def cut_event(event: Any, model: Any, most: int) -> Any | None:
    """Return an event within so many bytes of JSON, without parts that its model does not declare, if need be.

    Args:
        event: JSON data.
        model: the model that it is read by; anything else declares nothing, and nothing is cut.
        most: bytes that the result has at most.

    Returns:
        The event itself, where it is small enough; `None` where what is left is still too large.
    """
    if json_size(event) <= most:
        return event
    if not isinstance(model, type) or not issubclass(model, BaseModel):
        return None
    try:
        read = model.model_validate_json(json.dumps(event), by_alias=True, by_name=True)
    except ValidationError:
        return None
    for kept in (_SMALL, _SMALLEST):
        cut = _without(event, read, _SMALL, kept)
        if json_size(cut) <= most:
            return cut if _reads_as(cut, read) else None
    return None


def _reads_as(cut: Any, read: BaseModel) -> bool:
    """Return whether all fields are still there: a model may read them from where it declares nothing."""
    try:
        again = type(read).model_validate_json(json.dumps(cut), by_alias=True, by_name=True)
    except ValidationError:
        return False
    fields = type(read).model_fields
    return all((getattr(again, each) is None) == (getattr(read, each) is None) for each in fields)


def json_size(value: Any) -> int:
    """Return how many bytes of JSON a value is."""
    return len(json.dumps(value, separators=(",", ":")))


def _without(raw: Any, read: Any, most: int, most_below: int) -> Any:
    if isinstance(raw, list) and isinstance(read, list | tuple) and len(raw) == len(read):
        return [_without(item, value, most_below, most_below) for item, value in zip(raw, read, strict=True)]
    if not isinstance(raw, dict) or not isinstance(read, BaseModel):
        return raw
    declared = {key: name for name, field in type(read).model_fields.items() for key in _keys(name, field)}
    kept = {}
    for key, value in raw.items():
        if key in declared:
            kept[key] = _without(value, getattr(read, declared[key]), most_below, most_below)
        elif json_size(value) <= most:
            kept[key] = value
    return kept


def _keys(name: str, field: FieldInfo) -> Iterator[str]:
    """Return the keys that a field is read from."""
    yield name
    alias = field.validation_alias or field.alias
    for each in alias.choices if isinstance(alias, AliasChoices) else [alias]:
        first = each.path[0] if isinstance(each, AliasPath) else each
        if isinstance(first, str):
            yield first
