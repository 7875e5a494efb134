"""Record the golden histories of the workflows behind events: `python -m tests.events.record_golden keys`.

With `deliveries`, those of a run that waits for deliveries, and of the workflow that knows of that. Only when a change
to what is recorded was meant: `tests/engine/record_golden.py` says why.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError

from terse_temporal.engine.events.messages import events_workflow_id, waits_workflow_id
from terse_temporal.serialization.wire_names import (
    DELIVERY_SIGNAL,
    EVENTS_POST_WORKFLOW,
    EVENTS_WAIT_SIGNAL,
    WAITS_QUERY,
)
from terse_temporal.testing import JobEnvironment

from ..engine.jobs_golden import events
from ..golden import without_machine
from .jobs_waits import takes_deliveries

DIRECTORY = Path(__file__).parent / "golden"


async def record_deliveries() -> None:
    """Run a job that waits for deliveries, give it some as a gateway does, and keep what it and the registry did."""
    async with JobEnvironment() as env, env.worker([takes_deliveries], identity="golden"):
        client = await Client.connect(env.address)
        run = await client.start_workflow(takes_deliveries.name, {}, id="golden", task_queue="terse")
        first_run_id = run.first_execution_run_id
        assert first_run_id is not None
        registry = client.get_workflow_handle(waits_workflow_id("terse", "stripe", first_run_id))
        given: list[int] = []
        for number in range(2):
            async with asyncio.timeout(10):
                while (wait := await _wait(registry, given)) is None:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            given.append(wait["number"])
            body = {"type": "customer.created", "data": {"object": {"id": f"cus_{number}"}}}
            message = {field: wait[field] for field in ("owner", "key")} | {
                "v": 1,
                "source": "stripe",
                "wait": wait["number"],
                "name": "stripe.on_customer_created",
                "trigger": "stripe.on_customer_created()",
                "event": {"id": f"stripe:evt_{number}", "data": body},
            }
            await run.signal(DELIVERY_SIGNAL, message)
            await registry.signal(EVENTS_WAIT_SIGNAL, {"v": 1, "spent": [[wait["owner"], wait["number"], wait["n"]]]})
        print(await run.result())
        for name, each in {"delivered": run, "waits": registry}.items():
            _write(name, (await each.fetch_history()).to_json())


async def _wait(registry: WorkflowHandle[Any, Any], given: list[int]) -> dict[str, Any] | None:
    """Return a wait that was given nothing yet, of those that take what is given here."""
    try:
        found: list[dict[str, Any]] = (await registry.query(WAITS_QUERY))["waits"]
    except RPCError:  # not there yet
        return None
    return next((each for each in found if "type" in each["match"] and each["number"] not in given), None)


def _write(name: str, history: str) -> None:
    written = without_machine(json.loads(history))
    (DIRECTORY / f"{name}.json").write_text(f"{json.dumps(written, indent=1)}\n")


async def record_keys() -> None:
    """Run the golden job, and keep what the workflow of its key and one that told it something have done."""
    async with JobEnvironment() as env, env.worker([events], identity="golden"):
        await env.run(events, {"key": "golden"})
        key = env.client.get_workflow_handle(events_workflow_id("terse", "a", "golden"))
        found = [each async for each in env.client.list_workflows(f'WorkflowType = "{EVENTS_POST_WORKFLOW}"')]
        post = env.client.get_workflow_handle(found[0].id)
        for name, run in {"key": key, "post": post}.items():
            _write(name, (await run.fetch_history()).to_json())


if __name__ == "__main__":
    DIRECTORY.mkdir(exist_ok=True)
    asyncio.run({"keys": record_keys, "deliveries": record_deliveries}[sys.argv[1]]())
