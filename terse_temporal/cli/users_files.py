"""The files of the user's modules that this process has loaded."""

from __future__ import annotations

import sys

from ..diagnostics.places import is_users_file

__all__ = ["users_files"]


def users_files() -> list[str]:
    """Return the files of modules that are neither Python's, nor installed, nor of this package."""
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    return sorted(each for each in files if isinstance(each, str) and is_users_file(each))
