"""What the tests of toolboxes share: a place to run jobs, and MCP servers that are processes."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import ModuleType

import pytest
import pytest_asyncio

from terse_temporal.tools.mcp.mounts import mounts
from terse_temporal.tools.mcp.sessions import sessions

from ..bench import Bench
from ..effects import Effects
from . import settings

TOKEN = "tok-5d1f0c9e7a"  # what the servers are given as a credential


@pytest.fixture
def bench(bench: Bench, served: Effects) -> Bench:
    """A place to run jobs, with servers that write to its file of side effects."""
    return bench


@pytest.fixture
def served(effects: Effects, monkeypatch: pytest.MonkeyPatch) -> Effects:
    """The file that the servers of this test write to."""
    settings.give(effects)
    monkeypatch.setenv("TRACKER_TOKEN", TOKEN)
    return effects


@pytest_asyncio.fixture
async def closed() -> AsyncIterator[None]:
    """Whatever a test has connected outside a worker is closed at its end."""
    yield
    for mount in mounts:
        await sessions.close(mount)


Load = Callable[..., ModuleType]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Imports a module of its own text. What it and others mount is forgotten at the test's end."""
    monkeypatch.setattr(mounts, "_mounts", {})

    def imported(name: str, text: str) -> ModuleType:
        file = tmp_path / f"{name}.py"
        file.write_text(text)
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    return imported


def server_pids(effects: Effects) -> list[int]:
    """The processes of the test server so far, in the order of their starts."""
    return [int(line.split()[1]) for line in effects.lines() if line.startswith("started ")]


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and is not waited for yet does not."""
    status = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(status.strip()) and not status.strip().startswith("Z")


def until_gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while is_alive(pid):
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.02)


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def http_server(effects: Effects, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The test server over HTTP, for the length of the block."""
    log = effects.path.with_suffix(".http.log")
    with log.open("ab") as file:
        process = subprocess.Popen(
            [*settings.COMMAND, str(port)],
            cwd=settings.ROOT,
            env={**os.environ, "EFFECTS": str(effects)},
            stdout=file,
            stderr=file,
        )
    try:
        deadline = time.monotonic() + 30
        while True:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, "the server does not answer"
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait()
