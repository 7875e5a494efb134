"""The entry points of the installed commands.

What they run is imported after the hash seed has been seen to, as a process that executes itself again imports all
of it twice.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from .hash_seed import fix_hash_seed
from .importing import no_garbage_collection

__all__ = ["command", "run_command", "run_worker_command", "worker"]

#: The subcommands of `terse-temporal` that execute handlers in their own process.
_RUN_HANDLERS = frozenset({"dev", "replay"})


def worker() -> NoReturn:
    """Run `terse-worker`, and end the process."""
    _open_closed_streams()
    fix_hash_seed()
    _end(run_worker_command(sys.argv[1:]))


def command() -> NoReturn:
    """Run `terse-temporal`, and end the process."""
    _open_closed_streams()
    if _RUN_HANDLERS.intersection(sys.argv[1:2]):
        fix_hash_seed()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What the encoding of a terminal or of a pipe cannot say is spelled out, as Python does it on stderr.
        sys.stdout.reconfigure(errors="backslashreplace")
    _end(run_command(sys.argv[1:]))


def _open_closed_streams() -> None:
    """Let a command say nothing where a stream was closed (`>&-`, or a parent that has none), instead of failing."""
    # Not later: the descriptor would be that of the next file or connection, which a child process then writes to.
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  as long as the process
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  as long as the process


def run_command(arguments: Sequence[str]) -> int:
    """Run `terse-temporal` in this process, and return its exit status."""
    with no_garbage_collection():
        from .main import app  # noqa: PLC0415  only now

    return _status(app, arguments)


def run_worker_command(arguments: Sequence[str]) -> int:
    """Run `terse-worker` in this process, and return its exit status."""
    with no_garbage_collection():
        from .worker_command import app  # noqa: PLC0415  only now

    return _status(app, arguments)


def _status(app: Callable[..., None], arguments: Sequence[str]) -> int:
    from .exiting import Settings, exit_status  # noqa: PLC0415  only now

    settings = Settings()
    return exit_status(lambda: app(list(arguments), obj=settings), settings)


def _end(status: int) -> NoReturn:
    from .exiting import leave  # noqa: PLC0415  imported before

    leave(status)
