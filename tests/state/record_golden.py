"""Record the golden histories anew: `python -m tests.state.record_golden`.

Only when a change to what the state workflow records was meant: the states that are there when it is deployed would
stand still. Histories that are here already are otherwise never touched.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from terse_temporal.engine.state import workflow as state_workflow
from terse_temporal.engine.state.store import TemporalStore, state_workflow_id
from terse_temporal.testing import JobEnvironment

from ..golden import without_machine
from .jobs_state import count
from .stores import add_one, state_of

DIRECTORY = Path(__file__).parent / "golden"


async def main() -> None:
    """Write to a state, and keep the histories of its first two runs."""
    DIRECTORY.mkdir(exist_ok=True)
    state_workflow.WRITES_PER_RUN = 4  # type: ignore[misc]  # small histories are enough
    of = state_of(count, "golden")
    async with JobEnvironment() as env, env.worker([count], task_queue=of.task_queue, identity="golden"):
        store = TemporalStore(lambda: env.client)
        for name in ("first", "second"):
            run = await env.client.get_workflow_handle(state_workflow_id(of)).describe() if name == "second" else None
            await store.set(of, "value", {"a": [1, None]}, write=f"{name}-1")
            await store.update(of, "count", add_one, write=f"{name}-2")
            if run is None:
                run = await env.client.get_workflow_handle(state_workflow_id(of)).describe()
            await store.delete(of, "value", write=f"{name}-3")
            await store.update(of, "count", add_one, write=f"{name}-4")
            ended = env.client.get_workflow_handle(run.id, run_id=run.run_id)
            history = without_machine(json.loads((await ended.fetch_history()).to_json()))
            (DIRECTORY / f"{name}.json").write_text(f"{json.dumps(history, indent=1)}\n")


if __name__ == "__main__":
    asyncio.run(main())
