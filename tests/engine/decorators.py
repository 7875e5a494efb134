"""A decorator that hides what it is over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any


def hidden(function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def call(event: Any) -> Any:
        return await function(event)

    return call
