"""Waiting for a step or child run in a task of the handler that may be cancelled."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from temporalio import workflow

from ...execution.anyio_scopes import out_of_reach_of_anyio

__all__ = ["cancel_and_wait", "wait_cancellation_completed", "wait_uncancelled"]


async def wait_cancellation_completed(handle: asyncio.Task[Any]) -> Any:
    """Return the result of a step or child run; when the handler's task is cancelled, it has ended before that goes on.

    Shielded, so that the server is asked once, and so that what the handler does in its `finally` does not overlap with
    it. The task may be cancelled again while it waits: the wait goes on.
    """
    try:
        return await asyncio.shield(handle)
    except asyncio.CancelledError:
        await cancel_and_wait(handle)
        raise


async def cancel_and_wait(handle: asyncio.Task[Any]) -> None:
    """Cancel a step or child run, and wait for its end, however often the task that waits is cancelled meanwhile."""
    if not handle.done():
        handle.cancel()
    await wait_uncancelled(handle)


async def wait_uncancelled(task: asyncio.Future[Any]) -> None:
    """Wait until a task is done, however often the one that waits is cancelled meanwhile."""
    with out_of_reach_of_anyio():
        while not task.done():
            with contextlib.suppress(asyncio.CancelledError):
                await workflow.wait([task])
    if not task.cancelled():
        task.exception()  # looked at, so that nobody complains that it was not
