"""A worker as the child process of a command: of `dev`, and of `demo`.

A pair of sockets connects it to its parent (`processes` says why). The worker writes into it how far it has come. The
parent writes once, when the server is up (loading the jobs need not wait for that), and then only to ask for the files
that it has loaded. The end of what it reads is that of its parent, which was killed: any other waits for its worker.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Final, NoReturn, Self, TypeAlias

from temporalio.client import Client

from ..diagnostics.places import is_users_file
from ..inputs.terminal_way import terminals
from ..jobs.job import Job
from ..processes import ChildProcess, parent_socket
from .dev_gateway import GatewayPlace
from .dev_questions import log_links
from .examples import example_event
from .exiting import Settings, exit_status, leave
from .hash_seed import with_hash_seed
from .output import console, job_table
from .users_files import users_files
from .worker_command import Observer, WorkerOptions, run_worker

__all__ = ["Asked", "Progress", "WorkerChild", "local_environment"]

#: A question: the workflow id, the run id before any reset, and its number.
Asked: TypeAlias = tuple[str, str, str]

#: Tells the worker that its parent has a terminal.
_TERMINAL: Final = "TERSE_DEV_TERMINAL"

_GO: Final = b"go\n"
_FILES: Final = b"files\n"

#: Seconds for an answer. A step that does not let go of Python's lock may keep it from coming.
_ANSWER_TIMEOUT: Final = 2.0

#: Bytes. A worker may have hundreds of jobs, each with an example.
_LONGEST_MESSAGE: Final = 16 * 1024 * 1024


@dataclass(frozen=True)
class Progress:
    """The progress of a worker, as it has reported it.

    Attributes:
        examples: for each job, by name, an event that it would take.
        directories: where the modules of the user's stand that it has loaded, also when loading them failed.
        files: those modules, as of the last time that it was asked.
        ready: whether it takes work.
    """

    examples: Mapping[str, Any] = field(default_factory=dict)
    directories: Sequence[str] = ()
    files: Sequence[str] = ()
    ready: bool = False


class WorkerChild:
    """A running worker. Made by `start`, sent to work by `wait_until_ready`; ended by `stop` or `kill`."""

    def __init__(
        self,
        child: ChildProcess,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        ask: Callable[[Asked], None] | None,
    ):
        self._child = child
        self._reader = reader
        self._writer = writer
        self._ask = ask
        self._progress = Progress()
        self._is_silent = False
        self._changed = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(
        cls,
        options: WorkerOptions,
        *,
        environment: Mapping[str, str],
        directory: Path | None = None,
        output: IO[bytes] | None = None,
        gateway: GatewayPlace | None = None,
        ask: Callable[[Asked], None] | None = None,
    ) -> Self:
        """Start a worker, which loads its jobs and then waits for `wait_until_ready`.

        Args:
            options: what it runs.
            environment: its environment variables.
            directory: its working directory; by default this process's own.
            output: gets what it prints; by default that goes where this process prints.
            gateway: where it runs a gateway beside it.
            ask: gets the questions that are to be asked at the terminal; without it there is none.
        """
        environment = {**environment, **({_TERMINAL: "1"} if ask is not None else {})}
        given = [json.dumps(asdict(options)), *([gateway.to_argument()] if gateway is not None else [])]
        return cls(
            *await ChildProcess.start_connected(
                lambda descriptor: [sys.executable, "-m", __name__, str(descriptor), *given],
                limit=_LONGEST_MESSAGE,
                environment=with_hash_seed(environment),
                directory=directory,
                output=output,
                pass_fds=[] if gateway is None or gateway.bound is None else [gateway.bound.fileno()],
            ),
            ask,
        )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    async def wait_until_loaded(self) -> Progress:
        """Wait until it has loaded its jobs, or failed to: then there are no examples."""
        await self._read_until("examples")
        return self._progress

    async def wait_until_ready(self) -> Progress:
        """Wait, now that its server is up, until it takes work, or has ended: then `ready` is false."""
        self._writer.write(_GO)
        await self._read_until("ready")
        return self._progress

    async def loaded_files(self) -> Sequence[str]:
        """Return the files of the user's modules that it has loaded by now; none if it does not answer."""
        self._progress = replace(self._progress, files=())
        self._writer.write(_FILES)
        with suppress(TimeoutError):
            async with asyncio.timeout(_ANSWER_TIMEOUT):
                await self._read_until("files")
        return self._progress.files

    async def _read_until(self, field: str) -> None:
        while not getattr(self._progress, field) and not self._is_silent:
            self._changed.clear()
            await self._changed.wait()

    async def _read(self) -> None:
        """Take what it reports, until its end."""
        try:
            while line := await self._reader.readline():
                reported = json.loads(line)
                asked = reported.pop("asked", None)
                if asked is not None and self._ask is not None:
                    self._ask(tuple(asked))
                self._progress = replace(self._progress, **reported)
                self._changed.set()
        except OSError:  # it was killed
            pass
        finally:
            self._is_silent = True
            self._changed.set()

    async def wait(self) -> int:
        """Wait for its end: the exit status, or minus the signal that ended it."""
        status = await self._child.wait()
        self._reading.cancel()
        self._writer.close()
        return status

    async def stop(self) -> None:
        """End it as a redeploy does: running steps may end. If the wait for that is cancelled, it is killed."""
        try:
            await self._child.stop()
        finally:
            await self.wait()

    async def kill(self) -> None:
        """End it by SIGKILL, and what it has started."""
        await self._child.end()
        await self.wait()


def local_environment(address: str) -> dict[str, str]:
    """Return this process's environment, with the server at the address and no other settings for a server.

    A profile or key of a real server must not lead a local worker there.
    """
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("TEMPORAL_") or name == "TEMPORAL_DEBUG"
    }
    return environment | {"TEMPORAL_ADDRESS": address, "TEMPORAL_CONFIG_FILE": os.devnull}


class _Reporter(Observer):
    """Reports to the parent."""

    has_versions = False  # the server has one worker, and runs would wait for a version that nobody makes current

    def __init__(self, parent: socket.socket, gateway: GatewayPlace | None) -> None:
        self._parent = parent
        self._gateway = gateway
        self._server_is_up = threading.Event()
        self._lock = threading.Lock()

    def on_loading(self, targets: Sequence[str]) -> None:
        pass  # the parent has said so

    def on_loaded(self, jobs: list[Job]) -> None:
        self._send(examples={job.name: example_event(job) for job in jobs}, directories=_users_directories())
        if self._gateway is not None:
            self._gateway.prepare(jobs)
            log_links()
        if os.environ.pop(_TERMINAL, None):  # not for what steps start
            terminals.append(lambda question: self._send(asked=[question.id, question.run, question.number]))
        self._server_is_up.wait()

    def on_connected(self, client: Client, jobs: list[Job], task_queue: str) -> None:
        console.print(job_table(jobs))

    def run_beside(self, client: Client, jobs: list[Job], task_queue: str) -> AbstractAsyncContextManager[None]:
        if self._gateway is None:
            return super().run_beside(client, jobs, task_queue)
        if any(trigger.source == "schedule" for job in jobs for trigger in job.triggers):
            console.print("\nthe clock starts a job here after: terse-temporal schedules sync MODULE", markup=False)
        return self._gateway.run(client, jobs, task_queue)

    def on_ready(self) -> None:
        self._send(ready=True)

    def on_failed(self) -> None:
        self._send(directories=_users_directories())

    def listen(self) -> None:
        """Answer the parent, and end this process with it."""
        while self._parent.recv(64):
            if self._server_is_up.is_set():
                self._send(files=users_files())
            self._server_is_up.set()
        os._exit(1)  # the server is, or will be, gone too: there is nobody to hand the results of running steps to

    def _send(self, **progress: Any) -> None:
        # The parent may be gone, which the thread that reads has noticed too.
        with suppress(OSError), self._lock:
            self._parent.sendall(json.dumps(progress).encode() + b"\n")


def _users_directories() -> list[str]:
    """Return the directories that those modules have been loaded from."""
    paths = {path for module in list(sys.modules.values()) for path in _package_path(module)}
    found = {str(Path(file).parent) for file in users_files()}
    found |= {path for path in paths if is_users_file(path)}
    return sorted(directory for directory in found if Path(directory).is_dir())


def _package_path(module: Any) -> list[str]:
    try:
        return [str(entry) for entry in getattr(module, "__path__", ())]
    except Exception:  # some modules are objects that answer every question, with anything
        return []


def main() -> NoReturn:
    """Run the worker of a parent process."""
    gateway = GatewayPlace.from_argument(sys.argv[3]) if len(sys.argv) > 3 else None
    reporter = _Reporter(parent_socket(int(sys.argv[1])), gateway)
    threading.Thread(target=reporter.listen, name="terse-parent", daemon=True).start()
    # A file saved twice within a second, with the same size, has the same stamp in its bytecode.
    sys.dont_write_bytecode = True
    options = WorkerOptions(**json.loads(sys.argv[2]))
    leave(exit_status(lambda: run_worker(options, reporter), Settings(options.debug)))


if __name__ == "__main__":
    main()
