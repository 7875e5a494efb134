"""The state of a job, from outside its runs: for a test to set before one, and to read after it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Coroutine
from typing import Any

from ..engine.state.store import TemporalStore
from ..execution.in_place import DirectExecution
from ..execution.protocol import StepContext, executing
from ..jobs.job import Job
from ..state import State, StateId
from ..state.keeping import JobState, UpdateQueues
from .loop_thread import LoopThread
from .workers import Workers

__all__ = ["StateOfJob"]


class StateOfJob:
    """What a job keeps between its runs, in one test. Keys and values are checked by the job's `states=`."""

    def __init__(self, loop_thread: LoopThread, workers: Workers, job: Job) -> None:
        self._loop_thread = loop_thread
        self._workers = workers
        self._job = job

    async def get(self, key: str) -> Any:
        """Return the value of a key, as its declared type."""
        return await self._loop_thread.run(self._call(lambda state: state.get(key)))

    async def set(self, key: str, value: Any) -> Any:
        """Set a key, and return the value."""
        return await self._loop_thread.run(self._call(lambda state: state.set(key, value)))

    async def delete(self, key: str) -> None:
        """Unset a key."""
        await self._loop_thread.run(self._call(lambda state: state.delete(key)))

    async def _call(self, call: Callable[[State], Coroutine[Any, Any, Any]]) -> Any:
        job, client = self._job, self._loop_thread.client
        of = StateId(client.namespace, await self._workers.queue_of(job), job.name)
        kept = JobState(of, job.state_schema, TemporalStore(lambda: client), UpdateQueues(), "")
        step = StepContext("a test", 1, uuid.uuid4().hex)
        with executing(DirectExecution(job.name, job.where, step, state=kept)):
            return await call(State(job.state_schema))
