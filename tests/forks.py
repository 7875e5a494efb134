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
from typing import NoReturn

import pytest

__all__ = ["FORKS", "run_forked"]

ROOT = Path(__file__).parent.parent

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.preloaded"])


def run_forked(
    command: list[str], *, cwd: Path, env: Mapping[str, str], files: tuple[Path, Path, Path], timeout: float
) -> int:
    """Run an installed command, or pytest, to its end, as a process of its own, and return its exit status.

    Args:
        command: the path of `terse-temporal`, `terse-worker` or `pytest`, and its arguments.
        cwd: the directory that it runs in.
        env: its environment, the whole of it.
        files: what it reads, and where what it prints and what it complains of goes.
        timeout: seconds after which it is killed.

    Raises:
        TimeoutError: it was.
    """
    sys.audit("subprocess.Popen", command[0], command[1:], cwd, None)  # for who counts processes
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
    if Path(command[0]).name == "pytest":
        _pytest(cwd)
    from terse_temporal.cli import entry  # noqa: PLC0415

    (entry.worker if Path(command[0]).name == "terse-worker" else entry.command)()


def _pytest(cwd: str) -> NoReturn:
    # As `python -m pytest` has it: the project is on the path, and this one is not, nor are its tests known.
    sys.path[:] = [cwd, *(each for each in sys.path[1:] if Path(each or ".").resolve() not in (ROOT, Path(cwd)))]
    for name in [name for name in sys.modules if name.partition(".")[0] in ("tests", "conftest")]:
        del sys.modules[name]
    raise SystemExit(pytest.console_main())
