"""Every undocumented name of Python that this package uses (3.11 to 3.14), each with what it waits for.

`sys._getframe`, `sys._current_frames`, `os._exit` and the `_value_` of enums are documented, underscore or not, and
stand where they are used.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

__all__ = [
    "CACHED_FUNCTION",
    "end_silently",
    "environment_as_it_is",
    "functions_at_exit",
    "replace_start_of_threads",
    "running_loop",
]

#: What `functools.cache` and `lru_cache` make of a function, which has state. Waits for a public name of that class.
CACHED_FUNCTION: Final[type] = functools._lru_cache_wrapper


def environment_as_it_is() -> dict[Any, Any]:
    """Return a copy of the environment, to be compared with another: encoded, where the system has it so.

    Private: `os.environ._data`. To copy that takes a microsecond, and to read all variables through `os.environ` a
    tenth of a millisecond, for every line of a log. Waits for: nothing; without it the copy is only slower.
    """
    return dict(getattr(os.environ, "_data", os.environ))


def functions_at_exit() -> int:
    """Return how many functions are registered to be called at the end of the process.

    Private: `atexit._ncallbacks`. Waits for: any way to see that a module has registered one.
    """
    return atexit._ncallbacks()


def replace_start_of_threads(wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Replace the function that begins every thread of `threading`.

    Private: `threading._start_new_thread`. Waits for: Python 3.12 as the least that is supported, whose audit event
    `_thread.start_new_thread` says the same.
    """
    vars(threading)["_start_new_thread"] = wrap(vars(threading)["_start_new_thread"])


@contextlib.contextmanager
def running_loop(loop: Any) -> Iterator[None]:
    """Make an event loop the running one of this thread within the block.

    Private: `asyncio._set_running_loop`, which is for those who write event loops. Waits for: nothing; a coroutine that
    is closed from outside its loop has no other way to have one.
    """
    asyncio._set_running_loop(loop)
    try:
        yield
    finally:
        asyncio._set_running_loop(None)


def end_silently(task: asyncio.Task[Any]) -> None:
    """End the coroutine of a task that nothing wakes any more, whatever its `finally` raises.

    Private: `Task._log_destroy_pending`, so that nobody is told that it was pending when it was collected. Waits for:
    a way to end a task without its event loop.
    """
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # not in its stubs
    with contextlib.suppress(BaseException):
        coroutine: Any = task.get_coro()
        coroutine.close()
