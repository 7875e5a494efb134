"""Record the golden history anew: `python -m tests.agents.record_golden`. See `tests/engine/record_golden.py`."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from terse_temporal.jobs.job import Job
from terse_temporal.testing import JobEnvironment

from ..golden import without_machine
from ..model_server import ModelServer, calls, says
from .approvals import waiting
from .jobs_golden import golden_fixed, golden_references, golden_sdk

FILE = Path(__file__).parent / "golden" / "golden-sdk.json"

SCRIPT: list[dict[str, Any]] = [
    calls(("golden_find", {"email": "bob@example.com"}), ("golden_find", {"male": "bob"})),
    calls(("golden_note", {"text": "hello"}), ("nobody_knows", {})),
    calls(("final_result", {"subject": "Hello", "stars": "many"})),
    calls(("final_result", {"subject": "Hello", "stars": 5})),
]


FIXED_FILE = FILE.with_name("golden-fixed.json")

FIXED_SCRIPT: list[dict[str, Any]] = [
    calls(("golden_find", {"email": "bob@example.com"}), ("golden_find", {"email": "bob@example.com", "deep": False})),
    calls(("golden_note", {"text": "abc"}), ("golden_note", {"text": "abcd"}), ("golden_note", {"text": "abcde"})),
    says("done"),
]


REFERENCES_FILE = FILE.with_name("golden-references.json")

REFERENCES_SCRIPT: list[dict[str, Any]] = [
    calls(("golden_shelf_page", {"number": 1}), ("golden_shelf_page", {"number": "two"})),
    calls(("golden_shelf_page", {"number": 2})),
    says("Hello"),
]


async def main() -> None:
    """Run the jobs, and keep their histories."""
    FILE.parent.mkdir(exist_ok=True)
    await record(golden_sdk, SCRIPT, FILE)
    await record(golden_fixed, FIXED_SCRIPT, FIXED_FILE)
    await record(golden_references, REFERENCES_SCRIPT, REFERENCES_FILE, asks=False)


async def record(job: Job, script: list[dict[str, Any]], file: Path, *, asks: bool = True) -> None:
    """Run a job, deny what it asks, and keep its history."""
    async with ModelServer().serving() as model, JobEnvironment() as env, env.worker([job], identity="golden"):
        os.environ |= {
            "OPENAI_BASE_URL": model.url,
            "OPENAI_API_KEY": "sk-golden-0123456789",
            "TERSE_MODEL": "openai:gpt-5",
        }
        model.script = script
        run = await env.start(job, {"email": "ada@example.com"}, id=job.name)
        if asks:
            await waiting(run)
            await run.execute_update("terse.input", {"id": "1", "approved": False, "reason": "not now", "by": "Grace"})
        print(await run.result())
        history = without_machine(json.loads((await run.fetch_history()).to_json()))
    keep(history, file)


def keep(history: Any, file: Path) -> None:
    """Write a history down."""
    file.write_text(f"{json.dumps(history, indent=1)}\n")


if __name__ == "__main__":
    asyncio.run(main())
