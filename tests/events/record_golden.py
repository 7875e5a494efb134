"""Record the golden histories of the workflows behind events by key: `python -m tests.events.record_golden`.

Only when a change to what is recorded was meant: `tests/engine/record_golden.py` says why.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from terse_temporal.engine.events.messages import events_workflow_id
from terse_temporal.serialization.wire_names import EVENTS_POST_WORKFLOW
from terse_temporal.testing import JobEnvironment

from ..engine.jobs_golden import events
from ..golden import without_machine

DIRECTORY = Path(__file__).parent / "golden"


async def main() -> None:
    """Run the golden job, and keep what the workflow of its key and one that told it something have done."""
    DIRECTORY.mkdir(exist_ok=True)
    async with JobEnvironment() as env, env.worker([events], identity="golden"):
        await env.run(events, {"key": "golden"})
        key = env.client.get_workflow_handle(events_workflow_id("terse", "a", "golden"))
        found = [each async for each in env.client.list_workflows(f'WorkflowType = "{EVENTS_POST_WORKFLOW}"')]
        post = env.client.get_workflow_handle(found[0].id)
        for name, run in {"key": key, "post": post}.items():
            history = without_machine(json.loads((await run.fetch_history()).to_json()))
            (DIRECTORY / f"{name}.json").write_text(f"{json.dumps(history, indent=1)}\n")


if __name__ == "__main__":
    asyncio.run(main())
