"""What Python's warning of something that is never awaited says: a step, a sleep, a run, and not a function of ours."""

from __future__ import annotations

from collections.abc import Coroutine
from types import CoroutineType
from typing import Any, TypeVar

__all__ = ["named"]

_ResultT = TypeVar("_ResultT")


def named(name: str, coroutine: Coroutine[Any, Any, _ResultT]) -> Coroutine[Any, Any, _ResultT]:
    """Give a coroutine the name that Python's warning says where it is never awaited."""
    if isinstance(coroutine, CoroutineType):
        coroutine.__qualname__ = name
    return coroutine
