"""A bucket of Amazon S3, or of a service that speaks its protocol, through boto3.

Region, credentials and another endpoint are boto3's own settings (`AWS_REGION`, `AWS_PROFILE`, `AWS_ENDPOINT_URL_S3`
and the rest). The SDK has a driver for S3 as well. It puts the ids of the run in front of the hash, so that the same
content is stored for each run anew, and its client is bound to an event loop and has to be closed, which a data
converter has no place for.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from .buckets import bucket_and_prefix, keys_of
from .place import REFRESHED_AFTER, StoredEntry

__all__ = ["S3Bucket"]

_making_client = threading.Lock()


class S3Bucket:
    """What is stored in a bucket, under a prefix.

    Args:
        url: `s3://bucket/prefix`; the prefix may be left out.

    Raises:
        StorageError: it is no such URL.
    """

    def __init__(self, url: str) -> None:
        self.name = url
        self._bucket, self._prefix = bucket_and_prefix(url)

    @cached_property
    def _client(self) -> Any:
        import boto3  # noqa: PLC0415  # only there when the extra is installed, and slow to import

        with _making_client:  # unlike the client that it makes, the session may not be used on several threads
            return boto3.client("s3")

    def write(self, key: str, data: bytes) -> None:
        name = self._prefix + key
        found = self._head(name)
        if (
            found is not None
            and found["ContentLength"] == len(data)
            and datetime.now(UTC) - found["LastModified"] < REFRESHED_AFTER
        ):
            return
        self._client.put_object(Bucket=self._bucket, Key=name, Body=data)

    def _head(self, name: str) -> Any:
        try:
            return self._client.head_object(Bucket=self._bucket, Key=name)
        except self._client.exceptions.ClientError as error:
            # Who may not list a bucket is told 403 for what is not in it.
            if _status(error) in (403, 404):
                return None
            raise

    def read(self, key: str, most: int) -> bytes:
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)
        except self._client.exceptions.NoSuchKey:
            raise KeyError(key) from None
        with answer["Body"] as body:
            if answer["ContentLength"] > most:
                raise ValueError(f"{answer['ContentLength']:,} bytes")
            data: bytes = body.read()
            return data

    def entries(self) -> Iterator[StoredEntry]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
        found = (
            (each["Key"], each["Size"], each["LastModified"]) for page in pages for each in page.get("Contents", ())
        )
        return keys_of(found, self._prefix)

    def delete(self, key: str) -> None:
        self._client.delete_object(Bucket=self._bucket, Key=self._prefix + key)


def _status(error: Any) -> int | None:
    status: int | None = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status
