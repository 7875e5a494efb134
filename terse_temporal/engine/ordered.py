"""Tasks that sets hold in the same order on every replay.

asyncio keeps tasks in sets: those of a `TaskGroup`, which cancels the others when one fails, and those that `wait`
gives as done. A set is ordered by the hashes of what is in it, and by default a task's is its address. So on a replay
steps would be cancelled, or begun, in another order than the one recorded, and the run could never go on. Here the
hash is the number of the task within its run.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from ..execution import current_execution

__all__ = ["order_tasks"]


class _OrderedTask(asyncio.Task[Any]):
    def __init__(self, number: int, *args: Any, **kwargs: Any) -> None:
        # First, because the task is put into a set when it is made.
        self._number = number
        super().__init__(*args, **kwargs)

    def __hash__(self) -> int:
        return self._number


def order_tasks(loop: Any) -> None:
    """Number the tasks that a handler creates.

    Args:
        loop: the workflow instance, which is its own event loop. It takes no task factory, so its method is replaced.
    """
    numbers = itertools.count()
    create = loop.create_task

    def create_task(coro: Any, *, name: str | None = None, context: Any = None) -> asyncio.Task[Any]:
        if current_execution() is None:
            # The engine's own, for a query say, which may come at any time and must not use up a number.
            return create(coro, name=name, context=context)  # type: ignore[no-any-return]  # the loop is not typed
        task = _OrderedTask(next(numbers), coro, loop=loop, context=context)
        # Underscored, but there is no other way in: it keeps the task from being collected, and cancels it at the end.
        loop._register_task(task, name=name)
        return task

    loop.create_task = create_task
