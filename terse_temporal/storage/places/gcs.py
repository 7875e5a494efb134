"""A bucket of Google Cloud Storage, through Google's own client.

Credentials are the application's default ones. Why not the SDK's driver: see `s3.py`, it is like that for S3.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from .buckets import bucket_and_prefix, keys_of
from .place import REFRESHED_AFTER, StoredEntry

__all__ = ["GCSBucket"]

_making_client = threading.Lock()


class GCSBucket:
    """What is stored in a bucket, under a prefix.

    Args:
        url: `gs://bucket/prefix`; the prefix may be left out.

    Raises:
        StorageError: it is no such URL.
    """

    def __init__(self, url: str) -> None:
        self.name = url
        self._name, self._prefix = bucket_and_prefix(url)

    @cached_property
    def _bucket(self) -> Any:
        from google.cloud import storage  # noqa: PLC0415  # only there when the extra is installed, and slow to import

        with _making_client:
            return storage.Client().bucket(self._name)  # asks nothing of the service

    def write(self, key: str, data: bytes) -> None:
        found = self._bucket.get_blob(self._prefix + key)
        if found is not None and found.size == len(data) and datetime.now(UTC) - found.updated < REFRESHED_AFTER:
            return
        self._bucket.blob(self._prefix + key).upload_from_string(data, content_type="application/octet-stream")

    def read(self, key: str, most: int) -> bytes:
        found = self._bucket.get_blob(self._prefix + key)
        if found is None:
            raise KeyError(key)
        if found.size > most:
            raise ValueError(f"{found.size:,} bytes")
        data: bytes = found.download_as_bytes()
        return data

    def entries(self) -> Iterator[StoredEntry]:
        found = ((each.name, each.size, each.updated) for each in self._bucket.list_blobs(prefix=self._prefix))
        return keys_of(found, self._prefix)

    def delete(self, key: str) -> None:
        if (found := self._bucket.get_blob(self._prefix + key)) is not None:
            found.delete()
