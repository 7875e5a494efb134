"""One side's worker, in a process of its own so that its processor time is its own.

It answers every line on its standard input with the processor time that it has used so far, in seconds, and ends with
the input.
"""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import sys

from temporalio.client import Client
from temporalio.worker import Worker

from benchmarks import handwritten, handwritten_activities
from terse_temporal.engine import limits
from terse_temporal.jobs.loading import load_jobs
from terse_temporal.worker import build_worker


def build(side: str, client: Client) -> Worker:
    """Return the worker of a side, on a task queue that is called as it."""
    if side == "ours":
        return build_worker(client, jobs=load_jobs(["benchmarks.jobs"]), task_queue=side)
    return Worker(
        client,
        task_queue=side,
        workflows=[handwritten.BillCustomer, handwritten.BillChildren],
        activities=[handwritten_activities.charge],
        # The same as ours, so that what is compared is the code and not these numbers; all else is the SDK's default.
        max_concurrent_activities=limits.STEPS_AT_ONCE,
        max_concurrent_workflow_task_polls=limits.WORKFLOW_POLLERS,
        max_concurrent_activity_task_polls=limits.STEP_POLLERS,
    )


async def serve(side: str, address: str) -> None:
    """Run until the end of the input."""
    client = await Client.connect(address)
    async with build(side, client):
        while await asyncio.to_thread(sys.stdin.readline):
            used = resource.getrusage(resource.RUSAGE_SELF)
            print(used.ru_utime + used.ru_stime, flush=True)


if __name__ == "__main__":
    # As `terse-worker` has it, one line for each run and each step; here it goes nowhere.
    logging.basicConfig(filename=os.devnull, level=logging.INFO)
    asyncio.run(serve(*sys.argv[1:]))
