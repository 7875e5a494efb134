"""The files of the user's modules that this process has loaded, whether these ask people, and a build id of them."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Final

from .._version import __version__
from ..diagnostics.places import is_users_file
from ..engine.code.code_hash import installed_packages

__all__ = ["asks_people", "users_build_id", "users_files"]

#: What code that asks people has in it. Looked for in its text, since helpers ask and modules make agents.
_ASKS: Final = re.compile(rb"\b(wait_for_input|tool_approvals)\b")


def users_files() -> list[str]:
    """Return the files of modules that are neither Python's, nor installed, nor of this package."""
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    return sorted(each for each in files if isinstance(each, str) and is_users_file(each))


def asks_people() -> bool:
    """Return whether the code that is loaded asks people, as far as its text says."""
    for file in users_files():
        with suppress(OSError):
            if _ASKS.search(Path(file).read_bytes()):
                return True
    return False


def users_build_id(modules: Collection[str] = ()) -> str:
    """Return a build id for a worker: another one for each content of those files, and for what is installed.

    By itself the SDK reads and hashes the bytecode of every module that is loaded, two thousand of them, which takes a
    third of a second.

    Args:
        modules: those of the jobs, whose files count where they are installed too.
    """
    files = {getattr(sys.modules.get(each), "__file__", None) for each in modules}
    found = hashlib.sha256("\n".join(installed_packages()).encode())
    for each in sorted({*users_files(), *(str(file) for file in files if file)}):
        with suppress(OSError):  # it may be in an archive, or have been removed since
            found.update(hashlib.sha256(Path(each).read_bytes()).digest())
    return f"terse-temporal {__version__}, code {found.hexdigest()[:16]}"
