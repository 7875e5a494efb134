"""Every command of the command line, imported."""

from __future__ import annotations

from terse_temporal.cli import worker_command
from terse_temporal.cli.main import COMMANDS, load_command

__all__ = ["LOADED", "worker_command"]

LOADED = {name: load_command(name) for name in COMMANDS}
