"""`terse-worker` with options that the command does not have.

The first argument is a JSON object of options for `build_worker`; the others are those of `terse-worker`.
"""

from __future__ import annotations

import functools
import json
import sys
from datetime import timedelta

from terse_temporal.cli import worker
from terse_temporal.engine import durable
from terse_temporal.worker import build_worker

if __name__ == "__main__":
    options = json.loads(sys.argv.pop(1))
    if (grace := options.get("graceful_shutdown_timeout")) is not None:
        options["graceful_shutdown_timeout"] = timedelta(seconds=grace)
    if (slack := options.pop("timeout_slack", None)) is not None:
        durable.TIMEOUT_SLACK = timedelta(seconds=slack)  # type: ignore[attr-defined]  # half a minute is long for a test
    worker.build_worker = functools.partial(build_worker, **options)  # type: ignore[attr-defined]  # it is imported there
    worker.main()
