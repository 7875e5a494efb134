"""Waiting for whichever comes first: another task, or a signal."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

__all__ = ["Interrupted", "race", "run_interruptibly"]

_A = TypeVar("_A")
_B = TypeVar("_B")

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal has ended what was running."""

    def __init__(self, by: signal.Signals) -> None:
        super().__init__(by)
        #: As shells show that a signal ended a process.
        self.status = 128 + by


def run_interruptibly(main: Coroutine[Any, Any, _A]) -> _A:
    """Run it on an event loop, cancelled by Ctrl-C, SIGTERM and SIGHUP.

    Every signal cancels again, so that the second cuts short what the first has begun: to end things in good order.

    Raises:
        Interrupted: by a signal, when all is ended.

    Signals are those of the main thread; on another thread none is heard.
    """
    return asyncio.run(_interruptible(main))


async def _interruptible(main: Coroutine[Any, Any, _A]) -> _A:
    received: list[signal.Signals] = []
    task = asyncio.create_task(main)

    def on_signal(which: signal.Signals) -> None:
        received.append(which)
        task.cancel()

    for each in _SIGNALS if threading.current_thread() is threading.main_thread() else ():
        asyncio.get_running_loop().add_signal_handler(each, on_signal, each)
    try:
        return await task
    except asyncio.CancelledError:
        if not received:
            raise
        raise Interrupted(received[0]) from None


async def race(one: Coroutine[Any, Any, _A], other: Coroutine[Any, Any, _B]) -> _A | _B:
    """Run both at the same time, cancel the slower when one has ended, and return or raise what the quicker did."""
    tasks: list[asyncio.Task[Any]] = [asyncio.create_task(one), asyncio.create_task(other)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        quicker: _A | _B = next(task for task in tasks if task.done()).result()
        return quicker
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
