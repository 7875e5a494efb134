"""Workers as processes of their own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

__all__ = ["started_worker"]

_ROOT = Path(__file__).parents[1]


@asynccontextmanager
async def started_worker(
    address: str,
    task_queue: str,
    *options: str,
    target: str = "benchmarks.scale_jobs",
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Have a `terse-worker` for the length of the block, which is ready when that begins. It logs nowhere."""
    worker = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("terse-worker")),
        *(target, "--task-queue", task_queue, "--address", address, *options),
        cwd=_ROOT,
        env={**os.environ, **(environment or {}), "PYTHONHASHSEED": "0"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=1024 * 1024,
    )
    assert worker.stdout is not None
    said = b""
    while line := await worker.stdout.readline():
        said += line
        if b" ready" in line:
            break
    else:
        raise RuntimeError(f"`terse-worker` ended before it was ready. It printed:\n{said.decode()}")
    reading = asyncio.create_task(_read_on(worker.stdout))
    try:
        yield worker
    finally:
        if worker.returncode is None:
            worker.send_signal(signal.SIGINT)
        await worker.wait()
        await reading


async def _read_on(stream: asyncio.StreamReader) -> None:
    while await stream.read(1 << 16):
        pass
