"""How long it takes to wake runs that wait for deliveries, and what a delivery costs that nobody waits for."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from temporalio.client import Client
from temporalio.worker import Worker

from benchmarks.jobs import waits_for_a_customer
from terse_temporal.gateway.draining import Drain
from terse_temporal.gateway.spool import Spool
from terse_temporal.gateway.waking import Waking
from terse_temporal.testing import JobEnvironment
from terse_temporal.triggers.deliveries import Delivery
from terse_temporal.worker import build_worker

__all__ = ["measure_waking"]


async def measure_waking(count: int) -> None:
    """Wake so many runs, each by a delivery of its own, and then take in as many that are for nobody."""
    async with JobEnvironment() as env:
        client = await Client.connect(env.address)
        worker = build_worker(client, jobs=[waits_for_a_customer])
        with tempfile.TemporaryDirectory() as directory:
            async with worker, Spool(Path(directory) / "spool") as spool:
                await _measure(client, worker, spool, count)


async def _measure(client: Client, worker: Worker, spool: Spool, count: int) -> None:
    async def connect() -> Client:
        return client

    waking = Waking(spool, connect, worker.task_queue)
    drain = Drain(spool, [], connect, worker.task_queue, waking)
    tasks = [asyncio.create_task(each.run()) for each in (waking, drain)]

    began = time.monotonic()
    gate = asyncio.Semaphore(100)

    async def start(number: int) -> Any:
        async with gate:
            return await client.start_workflow(
                waits_for_a_customer.name,
                {"number": number},
                id=f"waits-{uuid.uuid4()}",
                task_queue=worker.task_queue,
            )

    runs = await asyncio.gather(*map(start, range(count)))
    while sum(len(each.waits) for each in waking._sources.values()) < count:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    print(f"{count:,} runs wait, and are known to: {time.monotonic() - began:.1f} s after the first was started")

    began = time.monotonic()
    await asyncio.gather(*(_put(spool, number) for number in range(count)))
    print(f"{count:,} deliveries are in the spool: {time.monotonic() - began:.1f} s")
    await drain.until_empty()
    print(f"all were offered: {time.monotonic() - began:.1f} s")
    await asyncio.gather(*(run.result() for run in runs))
    print(f"all runs have ended: {time.monotonic() - began:.1f} s")

    await waking.settled()
    began, used = time.monotonic(), time.process_time()
    for number in range(count):
        await waking.offer(_customer(-number - 1))
    print(
        f"{count:,} more that nobody waits for: {(time.monotonic() - began) / count * 1e6:.0f} µs each"
        f" ({(time.process_time() - used) / count * 1e6:.0f} µs of CPU time)"
    )
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _put(spool: Spool, number: int) -> None:
    delivery = _customer(number)
    await spool.put(delivery, json.dumps(delivery.body).encode(), [])


def _customer(number: int) -> Delivery:
    body = {"type": "customer.created", "data": {"object": {"id": f"cus_{number}", "metadata": {"number": number}}}}
    return Delivery(
        source="stripe", id=f"evt_{number}", kind="customer.created", body=body, received_at=datetime.now(UTC)
    )
