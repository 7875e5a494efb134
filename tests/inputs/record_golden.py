"""Record golden histories anew: `python -m tests.inputs.record_golden NAME`. See `tests/engine/record_golden.py`."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from terse_temporal import Job
from terse_temporal.testing import JobEnvironment

from ..bench import Run
from ..golden import without_machine
from .asking import answer
from .jobs_golden import golden_default, golden_inputs

__all__ = ["DEFAULT_FILE", "FILE"]

DIRECTORY: Final = Path(__file__).parent / "golden"

FILE: Final = DIRECTORY / "golden-inputs.json"
DEFAULT_FILE: Final = DIRECTORY / "golden-default.json"


async def _answer_inputs(run: Run) -> None:
    await answer(run, "2", choice="yes", text="at noon", by="Ada", via="page")
    await answer(run, "3", data={"title": "T", "tags": ["a"]}, by="Ada")
    await answer(run, "4", text="Bob")


async def _answer_default(run: Run) -> None:
    for number in "123":
        await answer(run, number, text=number, by="Ada")


_JOBS: Final[dict[str, tuple[Job, Callable[[Run], Awaitable[None]]]]] = {
    FILE.stem: (golden_inputs, _answer_inputs),
    DEFAULT_FILE.stem: (golden_default, _answer_default),
}


async def main(name: str) -> None:
    """Run a job, and keep its history."""
    job, answers = _JOBS[name]
    if job is golden_default:
        os.environ["TERSE_ASK_BY"] = "page"
    async with JobEnvironment() as env, env.worker([job], identity="golden"):
        run = await env.start(job, {}, id=name)
        await answers(run)
        print(await run.result())
        history = without_machine(json.loads((await run.fetch_history()).to_json()))
    (DIRECTORY / f"{name}.json").write_text(f"{json.dumps(history, indent=1)}\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
