"""Calling a function: an `async def` on the loop, any other on a thread, and for no longer than it may take."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from datetime import timedelta
from typing import Any, Final

from ..diagnostics.places import place_of
from ..durations import format_duration
from ..errors import StepTimeoutError

__all__ = ["NoThreadError", "TimeLimit", "run_function"]

#: Seconds without a thread after which that is said.
_WAITS_AFTER: Final = 1.0


class NoThreadError(Exception):
    """A function has not begun, since no thread came free for it, and never will."""


async def run_function(
    function: Callable[..., Any],
    positional: Sequence[Any],
    keywords: Mapping[str, Any],
    *,
    threads: Executor | None = None,
    must_end: Callable[[], bool] = lambda: False,
    waits: Callable[[], None] = lambda: None,
    patience: float | None = None,
) -> Any:
    """Call a function: an `async def` here, any other on a thread.

    The time limit around the call begins when the thread does. A call that is cancelled before that never begins.

    Args:
        threads: where; `None` is the loop's own.
        must_end: asked when the call is cancelled: whether to wait for a thread, which cannot be stopped.
        waits: called where no thread comes free for a second.
        patience: seconds to wait for a thread; `None` is as long as it takes.

    Raises:
        NoThreadError: none came free in that time.
    """
    if _is_async(function):
        return await function(*positional, **keywords)
    loop = asyncio.get_running_loop()
    context = contextvars.copy_context()
    call = _ThreadCall(functools.partial(context.run, _outcome, function, positional, keywords), loop)
    running = loop.run_in_executor(threads, call)
    limit = _limit.get()
    try:
        if limit is not None:
            limit.hold()
        if not await call.begins(_WAITS_AFTER):
            waits()
            if not await call.begins(patience) and call.withdraw():
                raise NoThreadError
        if limit is not None:
            limit.begin()
        result, error = await asyncio.shield(running)
    except BaseException:
        # Not only taken out of the queue: a thread may be about to take it.
        if call.withdraw():
            running.cancel()
        elif must_end() and not running.done():
            await asyncio.wait([running])
        raise
    if error is not None:
        raise error
    # `lambda x: fetch(x)` is a plain function that gives a coroutine.
    return await result if inspect.isawaitable(result) else result


def _is_async(function: Callable[..., Any]) -> bool:
    # An `async def` with `@step` is a plain function that returns what the one in it does.
    return inspect.iscoroutinefunction(inspect.unwrap(function)) or inspect.iscoroutinefunction(function)


class _ThreadCall:
    """A call on a thread that can be taken back until it begins."""

    def __init__(self, call: Callable[[], tuple[Any, BaseException | None]], loop: asyncio.AbstractEventLoop) -> None:
        self._call = call
        self._loop = loop
        self._begun = asyncio.Event()
        self._taken = threading.Lock()
        self._is_withdrawn = False

    def __call__(self) -> tuple[Any, BaseException | None]:
        if not self._taken.acquire(blocking=False):
            return None, None
        self._loop.call_soon_threadsafe(self._begun.set)
        return self._call()

    def withdraw(self) -> bool:
        """Take the call back; false where it has begun."""
        self._is_withdrawn = self._is_withdrawn or self._taken.acquire(blocking=False)
        return self._is_withdrawn

    async def begins(self, seconds: float | None) -> bool:
        """Wait until it begins, but no longer than that; whether it has."""
        try:
            async with asyncio.timeout(seconds):
                await self._begun.wait()
        except TimeoutError:
            return False
        return True


def _outcome(
    function: Callable[..., Any], positional: Sequence[Any], keywords: Mapping[str, Any]
) -> tuple[Any, BaseException | None]:
    """Return what a function returns, and what it raises.

    Both as a value: a future refuses a `StopIteration`, and stays open for ever, and a task takes some others that it
    is woken with for its own end.
    """
    try:
        result = function(*positional, **keywords)
        # A generator runs when it is gone through, which is here, and not on the loop.
        return (list(result) if inspect.isgenerator(result) else result), None
    except StopIteration as err:
        # Python does the same to one that leaves a coroutine.
        return None, RuntimeError(f"the function raised StopIteration({', '.join(map(repr, err.args))})")
    except BaseException as err:
        return None, err


class TimeLimit:
    """`asyncio.timeout`, with an error that names the step."""

    def __init__(self, seconds: float, name: str, function: Callable[..., Any]) -> None:
        self._limit = asyncio.timeout(seconds)
        self._seconds = seconds
        self._name = name
        self._function = function

    def hold(self) -> None:
        """Let no time pass for now: the call waits for a thread."""
        if not self._limit.expired():
            self._limit.reschedule(None)

    def begin(self) -> None:
        """Count from now."""
        self._limit.reschedule(asyncio.get_running_loop().time() + self._seconds)

    async def __aenter__(self) -> None:
        await self._limit.__aenter__()
        self._token = _limit.set(self)

    async def __aexit__(self, *error: Any) -> None:
        _limit.reset(self._token)
        try:
            await self._limit.__aexit__(*error)
        except TimeoutError:
            if not self._limit.expired():
                raise
            goes_on = not _is_async(self._function)
            raise StepTimeoutError(
                f"step {self._name!r} ({place_of(self._function)}) took longer than its timeout of"
                f" {format_duration(timedelta(seconds=self._seconds))}."
                + (" It is a plain function, so its thread goes on until it returns." if goes_on else "")
                + ' Give it more with timeout="1h", or make it do less.',
                step=self._name,
            ) from None


_limit: contextvars.ContextVar[TimeLimit | None] = contextvars.ContextVar("terse_temporal.time_limit", default=None)
