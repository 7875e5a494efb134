"""A read sees every write that has returned before it, of any run on any worker."""

from __future__ import annotations

import asyncio

from terse_temporal.state import Stored
from terse_temporal.testing import JobEnvironment

from .jobs_state import count
from .stores import state_of, temporal_store, workers


async def test_a_read_after_a_write(env: JobEnvironment, cache: int, task_queue: str) -> None:
    """What one store has written, another, which has no memory of it, reads at once, while a third writes too."""
    of = state_of(count, task_queue)
    async with workers(env, [count], 2, task_queue=task_queue, max_cached_workflows=cache):
        writer, reader, other = [await temporal_store(env) for _ in range(3)]
        done = asyncio.Event()

        async def disturb() -> None:
            number = 0
            while not done.is_set():
                number += 1
                await other.set(of, "other", number, write=f"other-{number}")

        disturbing = asyncio.create_task(disturb())
        # Without a cache each write replays all before it.
        for number in range(40 if cache else 15):
            await writer.set(of, "key", number, write=f"key-{number}")
            assert await reader.get(of, "key") == Stored(number)
        done.set()
        await disturbing


async def test_reads_of_one_worker_go_together(env: JobEnvironment, task_queue: str) -> None:
    """Hundred reads at once see a write that returned just before, though a server takes one query at a time."""
    of = state_of(count, task_queue)
    async with env.worker([count], task_queue=task_queue):
        writer, reader = await temporal_store(env), await temporal_store(env)
        for number in range(5):
            early = asyncio.create_task(reader.get(of, "key"))
            await asyncio.sleep(0)
            await writer.set(of, "key", number, write=f"{number}")
            assert await asyncio.gather(*(reader.get(of, "key") for _ in range(100))) == [Stored(number)] * 100
            await early
