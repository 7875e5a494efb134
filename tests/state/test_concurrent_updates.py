"""No update is lost to another, however many runs make one at once."""

from __future__ import annotations

import asyncio

import pytest

from terse_temporal import Job
from terse_temporal.engine.state import workflow as state_workflow
from terse_temporal.state import open_store
from terse_temporal.testing import JobEnvironment

from .jobs_state import count, count_in_place
from .stores import runs_of, state_of, temporal_store, workers

#: Seconds for what takes a third of them on two cores that have other work.
PATIENCE = 90


async def count_together(env: JobEnvironment, job: Job, task_queue: str, runs: int, times: int = 4) -> None:
    async with asyncio.timeout(PATIENCE):
        counts = await asyncio.gather(
            *(env.run(job, {"times": times}, task_queue=task_queue, id=f"{task_queue}-{n}") for n in range(runs))
        )
    assert max(counts) == runs * times
    assert min(counts) >= times


async def test_with_one_worker(
    env: JobEnvironment, cache: int, task_queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """25 runs at once that each add one four times come to 100, while the state continues as new again and again."""
    # Without a cache each write replays all before it of the same run, and each step its run: fewer.
    bound, runs, times = (20, 25, 4) if cache else (15, 25, 2)
    monkeypatch.setattr(state_workflow, "WRITES_PER_RUN", bound)
    async with env.worker([count], task_queue=task_queue, max_cached_workflows=cache):
        await count_together(env, count, task_queue, runs, times)
        store, of = await temporal_store(env), state_of(count, task_queue)
        assert await store.items(of) == {"count": runs * times}
        assert await runs_of(env.client, of) > runs * times // (bound + 10)


async def test_with_two_workers(env: JobEnvironment, task_queue: str) -> None:
    """Also with two workers, which know nothing of each other."""
    async with workers(env, [count], 2, task_queue=task_queue):
        await count_together(env, count, task_queue, runs=20)


async def test_in_place(env: JobEnvironment, task_queue: str) -> None:
    """Also in a job that is not durable."""
    async with workers(env, [count_in_place], 2, task_queue=task_queue):
        await count_together(env, count_in_place, task_queue, runs=15)


async def test_in_a_database(env: JobEnvironment, task_queue: str, database: str) -> None:
    """Also with the state in a database."""
    async with open_store(database) as store, workers(env, [count], 2, task_queue=task_queue, state_store=store):
        await count_together(env, count, task_queue, runs=12)
        assert await store.items(state_of(count, task_queue)) == {"count": 48}
