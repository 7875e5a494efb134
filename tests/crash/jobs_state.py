"""A job whose worker is killed between a write of its state and the answer."""

from __future__ import annotations

from typing import Any

from terse_temporal import Event, create_job
from terse_temporal.state import State

from . import crashing_stores  # noqa: F401  # for what it does


@create_job(name="crashing-state", durable=True, states={"count": int, "value": str, "gone": str})
async def crashing_state(event: Event, state: State) -> list[Any]:
    """Each kind of write."""
    first = await state.update("count", lambda n: (n or 0) + 1)
    await state.set("value", event.value)
    await state.delete("gone")
    return [first, await state.update("count", lambda n: n + 10), await state.get("value"), await state.get("gone")]
