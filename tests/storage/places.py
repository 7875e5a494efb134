"""Storages of every kind: a directory, a database, and servers that speak the protocols of S3 and of Google."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest
from gcp_storage_emulator.server import create_server
from google.cloud import storage
from moto.server import ThreadedMotoServer

__all__ = ["KINDS", "cloud_servers", "url_of"]

KINDS = ["file", "sqlite", "s3", "gs"]


@contextmanager
def cloud_servers() -> Iterator[None]:
    """Servers of buckets on this machine, which the environment names, as that of a deployment names the real ones."""
    with pytest.MonkeyPatch.context() as patch:
        s3 = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
        s3.start()
        address, port = s3.get_host_and_port()
        patch.setenv("AWS_ENDPOINT_URL_S3", f"http://{address}:{port}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "of-the-tests")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        gcs = create_server("127.0.0.1", port, in_memory=True)
        gcs.start()
        patch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
        try:
            yield
        finally:
            gcs.stop()
            s3.stop()


def url_of(kind: str, directory: Path) -> str:
    """Return the URL of an empty storage; the servers have to run for those of buckets."""
    if kind == "file":
        return (directory / "store").as_uri()
    if kind == "sqlite":
        return f"sqlite:///{directory / 'store.db'}"
    bucket = f"of-a-test-{uuid.uuid4()}"
    if kind == "s3":
        boto3.client("s3").create_bucket(Bucket=bucket)
    else:
        storage.Client(project=os.environ.get("GOOGLE_CLOUD_PROJECT", "of-the-tests")).create_bucket(bucket)
    return f"{kind}://{bucket}/some/where"
