"""Child processes: how they are started, tied to this process, and ended.

The hard story is how one ends. Left to itself a child survives its parent's SIGKILL; and a Ctrl-C in the terminal
reaches parent and child at once, so that the child is gone before the parent has said a word. So each runs in a session
of its own, out of the terminal's reach, and is the leader of a group, so that what it has started goes with it. That it
dies with its parent is seen to in two ways: a program of ours has a socket to its parent, and reads its end; for any
other the kernel of Linux is asked to end it. macOS has no such request.
"""

from __future__ import annotations

import asyncio
import io
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final, Protocol, Self

__all__ = ["ChildProcess", "die_with_parent", "parent_socket"]

#: Replaces itself by the program, so that the process id stays. A program of its own, because between fork and exec in
#: a process with threads (the SDK has many) no Python code is safe. The signal is SIGKILL (9) because nobody is left to
#: send a second one; the option is PR_SET_PDEATHSIG (1). The parent may be gone before the request is made.
_LAUNCHER: Final = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)
if os.getppid() != int(sys.argv[1]): sys.exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""


class _Started(Protocol):
    """What is known of a process by whoever has started it, such as `asyncio.subprocess.Process`."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    async def wait(self) -> int: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...


class ChildProcess:
    """A process that this one has started. Made by `start` or `start_connected`, on a loop that outlives it."""

    def __init__(self, process: _Started) -> None:
        self._process = process

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
        output: IO[bytes] | None = None,
        errors: int | None = None,
        pass_fds: Sequence[int] = (),
        is_private: bool = False,
        is_bound_to_thread: bool = False,
    ) -> Self:
        """Start a program.

        Args:
            command: its path, and its arguments.
            environment: its environment variables; by default those of this process.
            directory: its working directory; by default that of this process.
            output: gets what it prints; by default that goes where this process prints.
            errors: where its standard error goes, as in `subprocess`; by default where its output does.
            pass_fds: what it inherits.
            is_private: whether the files that it makes are for this user alone.
            is_bound_to_thread: have it killed when the thread that starts it ends, on Linux. For a program that does
                not see by itself that this process is gone.
        """
        if is_bound_to_thread and sys.platform == "linux" and sys.executable:
            command = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()), *command]
        # Given only where they mean something, as Windows has neither.
        unix = {"pass_fds": pass_fds} if pass_fds else {}
        if is_private:
            unix["umask"] = 0o077  # type: ignore[assignment]
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output if errors is None else errors,
            cwd=directory,
            env=environment,
            start_new_session=True,
            **unix,  # type: ignore[arg-type]
        )
        return cls(process)

    @classmethod
    async def start_connected(
        cls,
        command: Callable[[int], Sequence[str]],
        *,
        limit: int,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
        output: IO[bytes] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> tuple[Self, asyncio.StreamReader, asyncio.StreamWriter]:
        """Start a program with a socket to this process, and return this end of it too.

        Args:
            command: makes the command for the number of the program's end, which it gives to `parent_socket`.
            limit: bytes of the longest line that is read.
            environment: as in `start`.
            directory: likewise.
            output: likewise.
            pass_fds: what it inherits beside its socket.
        """
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                child = await cls.start(
                    command(theirs.fileno()),
                    environment=environment,
                    directory=directory,
                    output=output,
                    pass_fds=[theirs.fileno(), *pass_fds],
                )
            try:
                reader, writer = await asyncio.open_connection(sock=ours, limit=limit)
            except BaseException:
                await child.end()
                raise
        except BaseException:
            ours.close()
            raise
        return child, reader, writer

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """The exit status, or minus the signal that ended it; `None` while it runs."""
        return self._process.returncode

    async def wait(self) -> int:
        """Wait for its end, and return its status."""
        return await self._process.wait()

    async def stop(self, grace: float | None = None) -> None:
        """Ask it to end by SIGTERM, and end it after the grace, or when this is cancelled.

        Args:
            grace: seconds; `None` waits for as long as it takes.
        """
        try:
            if self.status is None:
                with suppress(ProcessLookupError):
                    self._process.terminate()
            with suppress(TimeoutError):
                async with asyncio.timeout(grace):
                    await self.wait()
        finally:
            await self.end()

    async def end(self) -> None:
        """End it by SIGKILL, and all that it started, and wait until it is gone: a moment, which nothing cuts short."""
        self.kill()
        gone = asyncio.ensure_future(self._process.wait())
        cancelled: asyncio.CancelledError | None = None
        while not gone.done():
            try:
                await asyncio.shield(gone)
            except asyncio.CancelledError as err:
                cancelled = err
        if cancelled is not None:
            raise cancelled

    def kill(self) -> None:
        """Send SIGKILL to it and all that it started, as when its container is killed."""
        if sys.platform == "win32":
            with suppress(ProcessLookupError):
                self._process.kill()
            return
        # What it started may outlive it, in its group. A number that nobody has any more is no group's.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)


def parent_socket(descriptor: int) -> socket.socket:
    """Take its end of the socket, in a program that was started by `start_connected`; and let it print line by line."""
    found = socket.socket(fileno=descriptor)
    found.set_inheritable(False)  # not into processes that it starts: they would hold it open
    for stream in (sys.stdout, sys.stderr):
        # Or what is printed before a SIGKILL is lost.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)
    return found


def die_with_parent() -> None:
    """Have this process killed when its parent is, on Linux, also while something keeps it from reading its socket."""
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415  not there on every platform

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
