"""Record the golden history anew: `python -m tests.inputs.record_golden`. See `tests/engine/record_golden.py`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from terse_temporal.testing import JobEnvironment

from ..golden import without_machine
from .asking import answer
from .jobs_golden import golden_inputs

FILE = Path(__file__).parent / "golden" / "golden-inputs.json"


async def main() -> None:
    """Run the job, and keep its history."""
    FILE.parent.mkdir(exist_ok=True)
    async with JobEnvironment() as env, env.worker([golden_inputs], identity="golden"):
        run = await env.start(golden_inputs, {}, id="golden-inputs")
        await answer(run, "2", choice="yes", text="at noon", by="Ada", via="page")
        await answer(run, "3", data={"title": "T", "tags": ["a"]}, by="Ada")
        await answer(run, "4", text="Bob")
        print(await run.result())
        history = without_machine(json.loads((await run.fetch_history()).to_json()))
    FILE.write_text(f"{json.dumps(history, indent=1)}\n")


if __name__ == "__main__":
    asyncio.run(main())
