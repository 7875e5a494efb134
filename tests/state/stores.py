"""State stores under test, and what the workflow that holds a state has come to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from temporalio.client import Client
from temporalio.worker import Worker

from terse_temporal import Job
from terse_temporal.engine.state.store import TemporalStore, state_workflow_id
from terse_temporal.state import StateId, StateStore, Stored
from terse_temporal.testing import JobEnvironment
from terse_temporal.worker import build_worker


def state_of(job: Job | str, task_queue: str) -> StateId:
    """Whose state it is, for a job of a test."""
    return StateId("default", task_queue, job if isinstance(job, str) else job.name)


async def add_one(stored: Stored | None) -> int:
    """A change that counts."""
    await asyncio.sleep(0)
    return (stored.value if stored else 0) + 1


@asynccontextmanager
async def workers(env: JobEnvironment, jobs: list[Job], count: int, **options: Any) -> AsyncIterator[list[Worker]]:
    """Several workers of one task queue, each with a client and a store of its own."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                build_worker(await Client.connect(env.address), jobs=jobs, **options),
            )
            for _ in range(count)
        ]


async def temporal_store(env: JobEnvironment, **options: Any) -> TemporalStore:
    """A store that shares nothing with those of workers."""
    client = await Client.connect(env.address)
    return TemporalStore(lambda: client, **options)


async def until(store: StateStore, of: StateId, holds: Callable[[Mapping[str, Any]], bool]) -> None:
    """Wait for a state to be as it should."""
    async with asyncio.timeout(20):
        while not holds(await store.items(of)):  # noqa: ASYNC110  # another process changes it
            await asyncio.sleep(0.1)


async def runs_of(client: Client, of: StateId) -> int:
    """How many runs the workflow of a state has had."""
    handle = client.get_workflow_handle(state_workflow_id(of))
    runs, run_id = 1, (await handle.describe()).run_id
    while True:
        history = await client.get_workflow_handle(handle.id, run_id=run_id).fetch_history()
        started = history.events[0].workflow_execution_started_event_attributes
        run_id = started.continued_execution_run_id
        if not run_id:
            return runs
        runs += 1


__all__ = ["StateStore", "add_one", "runs_of", "state_of", "temporal_store", "until", "workers"]
