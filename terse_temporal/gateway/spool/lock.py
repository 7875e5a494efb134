"""The lock by which one process writes a spool at a time."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import IO, Final

from ...diagnostics.places import shown_path
from ...diagnostics.text import one_line, shorten
from ...errors import SpoolError

if sys.platform != "win32":
    import fcntl

__all__ = ["SpoolLock"]

#: Its name in the directory of the spool.
_FILE: Final = "gateway.lock"


class SpoolLock:
    """Held from when it is made; let go of by `release`, or by the end of the process, however that comes.

    Raises:
        SpoolError: another process has it; the message says which.
    """

    def __init__(self, directory: Path) -> None:
        path = directory / _FILE
        try:
            self._file: IO[str] = open(  # noqa: SIM115  # until `release`
                path, "a+", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)
            )
        except OSError as error:
            raise SpoolError(f"the spool {shown_path(str(directory))!r} cannot be used: {error.strerror}") from error
        if sys.platform == "win32":
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.seek(0)
            holder = one_line(shorten(self._file.read(200).strip(), 100)) or "another process"
            self._file.close()
            raise SpoolError(
                f"the spool {shown_path(str(directory))!r} is in use by {holder}: end that gateway, or give this one a"
                " directory of its own (`--spool DIR`). Several gateways work side by side, each with its own."
            ) from None
        self._file.truncate(0)
        self._file.write(f"process {os.getpid()} on {socket.gethostname()}")
        self._file.flush()

    def release(self) -> None:
        """Let go of it."""
        self._file.close()
