"""What the calls of the SDK take, beside an ordinary step.

One worker, one embedded server, one run at a time; the kinds take turns, so that what a busy machine does to one it
does to all. What is printed is the time of a call over that of a step which does nothing.
"""

from __future__ import annotations

import statistics
import sys
import time
import uuid
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from terse_temporal import Event, create_job, job_step, toolbox
from terse_temporal.client import connect
from terse_temporal.devserver import DevServer
from terse_temporal.worker import build_worker

__all__ = ["calls", "measure_calls"]

_SERVER: Final = str(Path(__file__).with_name("mcp_server.py"))

toolbox.mount("bench", command=[sys.executable, _SERVER])


def nothing() -> None:
    """Do nothing."""


@toolbox.tool("bench_own.nothing")
async def nothing_tool() -> None:
    """Do nothing."""


@create_job(name="benchmark-calls-child", durable=True)
async def child(event: Event) -> None:
    """Do nothing, as a run of its own."""


@create_job(name="benchmark-calls", durable=True)
async def calls(event: Event, state: Any) -> None:
    """Make as many calls of one kind."""
    for _ in range(event.count):
        match event.kind:
            case "a step":
                await job_step(run=nothing)
            case "a child run":
                await child.run()
            case "a tool":
                await toolbox.bench_own.nothing()
            case "a tool of an MCP server":
                await toolbox.bench.nothing()
            case "state.get":
                await state.get("count")
            case "state.set":
                await state.set("count", 1)
            case "state.update":
                await state.update("count", lambda count: (count or 0) + 1)


_KINDS: Final = ("a step", "a child run", "a tool", "a tool of an MCP server", "state.get", "state.set", "state.update")


async def measure_calls(*, count: int = 30, turns: int = 7) -> None:
    """Measure, and print a table."""
    console = Console(width=110, highlight=False)
    took: dict[str, list[float]] = {kind: [] for kind in _KINDS}
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(DevServer())
        client = await connect(target_host=server.address)
        await stack.enter_async_context(build_worker(client, jobs=[calls, child], task_queue="calls"))
        for turn in range(turns + 1):
            for kind in _KINDS if turn % 2 else reversed(_KINDS):
                started = time.perf_counter()
                event = {"kind": kind, "count": count}
                await client.execute_workflow(calls.name, event, id=f"calls-{uuid.uuid4()}", task_queue="calls")
                if turn:  # the first is for imports and connections
                    took[kind].append((time.perf_counter() - started) / count)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("one call in a durable job", "time", "/ a step"):
        table.add_column(column, justify="left" if column == "one call in a durable job" else "right")
    for kind in _KINDS:
        ratio = statistics.median(each / step for each, step in zip(took[kind], took["a step"], strict=True))
        table.add_row(kind, f"{statistics.median(took[kind]) * 1e3:.1f} ms", f"[bold]{ratio:.2f}[/]")
    console.print(table)
