"""Iterators, which can be gone through once, as lists, which can be written and read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel, TypeAdapter

from .readback import children

__all__ = ["of_iterator", "replace_iterators"]


def of_iterator(type_: Any) -> Any:
    """`Iterable[T]` for `Iterator[T]`, of which pydantic knows nothing."""
    if type_ is Iterator or get_origin(type_) is Iterator:
        item = next(iter(get_args(type_)), Any)
        return Iterable[item]  # type: ignore[valid-type]  # made at run time
    return type_


def replace_iterators(value: Any) -> Any:
    """Return a value with a list in the place of each of pydantic's iterators, which can be gone through once.

    In models and dataclasses they are replaced in place: to write them they would be used up.
    """
    if isinstance(value, _ITERATOR):
        return [replace_iterators(each) for each in value]
    if isinstance(value, tuple):
        parts = [replace_iterators(each) for each in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    for key, child in children(value):
        if (new := replace_iterators(child)) is child:
            continue
        if isinstance(value, list | dict):
            value[key] = new
        elif isinstance(value, BaseModel) and key in value.__dict__:
            value.__dict__[key] = new
        else:
            object.__setattr__(value, key, new)
    return value


#: What pydantic makes of an `Iterable`. It has no public name.
_ITERATOR: Final = type(TypeAdapter(Iterable[Any]).validate_python([]))
