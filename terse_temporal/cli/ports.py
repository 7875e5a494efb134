"""The port of the server of `dev`, and that of its Web UI above it.

A server needs a moment from its start until it has its ports. Several that are started in that moment would all find
the same one free, and all but one end. So whoever has chosen a port holds a lock that stands for it.
"""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from contextlib import ExitStack
from typing import Final

from .web_ui import UI_PORT_ABOVE

if sys.platform != "win32":
    import fcntl

__all__ = ["LAST_PORT", "claim", "claim_port"]

_IP: Final = "127.0.0.1"

#: The last that has one for a Web UI above it.
LAST_PORT: Final = 65535 - UI_PORT_ABOVE


def claim_port(claims: ExitStack, *wanted: int) -> int:
    """Return a port that is free, as is the one above it, and that no other `dev` of this user has chosen.

    Args:
        claims: holds the port: until it is closed nobody else chooses it.
        wanted: those that are tried first; after them, any.
    """
    for port in wanted:
        if port <= LAST_PORT and _is_free(port) and _is_free(port + UI_PORT_ABOVE) and claim(claims, port):
            return port
    while True:
        with socket.socket() as probe:
            probe.bind((_IP, 0))
            port = min(int(probe.getsockname()[1]), LAST_PORT)
        # The system gives everybody another, so that it is not claimed.
        if _is_free(port) and _is_free(port + UI_PORT_ABOVE):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # one that a server has just left is free
        try:
            probe.bind((_IP, port))
        except OSError:
            return False
    return True


def claim(claims: ExitStack, port: int) -> bool:
    """Return whether no other `dev` of this user has chosen a port; then it is held until `claims` is closed."""
    if sys.platform == "win32":
        return True
    file = f"{tempfile.gettempdir()}/terse-temporal-{os.geteuid()}-{port}.lock"
    try:
        # Nothing is written to it. A link that somebody else has put there is not followed.
        descriptor = os.open(file, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:  # no place for one: then as on Windows
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    claims.callback(os.close, descriptor)
    return True
