"""What keeps a value from being JSON, and where in it that is."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from .readback import LEAVES, children, step

__all__ = ["DEEPEST", "DEEPEST_READ", "NO_NUMBER", "ValueProblem", "innermost", "not_finite", "path_below", "too_deep"]

#: Levels of a value that pydantic writes, and that it reads as a type.
DEEPEST: Final = 255
DEEPEST_READ: Final = 200

NO_NUMBER: Final = "is not a finite number, which JSON cannot hold"

#: What JSON data is nested of.
_NESTING: Final = frozenset([dict, list])


class ValueProblem(Exception):  # noqa: N818  # not an error of its own: a reason, for one
    """Why a value cannot pass, for the caller to raise as an error of its own, with the step or job in it."""


def not_finite(value: Any, depth: int = 0) -> str | None:
    """Return the path of the first number in a value that is not finite."""
    if isinstance(value, float):
        return None if math.isfinite(value) else "$"
    for key, child in children(value) if depth < 100 else ():
        if (type(child) is float or type(child) not in LEAVES) and (found := not_finite(child, depth + 1)):
            return f"${step(value, key)}{found[1:]}"
    return None


def innermost(value: Any, is_bad: Callable[[Any], bool], path: str = "$", depth: int = 0) -> tuple[str, Any]:
    """Return the innermost value that is bad, within one that is, and its path."""
    for key, child in children(value) if depth < 100 else ():  # a value may contain itself
        if is_bad(child):
            return innermost(child, is_bad, path + step(value, key), depth + 1)
    return path, value


def too_deep(data: Any) -> str | None:
    """Return the path to JSON data that lies deeper than what can be read as a type; `None` if none does."""
    level = [data] if type(data) in _NESTING else []
    # By levels, without paths: nearly all data is nested a few times, and may have a hundred thousand keys.
    for _ in range(DEEPEST_READ):
        if not level:
            return None
        level = [
            child
            for each in level
            for child in (each.values() if type(each) is dict else each)
            if type(child) in _NESTING
        ]
    return path_below(data, DEEPEST_READ) if level else None


def path_below(value: Any, most: int = DEEPEST) -> str | None:
    """Return the path to a value that lies deeper than so many levels, or its beginning; `None` if none does."""
    pending = [(value, "$", 0)]
    while pending:
        value, path, depth = pending.pop()
        if depth >= most:
            return path
        # The path is told, not followed: its beginning is enough.
        held = children(value)
        pending += [(each, path + step(value, key) if len(path) < 60 else path, depth + 1) for key, each in held]
    return None
