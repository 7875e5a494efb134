"""`terse-worker` with options that the command does not have, as a program and as what a forked process does.

The program's first argument is a JSON object of options for `build_worker`; the others are those of `terse-worker`.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import signal
import sys
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from temporalio.worker._worker import load_default_build_id

from terse_temporal.cli import worker_command
from terse_temporal.cli.entry import worker
from terse_temporal.cli.hash_seed import with_hash_seed
from terse_temporal.engine.journal import instance
from terse_temporal.engine.workflow import execution as durable
from terse_temporal.worker import build_worker

if __name__ != "__main__":  # for the fork server
    # Imported by a turn of a model.
    import pydantic_ai.models.openai  # noqa: F401

    # A worker's first act is to read the code of every module again, two thousand files. Here a forked one has it done.
    load_default_build_id()


def main(options: dict[str, Any]) -> None:
    """Run the worker."""
    if (grace := options.get("graceful_shutdown_timeout")) is not None:
        options["graceful_shutdown_timeout"] = timedelta(seconds=grace)
    if (slack := options.pop("timeout_slack", None)) is not None:
        durable.TIMEOUT_SLACK = timedelta(seconds=slack)  # type: ignore[attr-defined]  # half a minute is long for a test
    instance.SLICE = options.pop("journal_slice", instance.SLICE)  # type: ignore[attr-defined]  # a hundred is much for a test
    if (point := options.pop("crash_after", None)) is not None:
        crash_after(*point)
    worker_command.build_worker = functools.partial(build_worker, **options)  # type: ignore[attr-defined]  # it is imported there
    worker()


def crash_after(method: str, times: int) -> None:
    """End this process by SIGKILL when a method of the journals of its runs has ended so often."""
    original = getattr(instance.JournaledInstance, method)
    ended = itertools.count(1)

    def crashing(*args: Any) -> Any:
        given = original(*args)
        if next(ended) == times:
            signal.raise_signal(signal.SIGKILL)
        return given

    setattr(instance.JournaledInstance, method, crashing)


def forked(arguments: list[str], options: dict[str, Any], env: Mapping[str, str], directory: str, log: str) -> None:
    """Run the worker in a process that has been forked, with nothing of where that was but what it has imported."""
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(with_hash_seed(env))  # the worker would execute itself again for it
    output = os.open(log, os.O_WRONLY | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.argv[:] = ["terse-worker", *arguments]
    main(options)


if __name__ == "__main__":
    main({"build_id": "a test", **json.loads(sys.argv.pop(1))})
