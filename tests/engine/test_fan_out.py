"""However many steps a handler starts together, and however large they are, the run gets through."""

from __future__ import annotations

import asyncio
from typing import Any

from terse_temporal import create_job, job_step
from terse_temporal.engine.limits import OPEN_STEPS
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
    """Of more steps started together than are open at once, half of what the server allows, all run in turn."""
    assert OPEN_STEPS == 2_000 // 2
    # A quarter of a second of work in one workflow task, which on a busy machine must not be cut off after two.
    async with env.worker([fan_out], task_queue=task_queue, debug_mode=True):
        run = await env.start(fan_out, {"steps": OPEN_STEPS + 50, "size": 1}, task_queue=task_queue)
        assert await run.result() == OPEN_STEPS + 50
    count = most = 0
    async for event in run.fetch_history_events():
        count += event.HasField("activity_task_scheduled_event_attributes")
        count -= event.HasField("activity_task_completed_event_attributes")
        most = max(most, count)
    assert (most, count) == (OPEN_STEPS, 0)
