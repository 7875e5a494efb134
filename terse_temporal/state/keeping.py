"""Where the state of a job is kept, and what it may hold: what a call of `state` finds where it runs."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from weakref import WeakValueDictionary

from ..errors import NotInRunError, StateError
from ..execution.protocol import StepContext, current_execution
from .schema import StateSchema
from .store import StateId, StateStore

__all__ = ["JobState", "UpdateQueues", "here"]

_updating: ContextVar[bool] = ContextVar("terse_temporal.state.updating", default=False)


class UpdateQueues:
    """Updates of one key wait for each other within a worker, so that they rarely find that another came between."""

    def __init__(self) -> None:
        # Weak: a queue is there for as long as anybody is in it.
        self._locks: WeakValueDictionary[tuple[StateId, str], asyncio.Lock] = WeakValueDictionary()

    def turn(self, of: StateId, key: str) -> AbstractAsyncContextManager[None]:
        """Wait for one's turn, and have it within the block."""
        return _Turn(self._locks.setdefault((of, key), asyncio.Lock()))


class _Turn(AbstractAsyncContextManager[None]):
    # No generator: that sets the traceback of what the user's function raises, whose class may not let it.
    def __init__(self, lock: asyncio.Lock) -> None:
        self._lock = lock

    async def __aenter__(self) -> None:
        await self._lock.acquire()
        self._token = _updating.set(True)

    async def __aexit__(self, *_: object) -> None:
        _updating.reset(self._token)
        self._lock.release()


@dataclass(frozen=True, slots=True)
class JobState:
    """The state of one job, as a worker has it.

    Attributes:
        of: whose it is.
        schema: its keys and types, of the module as the worker imported it.
        store: where it is kept.
        queues: shared by all jobs of the worker.
        run_id: of the run that makes the calls. After a reset it is another, while the keys of steps stay.
        threads: where functions of updates run that are not coroutine functions; `None` is the loop's own.
    """

    of: StateId
    schema: StateSchema
    store: StateStore
    queues: UpdateQueues
    run_id: str
    threads: Executor | None = None


def here(call: str) -> tuple[JobState, StepContext]:
    """Return the state of the job whose call this is, and the call itself as a step.

    Raises:
        NotInRunError, StateError: there is none here, or an update of it is being computed.
    """
    execution = current_execution()
    if execution is None or execution.state is None or execution.step_context is None:
        raise NotInRunError(
            f"{call} was called outside a run: a job's state is there in its handler, its filter and steps"
        )
    state: JobState = execution.state
    if _updating.get():
        raise StateError(
            f"{call} was called in the function of a state.update() of the job {state.of.job!r}, which gets the value"
            " as its argument, returns the new one, and may be called again when another write came between. Make the"
            " call before or after the update."
        )
    return state, execution.step_context
