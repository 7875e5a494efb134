"""A delivery over HTTP to the gateway's own process starts its job and wakes the runs that wait, also after a kill."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

import httpx
from temporalio.client import Client
from temporalio.service import RPCError

from ..bench import PATIENCE, Bench, cache_on
from ..events.test_by_key import _has
from ..events.test_waits import waits
from .gateway_process import GatewayProcess, gateway_process
from .jobs_waking import waits_for_customers, waits_for_the_next


def customer(id: str) -> dict[str, Any]:
    return {"id": f"evt_{id}", "type": "customer.created", "data": {"object": {"id": id, "email": "ada@example.com"}}}


async def deliver(gateway: GatewayProcess, *ids: str) -> None:
    async with httpx.AsyncClient(timeout=30) as client:
        for each in ids:
            assert (await gateway.deliver(client, "stripe", customer(each), id="")).status_code == 200


async def result(client: Client, workflow_id: str) -> Any:
    """The result of a run, which may not have been started yet."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                return await client.get_workflow_handle(workflow_id).result()
            except RPCError:
                await asyncio.sleep(0.02)


@cache_on
async def test_starts_and_wakes_and_is_killed(bench: Bench, tmp_path: Path) -> None:
    """Each once; the run that a delivery has started does not take it, and takes the next one."""
    options = (bench.env.address, "--task-queue", bench.task_queue)
    async with bench.worker(waits_for_customers, waits_for_the_next):
        run = await bench.start_on_the_wall_clock(waits_for_customers, count=3)
        await waits(bench, run)
        with gateway_process(tmp_path, *options, jobs="tests/gateway/jobs_waking.py") as gateway:
            await deliver(gateway, "cus_1", "cus_1")
            await _has(run, 1, "workflow_execution_signaled")
            gateway.command.send(signal.SIGKILL)
            await asyncio.to_thread(gateway.command.ended)
        with gateway_process(tmp_path, *options, jobs="tests/gateway/jobs_waking.py") as gateway:
            await deliver(gateway, "cus_1", "cus_2", "cus_3")
            assert await bench.result(run) == ["cus_1", "cus_2", "cus_3"]
            started = [f"{waits_for_the_next.name}/stripe:evt_cus_{number}" for number in (1, 2)]
            assert [await result(bench.env.client, each) for each in started] == [
                ["cus_1", "cus_2"],
                ["cus_2", "cus_3"],
            ]
