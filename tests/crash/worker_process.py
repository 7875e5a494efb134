"""A worker as a process, with options that `terse-worker` does not have.

    python tests/crash/worker_process.py ADDRESS TASK_QUEUE '{"max_cached_workflows": 0}' FILE
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import timedelta
from typing import Any

from terse_temporal.cli.output import configure_logging
from terse_temporal.cli.worker import _leave, _until_signal
from terse_temporal.client import connect
from terse_temporal.loading import load_jobs
from terse_temporal.worker import build_worker


async def main(address: str, task_queue: str, options: str, *targets: str) -> None:
    """Run it until a signal, as `terse-worker` does."""
    given: dict[str, Any] = json.loads(options)
    if "graceful_shutdown_timeout" in given:
        given["graceful_shutdown_timeout"] = timedelta(seconds=given["graceful_shutdown_timeout"])
    configure_logging(debug=False)
    client = await connect(target_host=address)
    await _until_signal(build_worker(client, jobs=load_jobs(targets), task_queue=task_queue, **given))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
    _leave()
