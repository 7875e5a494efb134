"""How long it takes from nothing to work: `terse-worker` to its first finished job, `terse-temporal dev` to ready."""

from __future__ import annotations

import asyncio
import importlib.util
import signal
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path

from rich.console import Console
from temporalio.client import Client

from terse_temporal.devserver import DevServer

__all__ = ["startup"]

_ROOT = Path(__file__).parents[1]


async def startup(repeats: int) -> None:
    """Measure each so often, and print the median."""
    console = Console(width=110, highlight=False)
    async with DevServer() as server:
        client = await Client.connect(server.address)
        _print(console, "terse-worker to first finished job", [await _first_job(client) for _ in range(repeats)])
    if importlib.util.find_spec("terse_temporal.cli.dev") is None:
        console.print("terse-temporal dev: not measured, there is no such command in this installation")
        return
    _print(console, "terse-temporal dev to ready", [await _dev_ready() for _ in range(repeats)])


def _print(console: Console, what: str, seconds: list[float]) -> None:
    console.print(f"{what}: {statistics.median(seconds):.2f} s (of {len(seconds)}, the slowest {max(seconds):.2f} s)")


async def _first_job(client: Client) -> float:
    """Measure with a run that is there already, and waits for a worker."""
    queue = f"startup-{uuid.uuid4()}"
    run = await client.start_workflow(
        "bill-customer", {"customer": "ada@example.com", "steps": 1}, id=queue, task_queue=queue
    )
    started = time.perf_counter()
    worker = await _command(
        *("terse-worker", "benchmarks.jobs", "--task-queue", queue),
        *("--address", client.service_client.config.target_host),
    )
    try:
        await run.result()
        return time.perf_counter() - started
    finally:
        await _end(worker)


async def _dev_ready() -> float:
    """Start in a new directory each time: the database is made too."""
    with tempfile.TemporaryDirectory() as directory:
        started = time.perf_counter()
        dev = await _command("terse-temporal", "dev", str(_ROOT / "benchmarks" / "jobs.py"), cwd=directory)
        assert dev.stdout is not None
        said = b""
        try:
            async with asyncio.timeout(60):
                while line := await dev.stdout.readline():
                    said += line
                    if b"ready" in line:
                        return time.perf_counter() - started
            raise RuntimeError(f"`terse-temporal dev` ended before it was ready. It printed:\n{said.decode()}")
        finally:
            await _end(dev)


async def _command(name: str, *arguments: str, cwd: str | Path = _ROOT) -> asyncio.subprocess.Process:
    script = Path(sys.executable).with_name(name)
    return await asyncio.create_subprocess_exec(
        *(str(script), *arguments), cwd=cwd, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGINT)
    await process.communicate()  # reads to the end, so that it is never stuck on a full pipe
