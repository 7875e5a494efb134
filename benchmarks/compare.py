"""Time and processor time of one job, on this package and written by hand on the SDK.

Both sides run in one go, against one embedded server, taking turns (A B B A …), so that what a busy machine does to one
it does to the other. Each has a worker process of its own, whose processor time is read before and after.

Latencies are of the whole round: a client starts a run and waits for its result. On a small machine they are mostly the
server's; the worker's processor time is where the two sides can differ most.
"""

from __future__ import annotations

import asyncio
import os
import platform
import statistics
import sys
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.table import Table
from temporalio.api.workflowservice.v1 import GetSystemInfoRequest
from temporalio.client import Client

from terse_temporal.devserver import DevServer

__all__ = ["compare"]

#: What each side's workflow types end with; its task queue has the side's name.
_SIDES: Final = {"ours": "", "by hand": "-by-hand"}


@dataclass(frozen=True)
class Load:
    """Something to measure.

    Attributes:
        runs: how many there are in one turn, and `at_once` how many of them at a time.
        turns: how often each side has its turn.
        job: the job, or workflow, that is run.
    """

    title: str
    steps: int
    runs: int
    at_once: int
    turns: int
    job: str = "bill-customer"


LOADS: Final = (
    Load("3 steps", steps=3, runs=10, at_once=1, turns=8),
    Load("100 steps", steps=100, runs=1, at_once=1, turns=8),
    Load("20 child runs of 1 step", steps=20, runs=1, at_once=1, turns=8, job="bill-children"),
    Load("300 jobs of 3 steps, 50 at once", steps=3, runs=300, at_once=50, turns=6),
)

QUICK: Final = (
    Load("3 steps", steps=3, runs=5, at_once=1, turns=2),
    Load("100 steps", steps=100, runs=1, at_once=1, turns=2),
    Load("20 child runs of 1 step", steps=20, runs=1, at_once=1, turns=2, job="bill-children"),
    Load("100 jobs of 3 steps, 50 at once", steps=3, runs=100, at_once=50, turns=2),
)


@dataclass
class Measured:
    """The turns of one side under one load: seconds for all its runs, processor seconds, and every run's latency."""

    elapsed: list[float]
    cpu: list[float]
    latencies: list[float]


class Side:
    """A side's worker process, and how to start its runs."""

    def __init__(self, name: str, client: Client, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self._client = client
        self._process = process

    async def turn(self, load: Load, into: Measured) -> None:
        """Run a load once."""
        free = asyncio.Semaphore(load.at_once)
        before = await self._cpu()
        started = time.perf_counter()
        latencies = await asyncio.gather(*(self._run(load, free) for _ in range(load.runs)))
        into.elapsed.append(time.perf_counter() - started)
        into.cpu.append(await self._cpu() - before)
        into.latencies += latencies

    async def _run(self, load: Load, free: asyncio.Semaphore) -> float:
        async with free:
            started = time.perf_counter()
            total = await self._client.execute_workflow(
                f"{load.job}{_SIDES[self.name]}",
                {"customer": "ada@example.com", "steps": load.steps},
                id=f"{self.name}-{uuid.uuid4()}",
                task_queue=self.name,
                result_type=float,
            )
        assert total == load.steps
        return time.perf_counter() - started

    async def _cpu(self) -> float:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"\n")
        return float(await self._process.stdout.readline())


@asynccontextmanager
async def _side(name: str, server: DevServer, client: Client) -> AsyncIterator[Side]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.worker", name, server.address),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Side(name, client, process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def compare(loads: Sequence[Load] = LOADS) -> None:
    """Measure, and print a table."""
    console = Console(width=110, highlight=False)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(DevServer())
        client = await Client.connect(server.address)
        sides = [await stack.enter_async_context(_side(name, server, client)) for name in _SIDES]
        info = await client.workflow_service.get_system_info(GetSystemInfoRequest())
        console.print(
            f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()},"
            f" Temporal server {info.server_version}"
        )
        for side in sides:  # the first runs import modules, and open connections
            await side.turn(Load("warm-up", steps=3, runs=30, at_once=10, turns=1), Measured([], [], []))
        table = Table(box=None, pad_edge=False, header_style="dim")
        for column in ("", "", "time", "p50", "p99", "jobs/s", "worker CPU/run"):
            table.add_column(column, justify="left" if not column else "right")
        for load in loads:
            measured = {side.name: Measured([], [], []) for side in sides}
            for turn in range(load.turns):
                # Each goes first in half of the turns.
                for side in sides if turn % 2 == 0 else reversed(sides):
                    await side.turn(load, measured[side.name])
            _add_rows(table, load, measured)
        console.print(table)


def _add_rows(table: Table, load: Load, measured: dict[str, Measured]) -> None:
    numbers = {name: _numbers(load, each) for name, each in measured.items()}
    for name, (elapsed, p50, p99, rate, cpu) in numbers.items():
        table.add_row(
            load.title if name == "ours" else "",
            name,
            *(f"{elapsed:.3f} s", f"{p50 * 1e3:.1f} ms", f"{p99 * 1e3:.1f} ms", f"{rate:.0f}", f"{cpu * 1e3:.2f} ms"),
        )
    ours, theirs = measured.values()
    elapsed, cpu = _ratio(ours.elapsed, theirs.elapsed), _ratio(ours.cpu, theirs.cpu)
    p50, p99 = (numbers["ours"][each] / numbers["by hand"][each] for each in (1, 2))
    ratios = (elapsed, p50, p99, 1 / elapsed, cpu)
    table.add_row("", "[bold]ours / by hand[/]", *(f"[bold]{ratio:.2f}[/]" for ratio in ratios))
    table.add_section()


def _ratio(ours: list[float], theirs: list[float]) -> float:
    """Return the median over turns: two that follow each other met the same machine."""
    return statistics.median(one / other for one, other in zip(ours, theirs, strict=True))


def _numbers(load: Load, measured: Measured) -> tuple[float, float, float, float, float]:
    # Medians: one turn in which the machine was busy with something else does not count.
    elapsed = statistics.median(measured.elapsed)
    hundredths = statistics.quantiles(measured.latencies, n=100, method="inclusive")
    return elapsed, hundredths[49], hundredths[98], load.runs / elapsed, statistics.median(measured.cpu) / load.runs
