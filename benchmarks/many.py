"""A thousand steps: by `job_map`, and by `asyncio.gather` of as many `job_step`.

One worker, one embedded server, one run at a time; the kinds take turns, so that what a busy machine does to one it
does to all.
"""

from __future__ import annotations

import asyncio
import statistics
import time
import uuid
from contextlib import AsyncExitStack
from typing import Final

from rich.console import Console
from rich.table import Table

from terse_temporal import Event, create_job, job_map, job_step
from terse_temporal.client import connect
from terse_temporal.devserver import DevServer
from terse_temporal.worker import build_worker

__all__ = ["many", "measure_many"]


async def double(number: int) -> int:
    """Do next to nothing."""
    return 2 * number


@create_job(name="benchmark-many", durable=True)
async def many(event: Event) -> int:
    """Run as many steps, in one of the ways."""
    numbers = range(event.count)
    match event.kind:
        case "asyncio.gather of job_step":
            found = await asyncio.gather(*(job_step(run=double, input=number) for number in numbers))
        case "job_map, 50 at once":
            found = await job_map(run=double, inputs=numbers)
        case _:
            found = await job_map(run=double, inputs=numbers, at_once=event.count)
    return sum(found)


_KINDS: Final = ("asyncio.gather of job_step", "job_map, all at once", "job_map, 50 at once")


async def measure_many(*, count: int = 1_000, turns: int = 4) -> None:
    """Measure, and print a table."""
    console = Console(width=110, highlight=False)
    took: dict[str, list[float]] = {kind: [] for kind in _KINDS}
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(DevServer())
        client = await connect(target_host=server.address)
        await stack.enter_async_context(build_worker(client, jobs=[many], task_queue="many"))
        for turn in range(turns + 1):
            for kind in _KINDS if turn % 2 else reversed(_KINDS):
                started = time.perf_counter()
                event = {"kind": kind, "count": count}
                total = await client.execute_workflow(many.name, event, id=f"many-{uuid.uuid4()}", task_queue="many")
                assert total == count * (count - 1)
                if turn:  # the first is for imports and connections
                    took[kind].append(time.perf_counter() - started)
    table = Table(box=None, pad_edge=False, header_style="dim")
    heading = f"{count:,} steps in one run"
    for column in (heading, "time", "/ gather"):
        table.add_column(column, justify="left" if column == heading else "right")
    for kind in _KINDS:
        ratio = statistics.median(each / gather for each, gather in zip(took[kind], took[_KINDS[0]], strict=True))
        table.add_row(kind, f"{statistics.median(took[kind]):.2f} s", f"[bold]{ratio:.2f}[/]")
    console.print(table)
