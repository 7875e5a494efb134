"""Calling something for each of many items, some of them at once: what `job_map` and `job.map` have in common."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any, Final, Generic, TypeVar

from ..errors import JobDefinitionError, StepInputError
from ..execution.anyio_scopes import out_of_reach_of_anyio

__all__ = ["check_items", "check_limits", "map_at_once"]

_A = TypeVar("_A")
_R = TypeVar("_R")
_F = TypeVar("_F", bound=Exception)

_NOTHING_MORE: Final = object()


def check_limits(call: str, at_once: int, max_failures: int | None) -> None:
    """Check the two options.

    Args:
        call: what has them, for messages: `job_map()`.

    Raises:
        JobDefinitionError: one makes no sense.
    """
    if not isinstance(at_once, int) or isinstance(at_once, bool) or at_once < 1:
        raise JobDefinitionError(f"{call}: at_once={at_once!r}; give a whole number of 1 or more")
    if max_failures is not None and (
        not isinstance(max_failures, int) or isinstance(max_failures, bool) or max_failures < 0
    ):
        raise JobDefinitionError(
            f"{call}: max_failures={max_failures!r}; give a whole number of 0 or more, or None for any number"
        )


def check_items(call: str, name: str, items: Iterable[_A]) -> Iterator[_A]:
    """Return what goes through the items, in an order that a replay repeats.

    Raises:
        StepInputError: there is no such order, or they are not to be gone through.
    """
    if isinstance(items, set | frozenset):
        raise StepInputError(
            f"{call}: {name} is a set, which a replay would go through in another order; give a list, sorted(…)"
        )
    if isinstance(items, str | bytes) or not isinstance(items, Iterable):
        raise StepInputError(f"{call}: {name} is of type {type(items).__name__!r}; give a list, or another iterable")
    return iter(items)


async def map_at_once(
    call: Callable[[_A], Awaitable[_R]],
    items: Iterable[_A],
    *,
    at_once: int,
    max_failures: int | None,
    failures: type[_F],
    what: str,
) -> list[_R | _F]:
    """Await a call for each item, so many at once, and return the results in the order of the items.

    Items are taken one at a time, as calls end, so that no more than `at_once` of them are held. The same calls are
    made in the same order on every replay: which ends first is recorded.

    Args:
        call: makes what is awaited; what it raises itself counts as what is raised when awaited.
        items: gone through once.
        at_once: how many calls are open, at most.
        max_failures: how many may fail; `None` is any number. A failure that is tolerated stands in the list.
        failures: the class of what counts as a failure. Whatever else is raised ends the whole.
        what: its name in the group's message.

    Raises:
        ExceptionGroup: more have failed than may. Those that were open have ended, and no other was begun.
    """
    mapped = _Mapped(call, iter(items), max_failures, failures)
    tasks: list[asyncio.Task[None]] = []
    try:
        while len(tasks) < at_once and (item := mapped.take()) is not _NOTHING_MORE:
            tasks.append(asyncio.create_task(mapped.work(item)))
        if tasks:
            await asyncio.wait(tasks)
    except GeneratorExit:  # thrown in by `close()`: nothing may be awaited any more
        raise
    except BaseException:  # it is cancelled, or what goes through the items wants the process to end
        for task in tasks:
            task.cancel()
        with out_of_reach_of_anyio():
            while not all(task.done() for task in tasks):
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait(tasks)
        raise
    for task in tasks:
        task.result()  # of a call that was cancelled, though nobody has cancelled this
    return mapped.results(what)


class _Mapped(Generic[_A, _R, _F]):
    """The items that are left, and what has come of the others."""

    def __init__(
        self,
        call: Callable[[_A], Awaitable[_R]],
        items: Iterator[_A],
        max_failures: int | None,
        failures: type[_F],
    ) -> None:
        self._call = call
        self._items = items
        self._max_failures = max_failures
        self._failures = failures
        self._results: list[Any] = []
        self._failed: list[int] = []
        self._wrong: Exception | None = None

    def take(self) -> Any:
        """Return the next item with its place, or `_NOTHING_MORE`."""
        if self._wrong is not None or self._is_over():
            return _NOTHING_MORE
        try:
            item = next(self._items, _NOTHING_MORE)
        except Exception as err:  # what goes through the items may be the user's own code
            self._wrong = err
            return _NOTHING_MORE
        if item is _NOTHING_MORE:
            return item
        self._results.append(None)
        return len(self._results) - 1, item

    async def work(self, first: tuple[int, _A]) -> None:
        """Call for one item after the other, until there is none left, or it is over."""
        taken: Any = first
        while taken is not _NOTHING_MORE:
            index, item = taken
            try:
                self._results[index] = await self._call(item)
            except self._failures as err:
                self._results[index] = err
                self._failed.append(index)
            except Exception as err:
                self._wrong = self._wrong or err
            taken = self.take()

    def results(self, what: str) -> list[Any]:
        """Return what came of the items, if no more failed than may."""
        if self._wrong is not None:
            raise self._wrong
        if self._is_over():
            errors = [self._results[index] for index in sorted(self._failed)]
            of = f"{len(errors)} of {len(self._results)}"
            raise ExceptionGroup(f"{what}: {of} have failed, and max_failures={self._max_failures}", errors)
        return self._results

    def _is_over(self) -> bool:
        return self._max_failures is not None and len(self._failed) > self._max_failures
