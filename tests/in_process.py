"""`terse-temporal` in the process of the tests, where only what it prints and how it ends is of interest.

For commands that import no modules of jobs: those would stay. The others, and how a command ends as a process, are
tested with `tests.commands`.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from terse_temporal.cli.entry import run_command as run_in_this_process

from .commands import environment

__all__ = ["Ended", "run_command"]

#: What belongs to the process, its directory and its streams, is one command's at a time.
_TURN = threading.Lock()


class Ended(NamedTuple):
    """How a command ended."""

    status: int
    stdout: str
    stderr: str


def run_command(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None, input: str = "") -> Ended:
    """Run a command to its end. In a test with an event loop, by `asyncio.to_thread`."""
    stdin = io.TextIOWrapper(io.BytesIO(input.encode()), encoding="utf-8")
    stdout, stderr = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with (
        _TURN,
        contextlib.chdir(cwd),
        mock.patch.dict(os.environ, environment(env), clear=True),
        mock.patch.multiple(sys, stdin=stdin, stdout=stdout, stderr=stderr),
    ):
        status = run_in_this_process(arguments)
    return Ended(status, *(_written(each) for each in (stdout, stderr)))


def _written(stream: io.TextIOWrapper) -> str:
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()
