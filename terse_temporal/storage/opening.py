"""Finding the storage that a URL names."""

from __future__ import annotations

import importlib.util
from typing import Final
from urllib.parse import urlsplit

from ..errors import MissingExtraError, StorageError
from .places.place import ACCEPTED, Place

__all__ = ["open_place"]

#: By the beginning of a URL: what is imported, and the extra that has it.
_NEEDED: Final = {"s3": ("boto3", "s3"), "gs": ("google.cloud.storage", "gcs")}


def open_place(url: str) -> Place:
    """Return a storage. Nothing is connected, and no directory made, before its first use.

    Raises:
        StorageError: it is no URL of a storage.
        MissingExtraError: what it needs is not installed.
    """
    scheme = urlsplit(url).scheme if "://" in url else ""
    if scheme == "file":
        from .places.files import Directory  # noqa: PLC0415  # each of these only where it is asked for

        return Directory(url)
    if not scheme:
        raise StorageError(f"TERSE_STORAGE is no URL: {ACCEPTED}")
    module, extra = _NEEDED.get(scheme, ("sqlalchemy", "sql"))
    if not _is_installed(module):
        raise MissingExtraError(f"TERSE_STORAGE={scheme}://… needs {module}: pip install 'terse-temporal[{extra}]'")
    if scheme == "s3":
        from .places.s3 import S3Bucket  # noqa: PLC0415

        return S3Bucket(url)
    if scheme == "gs":
        from .places.gcs import GCSBucket  # noqa: PLC0415

        return GCSBucket(url)
    from .places.sql import Database  # noqa: PLC0415

    return Database(url)


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # not even the package that it is in
        return False
