"""Record the golden history anew: `python -m tests.agents.record_golden`. See `tests/engine/record_golden.py`."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from terse_temporal.testing import JobEnvironment

from ..golden import without_machine
from ..model_server import ModelServer, calls
from .approvals import waiting
from .jobs_golden import golden_sdk

FILE = Path(__file__).parent / "golden" / "golden-sdk.json"

SCRIPT: list[dict[str, Any]] = [
    calls(("golden_find", {"email": "bob@example.com"}), ("golden_find", {"male": "bob"})),
    calls(("golden_note", {"text": "hello"}), ("nobody_knows", {})),
    calls(("final_result", {"subject": "Hello", "stars": "many"})),
    calls(("final_result", {"subject": "Hello", "stars": 5})),
]


async def main() -> None:
    """Run the job, and keep its history."""
    FILE.parent.mkdir(exist_ok=True)
    async with ModelServer().serving() as model, JobEnvironment() as env, env.worker([golden_sdk], identity="golden"):
        os.environ |= {
            "OPENAI_BASE_URL": model.url,
            "OPENAI_API_KEY": "sk-golden-0123456789",
            "TERSE_MODEL": "openai:gpt-5",
        }
        model.script = SCRIPT
        run = await env.start(golden_sdk, {"email": "ada@example.com"}, id="golden-sdk")
        await waiting(run)
        await run.execute_update("terse.input", {"id": "1", "approved": False, "reason": "not now", "by": "Grace"})
        print(await run.result())
        history = without_machine(json.loads((await run.fetch_history()).to_json()))
    FILE.write_text(f"{json.dumps(history, indent=1)}\n")


if __name__ == "__main__":
    asyncio.run(main())
