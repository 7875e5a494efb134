"""A session on one worker's own task queue; activities that read and write files, which helpers of theirs do."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123  a shape of its own
        file.write(text)


def _digest(path: str) -> str:
    return sha256(Path(path).read_bytes()).hexdigest()


@dataclass
class Label:
    parcel: str
    path: str


@activity.defn
async def queue_of_this_worker() -> str:
    return f"labels-{os.uname().nodename}-{os.getpid()}"


@activity.defn
def draw(parcel: str, name: str) -> Label:
    path = Path(tempfile.gettempdir()) / f"{name}.svg"
    _write(str(path), f"<svg>{parcel}</svg>")
    return Label(parcel, str(path))


@activity.defn
def print_out(label: Label) -> str:
    subprocess.run(["lp", label.path], check=True)
    return _digest(label.path)


@activity.defn
def remove(label: Label) -> None:
    os.unlink(label.path)  # noqa: PTH108  likewise


@workflow.defn
class PrintLabel:
    @workflow.run
    async def run(self, parcel: str) -> str:
        for attempt in range(1, 4):
            try:
                return await self.on_one_worker(parcel)
            except ActivityError:
                workflow.logger.exception("Attempt %d on one worker failed", attempt)
                if attempt == 3:
                    raise
        raise AssertionError

    async def on_one_worker(self, parcel: str) -> str:
        queue = await workflow.execute_activity(queue_of_this_worker, start_to_close_timeout=timedelta(seconds=5))
        once = RetryPolicy(maximum_attempts=1)
        label = await workflow.execute_activity(
            draw,
            args=[parcel, str(workflow.uuid4())],
            task_queue=queue,
            start_to_close_timeout=timedelta(seconds=30),
            retry_policy=once,
        )
        try:
            return await workflow.execute_activity(
                print_out, label, task_queue=queue, start_to_close_timeout=timedelta(seconds=30), retry_policy=once
            )
        finally:
            await workflow.execute_activity(
                remove, label, task_queue=queue, start_to_close_timeout=timedelta(seconds=5)
            )
