"""What a place that keeps state has to do.

A store knows nothing of types: values are plain JSON data. What it promises is that a write happens once for its key,
however often it is asked for, and that an update is not lost to another.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

__all__ = ["StateId", "StateStore", "Stored"]


@dataclass(frozen=True, slots=True)
class StateId:
    """Whose state it is. A job on another task queue or in another namespace has another state.

    Attributes:
        namespace: of the Temporal server.
        task_queue: of the job's workers: staging and production, in one namespace, do not mix.
        job: the job's name.
    """

    namespace: str
    task_queue: str
    job: str


@dataclass(frozen=True, slots=True)
class Stored:
    """A value that is set, which `None` may be too."""

    value: Any


@runtime_checkable
class StateStore(Protocol):
    """Keeps the state of jobs. Give one to `build_worker(state_store=…)` or `TersePlugin(state_store=…)`.

    All of it is called on the worker's event loop, by many runs at once. A read sees every write that has returned
    before it, in any process. What it raises fails the call, unless it says that it will pass (`TransientError`, a
    `ConnectionError`): then the call is tried again for some minutes.

    Every write has a key of its own, `write`, which an attempt after an interruption has again. A store keeps the keys
    that it has applied, for as long as it says, and a write whose key it knows changes nothing.
    """

    async def get(self, of: StateId, key: str) -> Stored | None:
        """Return the value of a key, or `None` where it is not set."""

    async def items(self, of: StateId) -> Mapping[str, Any]:
        """Return every key that is set, with its value."""

    async def set(self, of: StateId, key: str, value: Any, *, write: str) -> None:
        """Set a key."""

    async def delete(self, of: StateId, key: str, *, write: str) -> None:
        """Unset a key; nothing if it is not set."""

    async def update(
        self, of: StateId, key: str, change: Callable[[Stored | None], Awaitable[Any]], *, write: str
    ) -> Any:
        """Replace a value by what `change` makes of it, atomically, and return the new one.

        `change` is awaited again with the newer value when another write came between, so nothing may be locked while
        it runs. A write that has been applied returns what it returned then, also where `change` would raise now. What
        it raises comes out as it is, and is not tried again.
        """
