"""How long a run of a thousand steps takes to go on after its worker was restarted: `python -m benchmarks back`.

It has made its steps and sleeps when the worker is ended. It wakes while there is none, and has one step left. What is
measured is from the moment in which the next worker says that it is ready until the run has ended: its history is
fetched and replayed, and the last step runs.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle

from benchmarks.processes import started_worker
from benchmarks.scale_jobs import goes_on
from terse_temporal.devserver import DevServer

__all__ = ["measure_coming_back"]


#: The timers with which many local steps are recorded meanwhile are shorter.
_RECORDED = timedelta(seconds=1)


async def measure_coming_back(count: int = 1_000, seconds: float = 90) -> None:
    """Measure with ordinary and with local steps, and print.

    Args:
        count: steps.
        seconds: how long the steps may take; the run sleeps for the rest of it.
    """
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = await stack.enter_async_context(DevServer(directory / "state.db"))
        client = await Client.connect(server.address)
        for local in (False, True):
            queue = "local" if local else "ordinary"
            wake = datetime.now(UTC) + timedelta(seconds=seconds)
            event = {"count": count, "local": local, "until": wake.isoformat()}
            async with started_worker(server.address, queue):
                run = await client.start_workflow(goes_on.name, event, id=queue, task_queue=queue)
                while not await _sleeps(run):  # noqa: ASYNC110  nothing tells of it
                    await asyncio.sleep(0.2)
                await asyncio.sleep(0.2)
            await asyncio.sleep(max(0.0, (wake - datetime.now(UTC)).total_seconds()) + 0.5)
            async with started_worker(server.address, queue):
                began = time.monotonic()
                assert await run.result() == 2 * count * (count - 1)
                took = time.monotonic() - began
            length = (await run.describe()).history_length
            print(f"{count:,} {queue:8} steps, {length:,} events: {took:.2f} s from a worker that is ready to the end")


async def _sleeps(run: WorkflowHandle[Any, Any]) -> bool:
    """Return whether the run has come to its sleep."""
    timers = [
        event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta()
        async for event in run.fetch_history_events()
        if event.event_type == EventType.EVENT_TYPE_TIMER_STARTED
    ]
    return any(each > _RECORDED for each in timers)
