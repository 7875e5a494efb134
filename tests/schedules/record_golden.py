"""Record the golden history of a scheduled run: `python -m tests.schedules.record_golden`.

Only when a change to what is recorded was meant: runs that are under way when such a change is deployed will wait for
the old code.
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

from temporalio.service import RPCError

from terse_temporal.schedules import sync
from terse_temporal.schedules.operating import backfill
from terse_temporal.testing import JobEnvironment

from ..golden import without_machine
from .jobs_golden import scheduled

FILE = Path(__file__).parent / "golden" / "golden-scheduled.json"

#: Due in the hour that was skipped that night, and so right after it; and by a second later on the server.
RUN = "golden-scheduled-2026-03-29T01:00:01Z"


async def main() -> None:
    """Have the schedule start the run, and keep its history."""
    FILE.parent.mkdir(exist_ok=True)
    async with JobEnvironment() as env, env.worker([scheduled], task_queue="golden", identity="golden"):
        await sync([scheduled], env.client, task_queue="golden")
        night = datetime(2026, 3, 29, tzinfo=UTC)
        await backfill(env.client, "golden-scheduled", night, night.replace(hour=6), "allow_all")
        run = env.client.get_workflow_handle(RUN)
        while True:
            try:
                print(await run.result())
                break
            except RPCError:  # it is not there yet
                await asyncio.sleep(0.1)
        history = without_machine(json.loads((await run.fetch_history()).to_json()))
        FILE.write_text(f"{json.dumps(history, indent=1)}\n")


if __name__ == "__main__":
    asyncio.run(main())
