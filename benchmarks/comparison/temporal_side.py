"""A side on Temporal, as a process: `python -m benchmarks.comparison.temporal_side NAME ADDRESS`."""

from __future__ import annotations

import asyncio
import logging
import sys
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, NamedTuple

from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from benchmarks.comparison.driving import serve
from benchmarks.comparison.handwritten import BillCustomer, BillCustomerLocally, Nothing
from benchmarks.comparison.handwritten_activities import Bill, charge
from benchmarks.jobs import Bill as OurBill
from benchmarks.jobs import bill_customer, bill_locally
from terse_temporal.engine import limits
from terse_temporal.worker import build_worker

Run = Callable[[int], Awaitable[float]]


class ByHand(NamedTuple):
    """How a job is run that was written by hand."""

    workflow: type
    is_sandboxed: bool = True
    is_eager: bool = False


_BY_HAND: Final = {
    "by-hand": ByHand(BillCustomer),
    "by-hand-local": ByHand(BillCustomerLocally),
    "by-hand-local-bare": ByHand(BillCustomerLocally, is_sandboxed=False, is_eager=True),
    "nothing": ByHand(Nothing, is_sandboxed=False, is_eager=True),
}

_OURS: Final = {"ours": bill_customer, "ours-local": bill_locally}


def ours(name: str, client: Client) -> tuple[Worker, Run]:
    """Return the worker of a side on this package, and what runs a job there."""
    job = _OURS[name]

    async def run(steps: int) -> float:
        return await job.run(OurBill(customer="ada@example.com", steps=steps), task_queue=name)

    return build_worker(client, jobs=[job], task_queue=name), run


def by_hand(name: str, client: Client) -> tuple[Worker, Run]:
    """Return the same of a side that was written by hand."""
    side = _BY_HAND[name]
    worker = Worker(
        client,
        task_queue=name,
        workflows=[side.workflow],
        activities=[charge],
        workflow_runner=SandboxedWorkflowRunner() if side.is_sandboxed else UnsandboxedWorkflowRunner(),
        # The same as ours, so that what is compared is the code and not these numbers; all else is the SDK's default.
        max_concurrent_activities=limits.STEPS_AT_ONCE,
        max_concurrent_workflow_task_polls=limits.WORKFLOW_POLLERS,
        max_concurrent_activity_task_polls=limits.STEP_POLLERS,
    )

    async def run(steps: int) -> float:
        return await client.execute_workflow(
            side.workflow.run,  # type: ignore[attr-defined]
            Bill(customer="ada@example.com", steps=steps),
            id=f"{name}-{uuid.uuid4()}",
            task_queue=name,
            request_eager_start=side.is_eager,
            task_timeout=timedelta(seconds=10),
        )

    return worker, run


async def _main(name: str, address: str) -> None:
    client = await Client.connect(address)
    worker, run = (ours if name in _OURS else by_hand)(name, client)
    async with worker:
        await serve(run)


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    asyncio.run(_main(*sys.argv[1:]))
