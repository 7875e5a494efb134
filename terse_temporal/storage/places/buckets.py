"""What buckets of different services have in common: their URLs, and the names of what is in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final
from urllib.parse import unquote, urlsplit

from ...errors import StorageError
from .place import StoredEntry

__all__ = ["bucket_and_prefix", "keys_of"]

_KEY: Final = re.compile(r"[0-9a-f]{64}")


def bucket_and_prefix(url: str) -> tuple[str, str]:
    """Return the bucket of a URL, and what the names in it begin with.

    Raises:
        StorageError: it has no bucket, or more than a bucket and a prefix.
    """
    parts = urlsplit(url)
    if not parts.netloc or "@" in parts.netloc or ":" in parts.netloc or parts.query or parts.fragment:
        raise StorageError(
            f"TERSE_STORAGE has a URL of {parts.scheme}:// that is no bucket: write {parts.scheme}://bucket or"
            f" {parts.scheme}://bucket/prefix. Credentials, region and endpoint are settings of the service's client."
        )
    prefix = unquote(parts.path).strip("/")
    return parts.netloc, f"{prefix}/" if prefix else ""


def keys_of(found: Iterable[tuple[str, int, datetime]], prefix: str) -> Iterator[StoredEntry]:
    """Return those of what a bucket has, by name, size and time, that are named by a hash right behind the prefix."""
    for name, size, stored_at in found:
        key = name.removeprefix(prefix)
        if _KEY.fullmatch(key):
            yield StoredEntry(key, size, stored_at)
