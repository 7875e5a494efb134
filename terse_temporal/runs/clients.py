"""Which client a call goes through, and which task queue a run is started on, where the caller names none."""

from __future__ import annotations

import asyncio
import weakref
from asyncio import AbstractEventLoop
from typing import Final

from temporalio import activity
from temporalio.client import Client

from ..client import connect
from ..engine.running_workers import running_worker
from .starting import DEFAULT_TASK_QUEUE

__all__ = ["client_here", "task_queue_here"]

# One for each event loop, as `connect()` belongs to the one it is awaited on, and a script may have several in turn.
_connected: Final[weakref.WeakKeyDictionary[AbstractEventLoop, Client]] = weakref.WeakKeyDictionary()
_connecting: Final[dict[AbstractEventLoop, asyncio.Task[Client]]] = {}


async def client_here(given: Client | None, job: str = "") -> Client:
    """Return the client that is given; else that of the worker which runs this step, of a worker in this process (one
    that has the job comes first), or of the server that the environment names.

    Raises:
        ServerUnavailableError: it has to connect, and cannot.
    """
    if given is not None:
        return given
    if activity.in_activity():
        try:
            return activity.client()
        except RuntimeError:  # in a thread, of a step that is a plain `def`
            pass
    worker = running_worker(job)
    if worker is None:
        await asyncio.sleep(0)  # `async with worker` has made a task, which has not run yet
        worker = running_worker(job)
    if worker is not None:
        return worker.client
    return await _client_of_this_loop()


def task_queue_here(given: str | None, job: str, client: Client | None) -> str:
    """Return the task queue that is given; else that of the step which makes the call, of a worker in this process that
    has the job, or the default.

    Args:
        client: the client that the caller has named, if any. A worker with another may be of another server.
    """
    if given is not None:
        return given
    if client is None and activity.in_activity():
        return activity.info().task_queue
    worker = running_worker(job, client)
    return worker.task_queue if worker is not None and job in worker.jobs else DEFAULT_TASK_QUEUE


async def _client_of_this_loop() -> Client:
    loop = asyncio.get_running_loop()
    if (client := _connected.get(loop)) is not None:
        return client
    if (task := _connecting.get(loop)) is None:
        task = _connecting[loop] = loop.create_task(connect())
        task.add_done_callback(_connection_made)
    # Shielded: another call may wait for it too.
    return await asyncio.shield(task)


def _connection_made(task: asyncio.Task[Client]) -> None:
    loop = task.get_loop()
    del _connecting[loop]
    if not task.cancelled() and task.exception() is None:
        _connected[loop] = task.result()
