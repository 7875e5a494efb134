"""Tests of types that hold for values which lie about theirs."""

from __future__ import annotations

import types
from typing import Any

__all__ = ["is_a"]


def is_a(value: Any, cls: type | types.UnionType | tuple[type, ...]) -> bool:
    """Return whether a value is of a class.

    Not by `isinstance`, which believes what an object says of its `__class__`.
    """
    return issubclass(type(value), cls)
