"""The sides of the comparison: their processes, those of their servers, and what these have used."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from benchmarks.comparison.environments import npm_program, python_with
from terse_temporal.processes import ChildProcess

__all__ = ["TEMPORAL_SIDES", "Load", "Side", "Turn", "dbos_side", "restate_side", "temporal_side"]

_ROOT: Final = Path(__file__).parents[2]
_HERE: Final = Path(__file__).parent

#: What each is called in the table.
TEMPORAL_SIDES: Final = {
    "ours": "ours",
    "ours-local": "ours, local",
    "by-hand": "by hand, sandbox",
    "by-hand-local": "by hand, local, sandbox",
    "by-hand-local-bare": "by hand, local, no sandbox, eager start",
    "nothing": "by hand, a job without steps, no sandbox, eager start",
}


@dataclass(frozen=True)
class Load:
    """Something to measure: jobs of so many steps, and how many of them at a time."""

    steps: int
    runs: int
    at_once: int


@dataclass(frozen=True)
class Turn:
    """What one side took for one load, in seconds.

    Attributes:
        cpu: of the process that starts the jobs and runs them.
        server_cpu: of the server, where there is one.
    """

    elapsed: float
    cpu: float
    server_cpu: float
    latencies: list[float]


class Side:
    """A side that is ready.

    Args:
        name: of the side, for JSON; `title` is for people.
        process: runs its loads, see `driving.py`.
        server: the process id of its server.
    """

    def __init__(self, name: str, title: str, process: asyncio.subprocess.Process, server: int | None) -> None:
        self.name = name
        self.title = title
        self._process = process
        self._server = server

    async def turn(self, load: Load) -> Turn:
        """Run a load once."""
        assert self._process.stdin is not None
        before = self._server_cpu()
        self._process.stdin.write(json.dumps(asdict(load)).encode() + b"\n")
        answer = json.loads(await _line(self._process, self.title))
        return Turn(**answer, server_cpu=self._server_cpu() - before)

    def _server_cpu(self) -> float:
        return 0.0 if self._server is None else _processor_time(self._server)


def _processor_time(process: int) -> float:
    """Return the seconds that a process has used; 0 where there is no /proc."""
    try:
        after_name = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


async def _line(process: asyncio.subprocess.Process, title: str) -> bytes:
    assert process.stdout is not None
    line = await process.stdout.readline()
    if not line:
        raise RuntimeError(f"the process of the side {title!r} has ended with the status {await process.wait()}")
    return line


@asynccontextmanager
async def _side(name: str, title: str, command: Sequence[str], server: int | None) -> AsyncIterator[Side]:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=_ROOT, limit=2**24
    )
    try:
        await _line(process, title)
        yield Side(name, title, process, server)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(20):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


@asynccontextmanager
async def temporal_side(name: str, address: str, server: int, title: str = "") -> AsyncIterator[Side]:
    """Return one of `TEMPORAL_SIDES`, on the server at that address, which is that process."""
    command = [sys.executable, "-m", "benchmarks.comparison.temporal_side", name, address]
    async with _side(name, title or TEMPORAL_SIDES[name], command, server) as side:
        yield side


@asynccontextmanager
async def dbos_side(directory: Path) -> AsyncIterator[Side]:
    """Return the side on DBOS, with its database in the directory."""
    python = await asyncio.to_thread(python_with, "dbos", "dbos")
    command = [str(python), str(_HERE / "dbos_side.py"), str(directory / "dbos.sqlite")]
    async with _side("dbos", "DBOS on SQLite, write-ahead log", command, None) as side:
        yield side


@asynccontextmanager
async def restate_side(directory: Path) -> AsyncIterator[Side]:
    """Return the side on Restate, with its server's state in the directory."""
    python = await asyncio.to_thread(python_with, "restate", "restate-sdk[serde]", "hypercorn")
    program = await asyncio.to_thread(npm_program, "@restatedev/restate-server", "restate-server")
    ingress, admin, fabric = (_free_port() for _ in range(3))
    environment = {
        **os.environ,
        "RESTATE_INGRESS__BIND_ADDRESS": f"127.0.0.1:{ingress}",
        "RESTATE_ADMIN__BIND_ADDRESS": f"127.0.0.1:{admin}",
        "RESTATE_BIND_ADDRESS": f"127.0.0.1:{fabric}",
        "RESTATE_DISABLE_TELEMETRY": "true",
        "RESTATE_LOG_FILTER": "error",
    }
    arguments = ["--base-dir", str(directory), "--listen-mode", "tcp", "--no-logo"]
    with (directory / "restate.log").open("wb") as output:
        server = await ChildProcess.start(
            [str(program), *arguments], environment=environment, output=output, is_bound_to_thread=True
        )
        try:
            await asyncio.to_thread(_until_ready, f"http://127.0.0.1:{admin}/health")
            command = [str(python), str(_HERE / "restate_side.py"), str(ingress), str(admin)]
            async with _side("restate", "Restate", command, server.pid) as side:
                yield side
        finally:
            await server.stop(5)


def _until_ready(url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (OSError, urllib.error.URLError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
