"""Tasks in the same order on every replay.

asyncio keeps tasks in sets: those of a `TaskGroup`, which cancels the others when one fails, and those that `wait`
gives as done. A set is ordered by the hashes of what is in it, and by default a task's is its address. So on a replay
steps would be cancelled, or begun, in another order than the one recorded, and the run could never go on. Here the
hash is the number of the task within its run.

And tasks that do not end the worker: asyncio raises a `SystemExit` of a task out of its event loop, as the process is
to end. In a handler it fails the run, so the task raises it as something else, `Exited`.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Coroutine, Iterable, Iterator
from typing import Any

from ...diagnostics.python_private import end_silently, running_loop
from ...execution.protocol import current_execution
from ..sdk_private import keep_task, tasks_of_run

__all__ = ["Exited", "as_completed", "close_tasks", "exit_of", "order_tasks"]


class Exited(BaseException):
    """Stands for a `SystemExit`, or `KeyboardInterrupt`, that a task of a handler raised; that is its cause."""


def exit_of(error: BaseException) -> BaseException:
    """Return what a task raised that wanted to end the process, if that stands behind an error, perhaps in a group of
    some.
    """
    if isinstance(error, Exited):
        return error.__cause__ or error
    if isinstance(error, BaseExceptionGroup):
        # Not one that the handler put into a group itself: the group is then what it raised.
        found = ((each, exit_of(each)) for each in error.exceptions)
        return next((inside for each, inside in found if inside is not each), error)
    return error


class _InRun(Coroutine[Any, Any, Any]):
    """The coroutine of a task, which does not end the process.

    asyncio's C code treats `SystemExit` and `KeyboardInterrupt` of a task by themselves: it stores them *and* raises
    them out of the event loop, which is the workflow instance here, on a thread of the worker. A task's `__step` cannot
    be overridden, so the two are turned into `Exited` one level below, in the coroutine that it drives.
    """

    def __init__(self, inner: Coroutine[Any, Any, Any]) -> None:
        self._inner = inner
        self.__name__ = getattr(inner, "__name__", type(inner).__name__)
        self.__qualname__ = getattr(inner, "__qualname__", self.__name__)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __await__(self) -> Any:
        return self._inner.__await__()

    def send(self, value: Any) -> Any:
        try:
            return self._inner.send(value)
        except (SystemExit, KeyboardInterrupt) as err:
            raise Exited(f"{type(err).__name__}: {err}") from err

    def throw(self, *error: Any) -> Any:
        try:
            return self._inner.throw(*error)
        except (SystemExit, KeyboardInterrupt) as err:
            raise Exited(f"{type(err).__name__}: {err}") from err

    def close(self) -> None:
        self._inner.close()


class _OrderedTask(asyncio.Task[Any]):
    """A task whose hash is its number within the run.

    A set of small integers is ordered by their values as long as it has not been resized with collisions, and the same
    insertions and removals give the same order in any process of one version of Python: which is what a replay needs.
    It need not be the order of creation. Equality stays identity, so that two runs' tasks of one number are two tasks.
    Unnecessary as soon as asyncio keeps tasks in a `dict`, or the SDK gives the tasks of a workflow a hash of its own.
    """

    def __init__(self, number: int, *args: Any, **kwargs: Any) -> None:
        # First, because the task is put into a set when it is made.
        self._number = number
        super().__init__(*args, **kwargs)

    def __hash__(self) -> int:
        return self._number


def order_tasks(loop: Any) -> None:
    """Give numbers to the tasks that a handler creates.

    Args:
        loop: the workflow instance, which is its own event loop. It takes no task factory, so its method is replaced.
    """
    numbers = itertools.count()
    create = loop.create_task

    def create_task(coro: Any, *, name: str | None = None, context: Any = None) -> asyncio.Task[Any]:
        if current_execution() is None:
            # The engine's own, for a query say, which may come at any time and must not use up a number.
            return create(coro, name=name, context=context)  # type: ignore[no-any-return]  # the loop is not typed
        task = _OrderedTask(next(numbers), _InRun(coro), loop=loop, context=context)
        keep_task(loop, task, name)
        return task

    loop.create_task = create_task


def close_tasks(loop: Any) -> None:
    """End the tasks of a run that is evicted and cannot be cancelled.

    What they have in `finally` is run, as when a coroutine is closed: without anything that can be awaited.

    Args:
        loop: the workflow instance, as above.
    """
    tasks = tasks_of_run(loop)
    with running_loop(loop):
        for task in list(tasks):
            end_silently(task)
    tasks.clear()


class as_completed:  # noqa: N801  # it stands for a function
    """`asyncio.as_completed`, which makes a set of what it is given, in the order of the arguments.

    With `for` it gives coroutines; with `async for`, which Python has from 3.13 on, the tasks themselves.
    """

    def __init__(self, fs: Iterable[Awaitable[Any]], *, timeout: float | None = None) -> None:
        if asyncio.isfuture(fs) or asyncio.iscoroutine(fs):
            raise TypeError(f"expect an iterable of futures, not {type(fs).__name__}")
        loop = asyncio.get_running_loop()
        self._todo = [asyncio.ensure_future(each, loop=loop) for each in dict.fromkeys(fs)]
        self._left = len(self._todo)
        self._done: asyncio.Queue[asyncio.Future[Any] | None] = asyncio.Queue()
        self._timer: asyncio.TimerHandle | None = None
        for each in self._todo:
            each.add_done_callback(self._completed)
        if self._todo and timeout is not None:
            self._timer = loop.call_later(timeout, self._timed_out)

    def __iter__(self) -> Iterator[Awaitable[Any]]:
        return self

    def __next__(self) -> Awaitable[Any]:
        if not self._left:
            raise StopIteration
        self._left -= 1
        return self._result()

    def __aiter__(self) -> as_completed:
        return self

    async def __anext__(self) -> asyncio.Future[Any]:
        if not self._left:
            raise StopAsyncIteration
        self._left -= 1
        return await self._next()

    async def _result(self) -> Any:
        return (await self._next()).result()

    async def _next(self) -> asyncio.Future[Any]:
        found = await self._done.get()
        if found is None:
            raise TimeoutError
        return found

    def _completed(self, task: asyncio.Future[Any]) -> None:
        if task not in self._todo:
            return  # the time was up first
        self._todo.remove(task)
        self._done.put_nowait(task)
        if not self._todo and self._timer is not None:
            self._timer.cancel()

    def _timed_out(self) -> None:
        for task in self._todo:
            task.remove_done_callback(self._completed)
            self._done.put_nowait(None)
        self._todo.clear()
