"""What thousands of sleeping runs cost a worker, and whether all of them wake: `python -m benchmarks asleep`.

The worker is a `terse-worker` of its own, so that what it takes in memory is its own; the server is an embedded one,
with its state on disk. Every run makes a step, sleeps until one moment for all, and makes another. What is printed are
the resident bytes of the worker: ready, with so many runs asleep, and when all have ended.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from benchmarks.processes import started_worker
from benchmarks.scale_jobs import short, sleeps_until
from terse_temporal.devserver import DevServer

__all__ = ["measure_asleep"]

#: Seconds that the last run that is started sleeps at least.
_LEAST_SLEEP = 20


async def measure_asleep(count: int = 10_000, cached: int | None = None, per_second: float | None = None) -> None:
    """Start so many runs, let them wake at one moment, and print.

    Args:
        count: runs.
        cached: `--cached-runs` of the worker; by default what it has by default.
        per_second: runs that are started in a second, which decides when they wake; by default half as many as the
            worker has run before, of three steps each.
    """
    options = () if cached is None else ("--cached-runs", str(cached))
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = await stack.enter_async_context(DevServer(directory / "state.db"))
        client = await Client.connect(server.address)
        worker = await stack.enter_async_context(started_worker(server.address, "asleep", *options))
        # What the first runs load is no cost of theirs.
        for number in range(3):
            began = time.monotonic()
            warm = (
                client.execute_workflow(short.name, {"number": n}, id=f"short-{number}-{n}", task_queue="asleep")
                for n in range(50)
            )
            await asyncio.gather(*warm)
        rate = per_second or 25 / (time.monotonic() - began)
        ready = memory_of(worker.pid)
        print(f"{ready / 1e6:7.1f} MB  the worker is ready, and has run 150 runs", flush=True)

        began = time.monotonic()
        wake = datetime.now(UTC) + timedelta(seconds=count / rate + _LEAST_SLEEP)
        # At this pace, so that none waits behind others for its first task, and sleeps late.
        starting: list[asyncio.Task[WorkflowHandle[object, object]]] = []
        for number in range(count):
            event = {"number": number, "until": wake.isoformat()}
            starting.append(asyncio.create_task(_started(client, event, f"asleep-{number}")))
            await asyncio.sleep(max(0.0, began + (number + 1) / rate - time.monotonic()))
        runs = await asyncio.gather(*starting)
        # Until just before, and then of some that they have come so far.
        await asyncio.sleep(max(0.0, (wake - datetime.now(UTC)).total_seconds() - 5))
        asleep = memory_of(worker.pid)
        for run in runs[:: max(1, count // 100)]:
            assert (await run.describe()).history_length >= 11, "not all have come to their sleep: give a lower rate"
        print(
            f"{asleep / 1e6:7.1f} MB  with {count:,} runs asleep: {(asleep - ready) / 1e6:.1f} MB more,"
            f" {(asleep - ready) / count / 1024:.1f} KiB each ({time.monotonic() - began:.0f} s)",
            flush=True,
        )
        await asyncio.sleep(max(0.0, (wake - datetime.now(UTC)).total_seconds()))
        began = time.monotonic()
        gate = asyncio.Semaphore(50)

        async def result(run: WorkflowHandle[object, object]) -> object:
            async with gate:  # the server lets so many requests wait, and no more
                return await run.result()

        assert await asyncio.gather(*map(result, runs)) == [4 * number for number in range(count)]
        print(
            f"{memory_of(worker.pid) / 1e6:7.1f} MB  all have ended, {time.monotonic() - began:.1f} s after they woke"
        )


async def _started(client: Client, event: dict[str, object], run_id: str) -> WorkflowHandle[object, object]:
    while True:
        try:
            return await client.start_workflow(sleeps_until.name, event, id=run_id, task_queue="asleep")
        except RPCError as error:
            # A server that is very busy may lose sight of its namespace for a moment.
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            print(f"  {error}", flush=True)
        await asyncio.sleep(0.5)


def memory_of(pid: int) -> int:
    """Return the resident bytes of a process."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024
