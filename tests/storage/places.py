"""Storages of every kind: a directory, databases, and servers that speak the protocols of S3 and of Google."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import boto3
import pytest
from gcp_storage_emulator.server import create_server
from google.cloud import storage
from moto.server import ThreadedMotoServer

__all__ = ["KINDS", "cloud_servers", "postgresql_server", "url_of"]

KINDS = ["file", "sqlite", pytest.param("postgresql", marks=pytest.mark.server), "s3", "gs"]

#: The programs of PostgreSQL, where Debian or a PATH has them. There is none in most places, and the tests are skipped.
_POSTGRESQL: Final = next(
    iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)),
    Path(found).parent if (found := shutil.which("initdb")) else None,
)


@contextmanager
def postgresql_server(directory: Path) -> Iterator[str]:
    """A PostgreSQL of its own on this machine, empty; its URL."""
    if _POSTGRESQL is None:
        pytest.skip("there is no PostgreSQL here (Debian's package: postgresql)")
    user: dict[str, Any] = {}
    if os.geteuid() == 0:  # which PostgreSQL refuses
        user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        shutil.chown(directory, "nobody", "nogroup")
    data, port = directory / "data", _free_port()
    initdb: list[str | Path] = [
        _POSTGRESQL / "initdb",
        "-D",
        data,
        "-A",
        "trust",
        "-U",
        "tests",
        "--no-sync",
        "-E",
        "UTF8",
    ]
    subprocess.run(initdb, check=True, capture_output=True, cwd="/", **user)
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={directory} -c fsync=off"
    control: list[str | Path] = [_POSTGRESQL / "pg_ctl", "-D", data, "-w", "-l", directory / "log"]
    subprocess.run([*control, "-o", options, "start"], check=True, stdout=subprocess.DEVNULL, cwd="/", **user)
    try:
        yield f"postgresql://tests@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=True, stdout=subprocess.DEVNULL, cwd="/", **user)


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
        port = _free_port()
        gcs = create_server("127.0.0.1", port, in_memory=True)
        gcs.start()
        patch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
        try:
            yield
        finally:
            gcs.stop()
            s3.stop()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


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
