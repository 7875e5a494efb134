"""Ids of the workflows of this package, which are made of names that other people choose."""

from __future__ import annotations

__all__ = ["escape_name"]


def escape_name(name: str) -> str:
    """Return a name as it stands between colons in an id, so that no two lists of names make the same one."""
    return name.replace("%", "%25").replace(":", "%3A")
