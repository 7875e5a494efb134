"""However many steps a handler starts together, and however large they are, the run gets through."""

from __future__ import annotations

import asyncio
from typing import Any

from terse_temporal import create_job, job_step
from terse_temporal.testing import JobEnvironment


def length(text: str) -> int:
    return len(text)


@create_job(name="fan-out", durable=True)
async def fan_out(event: dict[str, Any]) -> int:
    texts = ["x" * event["size"]] * event["steps"]
    return sum(await asyncio.gather(*(job_step(run=length, input=text) for text in texts)))


async def test_inputs_larger_than_a_message(env: JobEnvironment, task_queue: str, cache: int) -> None:
    """Steps started together whose inputs are more than the server takes in one message all run."""
    async with env.worker([fan_out], task_queue=task_queue, max_cached_workflows=cache):
        event = {"steps": 40, "size": 150_000}
        assert await env.run(fan_out, event, task_queue=task_queue) == 6_000_000


async def test_more_steps_than_the_server_keeps_open(env: JobEnvironment, task_queue: str) -> None:
    """More steps started together than the server allows to be open all run."""
    # Half a second of work in one workflow task, which on a machine with other work must not be cut off after two.
    async with env.worker([fan_out], task_queue=task_queue, debug_mode=True):
        assert await env.run(fan_out, {"steps": 2_100, "size": 1}, task_queue=task_queue) == 2_100
