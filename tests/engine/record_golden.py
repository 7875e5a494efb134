"""Record golden histories: `python -m tests.engine.record_golden`, with the names of jobs those of them alone.

Only for a new job, or when a change to what is recorded was meant: runs that are under way when such a change is
deployed will wait for the old code. Histories that are here already are otherwise never touched.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowFailureError

from terse_temporal.testing import JobEnvironment

from ..golden import without_machine
from .jobs_golden import GOLDEN, child, waiting

DIRECTORY = Path(__file__).parent / "golden"

#: Events after which runs of a job continue as new by themselves.
CONTINUED_AFTER = {"golden-continuing": 20, "golden-continued": 20, "golden-following": 45}


async def main(*names: str) -> None:
    """Run jobs, and keep their histories."""
    DIRECTORY.mkdir(exist_ok=True)
    jobs = [*(job for job, _ in GOLDEN.values()), child, waiting]
    for name in names or GOLDEN:
        job, event = GOLDEN[name]
        # Of a job that continues as new by itself, the first history of a run is kept, the second, and the last.
        after = CONTINUED_AFTER.get(name)
        options: Any = {} if after is None else {"continue_after": after}
        async with JobEnvironment() as env, env.worker(jobs, identity="golden", **options):
            run = await env.start(job, event, id=name)
            try:
                print(name, await run.result())
            except WorkflowFailureError as failed:  # as some are to
                print(name, failed.cause)
            kept = run.first_execution_run_id if name in ("golden-continuing", "golden-following") else None
            if name == "golden-following":
                *_, end = (await env.client.get_workflow_handle(name, run_id=kept).fetch_history()).events
                kept = end.workflow_execution_continued_as_new_event_attributes.new_execution_run_id
            run = env.client.get_workflow_handle(name, run_id=kept)
            history = without_machine(json.loads((await run.fetch_history()).to_json()))
            (DIRECTORY / f"{name}.json").write_text(f"{json.dumps(history, indent=1)}\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
