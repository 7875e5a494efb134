"""Record the golden histories anew: `python -m tests.engine.record_golden`.

Only for a new job, or when a change to what is recorded was meant: runs that are under way when such a change is
deployed will wait for the old code. Histories that are here already are otherwise never touched.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from terse_temporal.testing import JobEnvironment

from ..golden import without_machine
from .jobs_golden import GOLDEN

DIRECTORY = Path(__file__).parent / "golden"


async def main() -> None:
    """Run each job, and keep its history."""
    DIRECTORY.mkdir(exist_ok=True)
    async with JobEnvironment() as env, env.worker([job for job, _ in GOLDEN.values()], identity="golden"):
        for name, (job, event) in GOLDEN.items():
            run = await env.start(job, event, id=name)
            print(name, await run.result())
            history = without_machine(json.loads((await run.fetch_history()).to_json()))
            (DIRECTORY / f"{name}.json").write_text(f"{json.dumps(history, indent=1)}\n")


if __name__ == "__main__":
    asyncio.run(main())
