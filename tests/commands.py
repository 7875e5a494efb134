"""The commands as processes: what they print, how they end, and whether they leave anything running."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from .forks import run_forked

_T = TypeVar("_T")

#: Seconds for what takes a fraction of one on a quiet machine.
SOON = 60.0

_STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def until(ask: Callable[[], _T], what: str, within: float = SOON) -> _T:
    """Ask until the answer is true, and return it."""
    deadline = time.monotonic() + within
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"not within {within:g} s: {what}"
        time.sleep(0.02)
    return answer


def script(name: str) -> str:
    """The path of a command that is installed beside this interpreter."""
    return str(Path(sys.executable).with_name(name))


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a person's shell has, without settings for Temporal."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}
    return kept | {"TEMPORAL_CONFIG_FILE": os.devnull} | dict(extra or {})


def run(
    *command: str, cwd: Path, env: Mapping[str, str] | None = None, input: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end.

    It is a process of its own, forked from one that has imported the package, unless its environment says something
    that an interpreter reads when it starts.
    """
    whole = environment(env)
    ours = command[0] in ("terse-temporal", "terse-worker", "pytest")
    if not ours or any(name.startswith(("PYTHON", "LANG", "LC_")) for name in env or {}):
        return subprocess.run(
            [script(command[0]), *command[1:]],
            cwd=cwd,
            env=whole,
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            timeout=2 * SOON,
            check=False,
        )
    with tempfile.TemporaryDirectory() as directory:
        given, printed, complained = files = Path(directory, "in"), Path(directory, "out"), Path(directory, "err")
        given.write_text(input or "")
        printed.touch()
        complained.touch()
        status = run_forked([script(command[0]), *command[1:]], cwd=cwd, env=whole, files=files, timeout=2 * SOON)
        return subprocess.CompletedProcess(command, status, printed.read_text(), complained.read_text())


def _all_processes() -> Iterator[tuple[int, str, str]]:
    """Process id, command line and environment of every process that this user may look at."""
    if not Path("/proc/self/environ").exists():  # macOS: `e` appends the environment
        for line in subprocess.check_output(["ps", "axeww", "-o", "pid=,command="], text=True).splitlines():
            pid, _, rest = line.strip().partition(" ")
            yield int(pid), rest, rest
        return
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            environment = (directory / "environ").read_bytes().decode(errors="replace")
            yield int(directory.name), (directory / "cmdline").read_text(errors="replace"), environment
        except OSError:
            continue  # it has just ended, or is another user's


class Command:
    """A command that runs. It is the leader of a group, as in a terminal."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path, mark: str) -> None:
        self._process = process
        self._output = output
        self._mark = mark

    @property
    def pid(self) -> int:
        return self._process.pid

    def printed(self) -> str:
        """All that it has printed so far, without colours."""
        return _STYLE.sub("", self._output.read_text(errors="replace"))

    def says(self, text: str, *, times: int = 1) -> str:
        """Wait until it has printed that, and return all that it has printed."""

        def has() -> bool:
            return self.printed().count(text) >= times or self._process.poll() is not None

        until(has, f"{text!r}, in:\n{self.printed()}")
        assert self.printed().count(text) >= times, f"ended with {self._process.returncode}:\n{self.printed()}"
        return self.printed()

    def interrupt(self) -> None:
        """Ctrl-C: a terminal sends it to the whole group."""
        os.killpg(self._process.pid, signal.SIGINT)

    def send(self, which: signal.Signals) -> None:
        self._process.send_signal(which)

    def ended(self, within: float = SOON) -> int:
        """Wait for its end: the exit status, or minus the signal that ended it."""
        return self._process.wait(within)

    def processes(self) -> dict[int, str]:
        """Every process that it has started, directly or not, and itself: command lines by process id."""
        return {pid: line for pid, line, environment in _all_processes() if self._mark in environment}

    def worker(self) -> int:
        """The process id of the worker that it has started."""
        return next(pid for pid, line in self.processes().items() if "terse_temporal.cli.worker_process" in line)

    def leaves_nothing(self) -> None:
        """Wait until nothing runs of what it has started."""
        until(lambda: not self.processes(), f"still running: {self.processes()}")


@contextmanager
def running(
    *command: str, cwd: Path, env: Mapping[str, str] | None = None, stdin: int = subprocess.DEVNULL
) -> Iterator[Command]:
    """A command for the length of the block. What it left is ended with the block, and shown when a test fails."""
    mark = f"TERSE_TEST={uuid.uuid4()}"
    output = cwd / f"{uuid.uuid4()}.out"
    name, _, value = mark.partition("=")
    with output.open("wb") as file:
        process = subprocess.Popen(
            [script(command[0]), *command[1:]],
            cwd=cwd,
            env=environment({**(env or {}), name: value}),
            stdin=stdin,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    started = Command(process, output, mark)
    try:
        yield started
    finally:
        for pid in started.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.wait()
        print(f"--- {' '.join(command)}, ended with {process.returncode}:\n{started.printed()}")
