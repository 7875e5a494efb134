"""A PostgreSQL server of the tests' own, where the machine has its programs."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


def _program(name: str) -> str | None:
    """Where a program of PostgreSQL's is: many systems keep them off the path, by version."""
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    return shutil.which(name) or (str(versions[0]) if versions else None)


def _as_whom() -> dict[str, Any]:
    """Options for a process that is not root, whom the server refuses to be run by."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    pytest.skip("PostgreSQL refuses to be run by root, and there is no user to run it as")


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of a new server on a socket in a directory, for the length of the block."""
    initdb, pg_ctl = _program("initdb"), _program("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip("this machine has no PostgreSQL: no `initdb` and `pg_ctl`")
    how = _as_whom()
    # Not pytest's directory, which only its own user may enter; and short, as the name of a socket has to be.
    directory = Path(tempfile.mkdtemp(prefix="terse-pg-"))
    try:
        if how:
            os.chown(directory, how["user"], how["group"])
        data, log = directory / "data", directory / "log"
        how |= {"cwd": directory, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "timeout": 60}
        subprocess.run([initdb, "-D", data, "-U", "postgres", "-A", "trust", "--no-sync"], check=True, **how)
        options = f"-k {directory} -c listen_addresses='' -c fsync=off -c max_connections=200"
        subprocess.run([pg_ctl, "-D", data, "-l", log, "-o", options, "-w", "start"], check=True, **how)
        try:
            yield f"postgresql://postgres@/postgres?host={directory}"
        finally:
            subprocess.run([pg_ctl, "-D", data, "-m", "immediate", "-w", "stop"], check=True, **how)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
