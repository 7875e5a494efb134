"""Activities that block and beat, a workflow that cleans up when it is cancelled, and the program that runs both."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from temporalio import activity, workflow
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import CancelledError
from temporalio.worker import Worker

QUEUE = "scans"


@activity.defn
def watch_the_belt() -> NoReturn:
    """Watch until cancelled."""
    begun = time.monotonic()
    while True:
        activity.heartbeat(time.monotonic() - begun, datetime.now(UTC).isoformat())
        time.sleep(random.uniform(0.2, 0.4))


@activity.defn(name="stop-belt")
async def stop_the_belt(reason: str) -> None:
    activity.logger.info("The belt stops: %s", reason)
    await asyncio.sleep(0.1)


@activity.defn
def weigh(parcel: int) -> float:
    return random.gauss(2.0, 0.5) * parcel


@workflow.defn
class WatchBelt:
    @workflow.run
    async def run(self) -> None:
        try:
            await workflow.execute_activity(
                watch_the_belt,
                start_to_close_timeout=timedelta(hours=8),
                heartbeat_timeout=timedelta(seconds=2),
                cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            )
        finally:
            await workflow.execute_activity(stop_the_belt, "over", start_to_close_timeout=timedelta(seconds=5))


@workflow.defn
class WeighAll:
    @workflow.run
    async def run(self, parcels: list[int]) -> list[float]:
        weights = await asyncio.gather(
            *[workflow.execute_activity(weigh, each, start_to_close_timeout=timedelta(seconds=5)) for each in parcels]
        )
        return sorted(weights)


async def main() -> None:
    client = await Client.connect("localhost:7233")
    threads = ThreadPoolExecutor(5)
    activities: list[Callable[..., Any]] = [watch_the_belt, stop_the_belt, weigh]
    async with Worker(
        client, task_queue=QUEUE, workflows=[WatchBelt, WeighAll], activities=activities, activity_executor=threads
    ):
        handle = await client.start_workflow(WatchBelt.run, id=f"belt-{random.randrange(100)}", task_queue=QUEUE)
        await asyncio.sleep(float(sys.argv[1]))
        await handle.cancel()
        try:
            await handle.result()
        except WorkflowFailureError as error:
            print("cancelled" if isinstance(error.cause, CancelledError) else repr(error))


if __name__ == "__main__":
    asyncio.run(main())
