"""Processes forked from one that has imported the package: where a test starts many, imports cost more than the rest.

What is inherited is memory alone: no thread, no connection, and nothing of the SDK's core.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import sys
from collections.abc import Mapping
from pathlib import Path

__all__ = ["FORKS", "run_forked"]

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.crash.worker_process", "tests.loaded_commands"])


def run_forked(
    command: list[str], *, cwd: Path, env: Mapping[str, str], files: tuple[Path, Path, Path], timeout: float
) -> int:
    """Run an installed command to its end, as a process of its own, and return its exit status.

    Args:
        command: the path of `terse-temporal` or `terse-worker`, and its arguments.
        cwd: the directory that it runs in.
        env: its environment, the whole of it.
        files: what it reads, and where what it prints and what it complains of goes.
        timeout: seconds after which it is killed.

    Raises:
        TimeoutError: it was.
    """
    process = FORKS.Process(target=_command, args=(command, str(cwd), dict(env), [str(file) for file in files]))
    process.start()
    process.join(timeout)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise TimeoutError(f"not within {timeout:g} s: {command}")
    return process.exitcode


def _command(command: list[str], cwd: str, env: dict[str, str], files: list[str]) -> None:
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    for number, (file, flags) in enumerate(zip(files, (os.O_RDONLY, os.O_WRONLY, os.O_WRONLY), strict=True)):
        opened = os.open(file, flags)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = io.TextIOWrapper(os.fdopen(0, "rb", closefd=False))
    sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", closefd=False))
    sys.stderr = io.TextIOWrapper(os.fdopen(2, "wb", closefd=False), errors="backslashreplace", line_buffering=True)
    sys.argv[:] = command
    # A command that executes itself again does so as it was called.
    sys.orig_argv = [sys.executable, *command]
    sys.path[0] = str(Path(command[0]).parent)
    from terse_temporal.cli import entry  # noqa: PLC0415

    (entry.worker if Path(command[0]).name == "terse-worker" else entry.command)()
