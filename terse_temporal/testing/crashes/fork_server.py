"""Worker processes, forked from ones that have imported what a worker needs: those imports cost more than the rest.

A fork has the order of sets of the process that it comes from, which `PYTHONHASHSEED` decides when an interpreter
starts. So there is a fork server for each of a few seeds, started when it is first needed. What is forked has no thread
and no connection, and none of the project's modules: each worker process imports those itself.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import socket
import struct
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from ...errors import CrashTestError
from ...processes import ChildProcess
from .channel import HEADER
from .pickling import pickle_value

__all__ = ["ENDED", "PID", "PLAIN", "WITH_PYDANTIC_AI", "ForkServers", "Surroundings", "worker_hash_seed"]

#: What a fork server tells of a process that has ended: its number, in the order in which they were asked for, and its
#: exit status, or minus the signal that ended it.
ENDED: Final = struct.Struct("!Qi")

#: What a worker process tells first: its process id.
PID: Final = struct.Struct("!i")

#: How many hash seeds there are, and so how many fork servers at most. A set of two has the same order under all of
#: them once in thirty-two times, one of three hardly ever; and each costs as much as a worker process did without.
_SEEDS: Final = 6

#: What a request says: whether the fork is to have pydantic-ai, whose import takes a second.
PLAIN: Final = b"f"
WITH_PYDANTIC_AI: Final = b"a"

#: The parent's way of finding modules, before anything of ours is imported: the package may be on a path that only the
#: parent has. `-m` would put the working directory first. Collecting garbage would be a seventh of what imports cost.
_LAUNCHER: Final = """
import gc, json, sys
sys.path[:] = json.loads(sys.argv[2])
gc.disable()
from terse_temporal.testing.crashes.fork_server_main import main
main(int(sys.argv[1]))
"""

#: Bytes that are read ahead.
_READ_AHEAD: Final = 1 << 16


def worker_hash_seed(number: int) -> int:
    """Return one of the few hash seeds, any number of them in turn, and never that of this process."""
    ours = os.environ.get("PYTHONHASHSEED", "")
    return [seed for seed in range(1, _SEEDS + 2) if str(seed) != ours][number % _SEEDS]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a worker process is to find as its parent has it, and a fork server may have had otherwise.

    Attributes:
        environment: its environment variables.
        path: where it looks for modules.
        directory: the one that it works in.
    """

    environment: Mapping[str, str]
    path: Sequence[str]
    directory: str

    @classmethod
    def of_this_process(cls, seed: int) -> Self:
        """Return those of this process, with another hash seed."""
        path = [each for each in sys.path if isinstance(each, str)]
        return cls({**os.environ, "PYTHONHASHSEED": str(seed)}, path, str(Path.cwd()))


class ForkServers:
    """The fork servers of a test, or of a whole session. Used on one loop, and closed by `close` or an `async with`."""

    def __init__(self) -> None:
        self._servers: dict[tuple[str, ...], asyncio.Task[_ForkServer]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def fork(self, seed: int, output: Path) -> tuple[ChildProcess, asyncio.StreamReader, asyncio.StreamWriter]:
        """Start a worker process, and return it with a socket to it.

        Args:
            seed: the hash seed, which decides the order of its sets.
            output: the file that gets what it prints, after what is there.

        Raises:
            CrashTestError: it cannot be started.

        The first of a hash seed takes a second, and each after that some hundredths of one.
        """
        # What an interpreter reads when it starts, no fork can be told.
        read_once = (f"{name}={value}" for name, value in os.environ.items() if name.startswith("PYTHON"))
        key = (str(seed), *sorted(read_once))
        starting = self._servers.get(key)
        if starting is None:
            starting = self._servers[key] = asyncio.ensure_future(_ForkServer.start(seed))
        try:
            server = await asyncio.shield(starting)  # others may wait for it too
            return await server.fork(output)
        except (CrashTestError, OSError):
            # The next may have more luck.
            if self._servers.get(key) is starting:
                del self._servers[key]
                if starting.exception() is None:
                    await starting.result().close()
            raise

    async def close(self) -> None:
        """End them, and what they have forked."""
        servers, self._servers = list(self._servers.values()), {}
        for started in await asyncio.gather(*servers, return_exceptions=True):
            if isinstance(started, _ForkServer):
                await started.close()


class _ForkServer:
    """One of them. Made by `start`."""

    def __init__(self, seed: int, child: ChildProcess, control: socket.socket, output: IO[bytes]) -> None:
        self._seed = seed
        self._child = child
        self._control = control
        self._output = output
        self._numbers = itertools.count()
        self._endings: dict[int, asyncio.Future[int]] = {}
        self._reading = asyncio.ensure_future(self._read())

    @classmethod
    async def start(cls, seed: int) -> Self:
        path = json.dumps([each for each in sys.path if isinstance(each, str)])
        control, theirs = socket.socketpair()
        output = tempfile.TemporaryFile()  # noqa: SIM115  closed with it
        try:
            control.setblocking(False)
            with theirs:
                child = await ChildProcess.start(
                    [sys.executable, "-c", _LAUNCHER, str(theirs.fileno()), path],
                    environment={**os.environ, "PYTHONHASHSEED": str(seed)},
                    output=output,
                    pass_fds=[theirs.fileno()],
                )
        except BaseException:
            control.close()
            output.close()
            raise
        return cls(seed, child, control, output)

    async def fork(self, output: Path) -> tuple[ChildProcess, asyncio.StreamReader, asyncio.StreamWriter]:
        ours, theirs = socket.socketpair()
        try:
            with theirs, output.open("ab") as file:
                ending = await self._request([theirs.fileno(), file.fileno()])
            reader, writer = await asyncio.open_connection(sock=ours, limit=_READ_AHEAD)
        except BaseException:
            ours.close()
            raise
        try:
            message = pickle_value(Surroundings.of_this_process(self._seed))
            writer.write(HEADER.pack(len(message)) + message)
            (pid,) = PID.unpack(await reader.readexactly(PID.size))
        except BaseException as err:
            writer.close()  # which ends the process, if there is one
            if isinstance(err, asyncio.IncompleteReadError | OSError):
                raise CrashTestError(f"no worker process can be forked: {self._last_words()}") from None
            raise
        return ChildProcess(_Forked(pid, ending)), reader, writer

    async def close(self) -> None:
        await self._child.end()
        await self._reading
        self._control.close()
        self._output.close()

    async def _request(self, descriptors: list[int]) -> asyncio.Future[int]:
        # Jobs import it late, in their first step that asks a model; a test that answers for the model has it too.
        request = WITH_PYDANTIC_AI if "pydantic_ai" in sys.modules else PLAIN
        with suppress(OSError):  # it has ended, as who waits for the process id is told
            while True:
                try:
                    socket.send_fds(self._control, [request], descriptors)
                    break
                except BlockingIOError:  # it is hundreds behind
                    await asyncio.sleep(0.01)
        ending = self._endings[next(self._numbers)] = asyncio.get_running_loop().create_future()
        if self._reading.done():
            ending.set_result(-signal.SIGKILL)
        return ending

    async def _read(self) -> None:
        """Take in how its processes end, until it has ended itself."""
        loop, rest = asyncio.get_running_loop(), b""
        with suppress(OSError):
            while data := await loop.sock_recv(self._control, _READ_AHEAD):
                rest += data
                while len(rest) >= ENDED.size:
                    number, status = ENDED.unpack_from(rest)
                    self._endings.pop(number).set_result(status)
                    rest = rest[ENDED.size :]
        for ending in self._endings.values():
            ending.set_result(-signal.SIGKILL)  # they go with it

    def _last_words(self) -> str:
        self._output.seek(0)
        return self._output.read().decode(errors="replace").strip() or "the process that was to do it has ended"


class _Forked:
    """A process of a fork server, as `ChildProcess` knows those of asyncio."""

    def __init__(self, pid: int, ending: asyncio.Future[int]) -> None:
        self.pid = pid
        self._ending = ending

    @property
    def returncode(self) -> int | None:
        return self._ending.result() if self._ending.done() else None

    async def wait(self) -> int:
        return await asyncio.shield(self._ending)

    def terminate(self) -> None:
        os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
