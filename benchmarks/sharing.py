"""One, two and four worker processes on one task queue: `python -m benchmarks workers`, and `… --kills 20`.

Runs of three steps are started fifty at once. Every step writes a line to a file, so that one which ran twice is seen,
and counted is how many of the steps each process has had. Whether more processes are faster depends on the cores that
the server leaves them.

With kills, a worker is ended by SIGKILL at random and another started in its place, again and again. A step that was
running then runs again, under its key; one that has ended must not.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from temporalio.client import Client

from benchmarks.processes import started_worker
from benchmarks.scale_jobs import LINES, writes_lines
from terse_temporal.devserver import DevServer

__all__ = ["measure_killed", "measure_sharing"]

_AT_ONCE: Final = 50


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
            keys = Counter(key for _, key, _ in written)
            assert len(keys) == 3 * count, f"{3 * count - len(keys)} steps did not run"
            twice = sum(times > 1 for times in keys.values())
            shares = sorted(Counter(process for process, _, _ in written).values(), reverse=True)
            print(f"  {number} workers: {count / took:5.1f} runs/s, steps each {shares}, run twice: {twice}")


async def measure_killed(count: int, kills: int, workers: tuple[int, ...] = (2, 4)) -> None:
    """Run so many runs while workers are killed at random, and print what ran twice.

    Args:
        count: runs, of three steps each.
        kills: how often one of the workers is killed; the runs go on to their end after that.
        workers: numbers of processes.
    """
    for number in workers:
        async with AsyncExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            server = await stack.enter_async_context(DevServer(directory / "state.db"))
            client = await Client.connect(server.address)
            environment = {LINES: str(directory / "lines")}
            alive = [
                await stack.enter_async_context(started_worker(server.address, "shared", environment=environment))
                for _ in range(number)
            ]
            killed: set[int] = set()
            began = time.monotonic()
            running = asyncio.create_task(_run(client, "run", count))
            while len(killed) < kills and not running.done():
                await asyncio.sleep(random.uniform(0, 2))
                victim = alive.pop(random.randrange(number))
                victim.send_signal(signal.SIGKILL)
                killed.add(victim.pid)
                worker = started_worker(server.address, "shared", environment=environment)
                alive.append(await stack.enter_async_context(worker))
            await running
            took = time.monotonic() - began
            _check_killed(directory / "lines", count, killed)
            lines = len((directory / "lines").read_text().splitlines())
            print(
                f"  {number} workers, {len(killed)} killed: all {count:,} runs have ended, in {took:.0f} s;"
                f" {lines - 3 * count} steps that were running ran again, and none that had ended"
            )


def _check_killed(file: Path, count: int, killed: set[int]) -> None:
    """Check that what ran twice was lost with a worker each time but the last, and not after the next step of its run
    began, as that begins when the one before is recorded.
    """
    by_run: dict[str, list[tuple[str, int]]] = {}
    for line in file.read_text().splitlines():
        process, key, run = line.split()
        by_run.setdefault(run, []).append((key, int(process)))
    assert len(by_run) == count
    for run, lines in by_run.items():
        keys = [key for key, _ in lines]
        steps = list(dict.fromkeys(keys))
        assert len(steps) == 3, f"{3 - len(steps)} steps of {run!r} did not run"
        assert keys == sorted(keys, key=steps.index), f"a step of {run!r} ran again that had ended"
        for step in steps:
            *lost, _ = [process for key, process in lines if key == step]
            assert killed.issuperset(lost), f"a step of {run!r} ran again that no killed worker had"


async def _run(client: Client, name: str, count: int) -> None:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(number: int) -> None:
        async with gate:
            await client.execute_workflow(writes_lines.name, {}, id=f"{name}-{number}", task_queue="shared")

    await asyncio.gather(*map(one, range(count)))
