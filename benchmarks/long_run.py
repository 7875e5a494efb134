"""A run of many thousand steps, which continues as new by itself: `python -m benchmarks long`.

Says how many histories it took, whether a step ran twice, what the last thousand steps took beside the first, and how
the memory of the worker grew. It takes minutes, so it is no test.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import resource
import statistics
import tempfile
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from temporalio.client import Client, WorkflowHandle

from benchmarks.processes import started_worker
from benchmarks.scale_jobs import LINES, long_and_killed
from terse_temporal import Event, create_job, job_step
from terse_temporal.client import connect
from terse_temporal.devserver import DevServer
from terse_temporal.serialization.payload_limits import STORAGE_VARIABLE
from terse_temporal.worker import build_worker

__all__ = ["measure_killed", "measure_long"]

_TURN: Final = 1_000

#: When each step ran, by its number; and how often.
_TIMES: list[float] = []
_CPU: list[float] = []
_MEMORY: list[float] = []
_RAN: dict[int, int] = {}


def _count(number: int) -> int:
    _RAN[number] = _RAN.get(number, 0) + 1
    if number % _TURN == 0:
        _TIMES.append(time.perf_counter())
        _CPU.append(time.process_time())
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        _MEMORY.append(pages * resource.getpagesize() / 2**20)
    return number


@create_job(name="benchmark-long", durable=True)
async def _long(event: Event) -> int:
    total = 0
    for number in range(event.steps + 1):
        total += await job_step(run=_count, input=number, name="count", local=event.local)
    return total


async def measure_long(steps: int, *, local: bool, continue_after: int | None) -> None:
    """Make so many steps in one run, and print what they took."""
    for kept in (_TIMES, _CPU, _MEMORY, _RAN):
        kept.clear()
    with tempfile.TemporaryDirectory() as directory:
        # The journal of 100,000 steps is larger than what the server takes.
        os.environ[STORAGE_VARIABLE] = Path(directory, "storage").as_uri()
        await _measure(steps, Path(directory, "state.db"), local=local, continue_after=continue_after)


async def _histories(client: Client, run: WorkflowHandle[Any, Any]) -> int:
    found, name = 1, run.first_execution_run_id
    while name is not None:
        handle = client.get_workflow_handle(run.id, run_id=name)
        last = [each async for each in handle.fetch_history_events()][-1]
        name = last.workflow_execution_continued_as_new_event_attributes.new_execution_run_id or None
        found += name is not None
    return found


def _counts(lines: Path) -> Counter[str]:
    return Counter(line.split()[1] for line in lines.read_text().splitlines())


async def measure_killed(steps: int, *, local: bool, kills: int) -> None:
    """Make so many steps in one run, whose worker is killed at random moments, and print what ran again."""
    draw = random.Random(7)
    with tempfile.TemporaryDirectory() as directory:
        lines = Path(directory, "lines")
        environment = {LINES: str(lines), STORAGE_VARIABLE: Path(directory, "storage").as_uri()}
        os.environ |= environment
        async with DevServer(Path(directory, "state.db")) as server:
            client = await connect(target_host=server.address)
            event = {"steps": steps, "local": local}
            run = await client.start_workflow(long_and_killed.name, event, id="killed", task_queue="killed")
            for _ in range(kills):
                async with started_worker(server.address, "killed", environment=environment) as worker:
                    await asyncio.sleep(draw.uniform(3, 20))
                    worker.kill()
            async with started_worker(server.address, "killed", environment=environment):
                is_right = await run.result() == steps
            histories = await _histories(client, run)
        counts = _counts(lines)
    again = sum(count - 1 for count in counts.values())
    print(
        f"{steps:,} {'local' if local else 'ordinary'} steps, {histories} histories, {kills} kills; right:"
        f" {is_right and len(counts) == steps}; steps that were under way at a kill, and ran again: {again}"
    )


async def _measure(steps: int, state: Path, *, local: bool, continue_after: int | None) -> None:
    console = Console(width=110, highlight=False)
    async with DevServer(state) as server:
        client = await connect(target_host=server.address)
        async with build_worker(client, jobs=[_long], task_queue="long", continue_after=continue_after):
            event = {"steps": steps, "local": local}
            run = await client.start_workflow("benchmark-long", event, id=f"long-{uuid.uuid4()}", task_queue="long")
            total = await run.result()
        histories = await _histories(client, run)
    twice = sum(count > 1 for count in _RAN.values())
    console.print(
        f"{steps:,} {'local' if local else 'ordinary'} steps, {histories} histories;"
        f" right: {total == steps * (steps + 1) // 2}; ran twice: {twice}"
    )
    for name, unit, moments in (("seconds", "s", _TIMES), ("CPU of worker and client", "s", _CPU)):
        turns = [after - before for before, after in itertools.pairwise(moments)]
        # A turn with a continuation in it has its replay too: that is the slowest.
        tail = max(len(turns) // 10, 1)
        first, last_turns = statistics.median(turns[:tail]), statistics.median(turns[-tail:])
        means = statistics.fmean(turns[:tail]), statistics.fmean(turns[-tail:])
        console.print(
            f"{name} for a thousand: {first:.2f} {unit} at first, {last_turns:.2f} at last ({last_turns / first:.2f});"
            f" with continuations {means[0]:.2f} and {means[1]:.2f} ({means[1] / means[0]:.2f});"
            f" the slowest {max(turns):.2f}, together {sum(turns):.0f}"
        )
        console.print(" ".join(f"{turn:.1f}" for turn in turns), style="dim")
    console.print(f"memory of worker and client: {_MEMORY[1]:.0f} MiB at first, {_MEMORY[-1]:.0f} at last")
