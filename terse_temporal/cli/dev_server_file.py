"""The file that says where the server of `terse-temporal dev` is, for other commands in the same directory.

`dev` writes it into `.terse/server.json`. What stands there is believed only while the process that wrote it is alive,
if the file is this user's own, and if it names an address of this machine: a command that sends data to a server must
not be led elsewhere by a file that came with an archive.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

from ..devserver import PRIVATE_DIRECTORY

__all__ = ["DEV_DIRECTORY", "DevServerFile", "running_dev_server"]

#: Of `dev`, unless it is told another by `--state`.
DEV_DIRECTORY: Final = Path(PRIVATE_DIRECTORY)

_FILE: Final = "server.json"
_LOCAL: Final = "127.0.0.1"
_LONGEST: Final = 4096  # bytes; what `dev` writes has a hundred


@dataclass(frozen=True)
class DevServerFile:
    """What `dev` leaves for other commands, and for its next start.

    Attributes:
        port: of its server, on this machine.
        pid: its process id; 0 when it has ended.
        gateway_port: of the gateway beside it; 0 where there was none.
    """

    port: int
    pid: int
    gateway_port: int = 0

    @property
    def address(self) -> str:
        """The server's `host:port`."""
        return f"{_LOCAL}:{self.port}"

    @classmethod
    def read(cls, directory: Path) -> Self | None:
        """Read the file of a directory; `None` where there is none, or nothing to go by."""
        try:
            with (directory / _FILE).open("rb") as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode) or not _is_only_ours(status):
                    return None
                found: Any = json.loads(file.read(_LONGEST))
        except (OSError, ValueError, RecursionError):
            return None
        if not isinstance(found, dict):
            return None
        port, pid, gateway_port = found.get("port"), found.get("pid"), found.get("gateway_port", 0)
        # A boolean is an int too.
        if type(port) is not int or type(pid) is not int or not 0 < port < 65536 or pid < 0:
            return None
        if type(gateway_port) is not int or not 0 <= gateway_port < 65536:
            return None
        return cls(port, pid, gateway_port)

    def write(self, directory: Path) -> None:
        """Write it whole, or not at all; only this user may read it."""
        descriptor, name = tempfile.mkstemp(dir=directory, prefix=_FILE)  # 0600
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(self), file)
        Path(name).replace(directory / _FILE)

    def is_running(self) -> bool:
        """Return whether the process that wrote it is there."""
        if self.pid == 0:
            return False
        try:
            os.kill(self.pid, 0)
        except OSError:  # of another user, it is not the one
            return False
        return True


def running_dev_server() -> tuple[DevServerFile, Path] | None:
    """Return the server of the `dev` that runs in this directory or the nearest one above it, and where its file is."""
    here = Path.cwd()
    for directory in (here, *here.parents):
        found = DevServerFile.read(directory / DEV_DIRECTORY)
        if found is not None and found.is_running():
            return found, directory / DEV_DIRECTORY
    return None


def _is_only_ours(status: os.stat_result) -> bool:
    if os.name == "nt":
        return True
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
