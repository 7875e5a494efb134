"""What the servers of a test are given: set by its fixtures, asked for when a server is started."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

#: What starts the test server over standard input and output; it needs EFFECTS, and to be started in ROOT.
COMMAND = [sys.executable, "-m", "tests.tools.mcp_server"]

_effects: list[str] = []


def give(effects: object) -> None:
    """Have servers that are started from now on write to that file."""
    _effects[:] = [str(effects)]


def variant() -> str:
    """Whether the server is to have other tools than at first."""
    return os.environ.get("TRACKER_VARIANT", "")


def effects() -> str:
    return _effects[0]
