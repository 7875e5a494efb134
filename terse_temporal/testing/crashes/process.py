"""One worker process, as its parent sees it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from ...errors import CrashTestError
from ...processes import ChildProcess
from .channel import HEADER, Channel, Handler
from .fork_server import ForkServers
from .pickling import pickle_value
from .setup import Setup

__all__ = ["WorkerProcess"]

#: Seconds from SIGTERM to SIGKILL, when the process is no longer of use. It takes a tenth of one; a step that blocks
#: the loop keeps it for good.
_PATIENCE: Final = 3.0

#: Lines of its output that a message shows.
_LAST_LINES: Final = 30


class WorkerProcess:
    """A worker process that runs. Made by `start`."""

    def __init__(self, child: ChildProcess, writer: asyncio.StreamWriter, channel: Channel, output: Path) -> None:
        self._child = child
        self._writer = writer
        self._channel = channel
        self._output = output
        self._dead = False
        self._reading: asyncio.Task[None]

    @classmethod
    async def start(
        cls, servers: ForkServers, setup: Setup, handlers: Mapping[str, Handler], *, hash_seed: int, output: Path
    ) -> Self:
        """Start one.

        Args:
            servers: what it is forked from.
            setup: what it runs.
            handlers: what answers its questions.
            hash_seed: decides the order of its sets.
            output: the file that gets what it prints, after what is there.
        """
        if sys.platform == "win32":
            raise CrashTestError("worker processes are killed by SIGKILL, which Windows does not have")
        child, reader, writer = await servers.fork(hash_seed, output)
        self = cls(child, writer, Channel(writer.write, handlers, asyncio.get_running_loop()), output)
        self._reading = asyncio.ensure_future(self._read(reader))
        message = pickle_value(setup)
        writer.write(HEADER.pack(len(message)) + message)
        return self

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    def kill(self) -> None:
        """End it by SIGKILL, and all that it started, as when its container is killed. It is not heard any more."""
        self._dead = True
        self._child.kill()

    async def ended(self) -> int:
        """Wait for its end: the exit status, or minus the signal that ended it. What it asked is taken back."""
        status = await self._child.wait()
        self._dead = True
        self._reading.cancel()
        with suppress(asyncio.CancelledError):
            await self._reading
        await self._channel.close()
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()
        return status

    async def stop(self) -> None:
        """Ask it to end, and if it does not, end it."""
        await self._child.stop(_PATIENCE)
        await self.ended()

    def last_lines(self) -> str:
        """Return the end of what it has printed."""
        lines = self._output.read_text(errors="replace").splitlines()[-_LAST_LINES:]
        return "\n".join(f"  | {line}" for line in lines) or "  | (it printed nothing)"

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with suppress(asyncio.IncompleteReadError, OSError):
            while True:
                (size,) = HEADER.unpack(await reader.readexactly(HEADER.size))
                message = await reader.readexactly(size)
                if self._dead:
                    return
                self._channel.receive(message)
