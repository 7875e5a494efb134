"""A store of somebody's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from terse_temporal.state import StateId, Stored


class MemoryStore:
    """Keeps one state in memory. It is false while it is empty, and makes each change twice, as a busy store may."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self._results: dict[str, Any] = {}

    def __len__(self) -> int:
        return len(self.values)

    async def get(self, of: StateId, key: str) -> Stored | None:
        return Stored(self.values[key]) if key in self.values else None

    async def items(self, of: StateId) -> dict[str, Any]:
        return dict(self.values)

    async def set(self, of: StateId, key: str, value: Any, *, write: str) -> None:
        if write not in self._results:
            self._results[write] = None
            self.values[key] = value

    async def delete(self, of: StateId, key: str, *, write: str) -> None:
        if write not in self._results:
            self._results[write] = None
            self.values.pop(key, None)

    async def update(
        self, of: StateId, key: str, change: Callable[[Stored | None], Awaitable[Any]], *, write: str
    ) -> Any:
        if write not in self._results:
            await change(await self.get(of, key))
            self._results[write] = self.values[key] = await change(await self.get(of, key))
        return self._results[write]
