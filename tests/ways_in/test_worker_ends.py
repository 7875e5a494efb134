"""A signal ends a worker within its grace and five seconds, whatever its steps do; the second one ends it at once."""

from __future__ import annotations

import signal
import subprocess
import time
from contextlib import ExitStack, suppress
from pathlib import Path

from terse_temporal.testing import JobEnvironment

from ..commands import Command, running
from .test_terse_worker import start

ROOT = Path(__file__).parents[2]

JOBS = """
import asyncio, time
from terse_temporal import create_job, job_step

async def swallow():
    print("in the step", flush=True)
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass

async def block():
    print("in the step", flush=True)
    while True:
        time.sleep(0.01)

def hold():
    print("in the step", flush=True)
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass

@create_job(name="swallow", durable=True)
async def swallows(event):
    await job_step(run=swallow)

@create_job(name="block", durable=True)
async def blocks(event):
    await job_step(run=block)

@create_job(name="hold", durable=True)
async def holds(event):
    await job_step(run=hold)
"""

#: Seconds. Of `terse-worker` it is twenty.
GRACE = 0.5


def ends_by_a_second(worker: Command) -> int:
    """Signal it until it ends, well before the first would end it: two that come at once are one to a process."""
    for _ in range(40):
        worker.send(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            return worker.ended(within=0.1)
    raise AssertionError("a second signal does not end it at once")


async def test_ends(env: JobEnvironment, tmp_path: Path, task_queue: str) -> None:
    """It ends though a step swallows its cancellation, blocks the loop, or holds a thread, and says which step."""
    (tmp_path / "jobs.py").write_text(JOBS)
    arguments = f'{{"graceful_shutdown_timeout": {GRACE}}}', "jobs.py", "--address", env.address, "--task-queue"
    with ExitStack() as stack:
        workers: dict[str, Command] = {}
        for job in ("swallow", "block", "hold", "block again"):
            queue = f"{task_queue}-{job}"
            workers[job] = stack.enter_context(
                running(
                    *("python", "-m", "tests.crash.worker_process", *arguments, queue),
                    cwd=tmp_path,
                    env={"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"},
                )
            )
            await start(env.client, job.split()[0], queue)
        for worker in workers.values():
            worker.says("in the step")
        began = time.monotonic()
        for worker in workers.values():
            worker.send(signal.SIGTERM)
        assert ends_by_a_second(workers["block again"]) == 1
        assert "SIGTERM again: leaving at once" in workers["block again"].printed()
        # A thread that a step holds is left behind by an orderly end.
        assert workers["hold"].ended() == 0
        for job in ("swallow", "block"):
            assert workers[job].ended() == 1
            assert f"SIGTERM was 6 seconds ago, and the step '{job}' has not ended" in workers[job].printed()
        assert time.monotonic() - began > GRACE + 4.5
