"""A worker process that is forked finds all as its parent has it now, and a lost fork server is replaced."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from terse_temporal.errors import CrashTestError
from terse_temporal.processes import ChildProcess
from terse_temporal.testing.crashes import ForkServers
from terse_temporal.testing.crashes.channel import HEADER
from terse_temporal.testing.crashes.fork_server import worker_hash_seed

from ...waiting import until
from .test_processes import is_there

pytestmark = pytest.mark.server


async def forked(servers: ForkServers, output: Path) -> tuple[ChildProcess, asyncio.StreamWriter]:
    """A worker process that waits for what it is to run."""
    child, _, writer = await servers.fork(worker_hash_seed(0), output)
    return child, writer


async def test_what_is_around_it(fork_servers: ForkServers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment, the path of modules and the directory are those of now, not of when its server was started."""
    first, writer = await forked(fork_servers, tmp_path / "unused")
    writer.close()
    assert await first.wait() == 1  # whoever started it is gone
    tmp_path.joinpath("said_here.py").write_text(
        "import os; print(os.environ['SAID'], os.getcwd(), os.environ['PYTHONHASHSEED'], os.getpgid(0), flush=True)"
    )
    monkeypatch.setenv("SAID", "something new")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    output = tmp_path / "output"
    child, writer = await forked(fork_servers, output)
    # A message that is unpickled by importing that module, which has no such function.
    message = b"csaid_here\nnothing\n."
    writer.write(HEADER.pack(len(message)) + message)
    assert await child.wait() == 1
    writer.close()
    printed = output.read_text()
    assert printed.startswith(f"something new {tmp_path} {worker_hash_seed(0)} {child.pid}\n")
    assert "AttributeError" in printed


async def test_its_end(fork_servers: ForkServers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The signal that ends it is its status, and a process that it has started goes with it."""
    tmp_path.joinpath("starts_another.py").write_text(
        "import subprocess; other = subprocess.Popen(['sleep', '60']); print(other.pid, flush=True); other.wait()"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    child, writer = await forked(fork_servers, tmp_path / "output")
    message = b"cstarts_another\nnothing\n."
    writer.write(HEADER.pack(len(message)) + message)
    await until((tmp_path / "output").read_text, "it has started another")
    await child.end()
    writer.close()
    assert child.status == -signal.SIGKILL
    other = int((tmp_path / "output").read_text())
    await until(lambda: not is_there(other), "the other has ended")


async def test_server_that_is_killed(tmp_path: Path) -> None:
    """Its processes end with it, who asks for another one is told, and the next time it is replaced."""
    async with ForkServers() as servers:
        child, writer = await forked(servers, tmp_path / "output")
        (starting,) = servers._servers.values()
        starting.result()._child.kill()
        async with asyncio.timeout(30):
            assert await child.wait() == -signal.SIGKILL
        writer.close()
        with pytest.raises(CrashTestError, match="no worker process can be forked"):
            await forked(servers, tmp_path / "output")
        child, writer = await forked(servers, tmp_path / "output")
        await child.end()
        writer.close()
