"""What a large result of a step costs a worker that has a storage: time, CPU, memory, and how often the step ran."""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from temporalio.api.enums.v1 import EventType

from benchmarks.large_jobs import KINDS, passes_on_large_data
from terse_temporal.converter import client_with_environment
from terse_temporal.testing import JobEnvironment
from terse_temporal.worker import build_worker

__all__ = ["measure_large"]

#: Seconds that one may take.
_LONGEST = 300


def measure_large(megabytes: int, kinds: Sequence[str] = ()) -> None:
    """Measure each kind in a process of its own, so that each has its own peak of memory.

    Args:
        megabytes: of what a step gives.
        kinds: by default all.
    """
    for kind in kinds or KINDS:
        for passes_on in (False, True) if kind == "text" else (False,):
            with tempfile.TemporaryDirectory() as directory:
                environment = {**os.environ, "TERSE_STORAGE": (Path(directory) / "store").as_uri()}
                arguments = [kind, str(megabytes), "passes-on" if passes_on else ""]
                subprocess.run([sys.executable, "-m", "benchmarks.large", *arguments], env=environment, check=True)


async def _measure(kind: str, megabytes: int, passes_on: bool) -> None:
    async with JobEnvironment() as env:
        client = client_with_environment(env.client)
        async with build_worker(client, jobs=[passes_on_large_data], task_queue="large"):
            for size in (1, megabytes):  # the first has everything imported
                began, cpu = time.monotonic(), time.process_time()
                event = {"kind": kind, "megabytes": size, "passes_on": passes_on}
                run = await passes_on_large_data.start(event, client=client, task_queue="large")
                try:
                    await run.result(timeout=f"{_LONGEST}s")
                    how = "ends"
                except TimeoutError:
                    how = f"has not ended after {_LONGEST} s"
                took, cpu = time.monotonic() - began, time.process_time() - cpu
        events = (await client.get_workflow_handle(run.id).fetch_history()).events
        attempts = [each.activity_task_started_event_attributes.attempt for each in events]
        tasks = sum(each.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED for each in events)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(
            f"{kind:8} {megabytes} MB{', passed on' if passes_on else '':11}: {how}, {took:.1f} s, CPU {cpu:.1f} s,"
            f" {peak:,} MB at most, attempts of a step {max(attempts)}, workflow tasks {tasks}"
        )


if __name__ == "__main__":
    asyncio.run(_measure(sys.argv[1], int(sys.argv[2]), sys.argv[3] == "passes-on"))
