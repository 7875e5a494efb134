"""What is awaited in the `finally` of a task that a scope of anyio cancels."""

from __future__ import annotations

import contextlib
import sys

__all__ = ["out_of_reach_of_anyio"]


def out_of_reach_of_anyio() -> contextlib.AbstractContextManager[object]:
    """Keep a cancelled scope of anyio from cancelling this task again.

    It does so in every turn of the event loop until the task has left the scope, so that the workflow task would have
    no end. Whoever uses scopes has imported anyio.
    """
    anyio = sys.modules.get("anyio")
    return anyio.CancelScope(shield=True) if anyio is not None else contextlib.nullcontext()
