"""The clock of a run jumps no further than to the run's end, and that of no run nowhere."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.service import RPCError, RPCStatusCode

from terse_temporal import create_job
from terse_temporal.testing import JobEnvironment


@create_job(name="ends-at-once", durable=True)
async def at_once(event: dict[str, Any]) -> str:
    return "done"


async def test_a_run_that_has_ended(env: JobEnvironment, task_queue: str) -> None:
    """A run that ends before its clock is set is no error: tests that skip do not know when it ends."""
    async with env.worker([at_once], task_queue=task_queue):
        run = await env.start(at_once, {}, task_queue=task_queue)
        assert await run.result() == "done"
        await env.skip(run, "3d")


async def test_no_run(env: JobEnvironment) -> None:
    """A run that is not there is one."""
    with pytest.raises(RPCError) as caught:
        await env.skip(env.client.get_workflow_handle("no-such-run"), "3d")
    assert caught.value.status == RPCStatusCode.NOT_FOUND
