"""One, two and four worker processes on one task queue: `python -m benchmarks workers`.

Runs of three steps are started fifty at once. Every step writes a line to a file, so that one which ran twice is seen,
and counted is how many of the steps each process has had. Whether more processes are faster depends on the cores that
the server leaves them.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

from temporalio.client import Client

from benchmarks.processes import started_worker
from benchmarks.scale_jobs import LINES, writes_lines
from terse_temporal.devserver import DevServer

__all__ = ["measure_sharing"]


async def measure_sharing(count: int = 300, workers: tuple[int, ...] = (1, 2, 4)) -> None:
    """Measure with so many runs, and print.

    Args:
        count: runs, of three steps each.
        workers: numbers of processes.
    """
    print(f"{count:,} runs of 3 steps, 50 at once, on {os.cpu_count()} cores with the server on the same machine")
    for number in workers:
        async with AsyncExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            server = await stack.enter_async_context(DevServer(directory / "state.db"))
            client = await Client.connect(server.address)
            lines = directory / "lines"
            for _ in range(number):
                await stack.enter_async_context(
                    started_worker(server.address, "shared", environment={LINES: str(lines)})
                )
            await _run(client, "first", 50)
            lines.unlink()
            began = time.monotonic()
            await _run(client, "run", count)
            took = time.monotonic() - began
            written = [line.split() for line in lines.read_text().splitlines()]
            keys = Counter(key for _, key in written)
            assert len(keys) == 3 * count, f"{3 * count - len(keys)} steps did not run"
            twice = sum(times > 1 for times in keys.values())
            shares = sorted(Counter(process for process, _ in written).values(), reverse=True)
            print(f"  {number} workers: {count / took:5.1f} runs/s, steps each {shares}, run twice: {twice}")


async def _run(client: Client, name: str, count: int) -> None:
    gate = asyncio.Semaphore(50)

    async def one(number: int) -> None:
        async with gate:
            await client.execute_workflow(writes_lines.name, {}, id=f"{name}-{number}", task_queue="shared")

    await asyncio.gather(*map(one, range(count)))
