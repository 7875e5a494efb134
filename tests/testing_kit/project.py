"""A user's project: its own settings, jobs and tests, and a pytest of its own that runs them.

Nothing of this repository's settings reaches it. Whatever a session starts inherits a mark in its environment, by which
it is found afterwards: a test that passes while its server goes on running has proved nothing.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from ..commands import script
from ..forks import run_forked

__all__ = ["SHOP", "Project"]

#: A package that speaks for most: a sleep, a step that is retried, state, a tool.
SHOP = """
from datetime import timedelta
from terse_temporal import Retry, create_job, job_step, sleep, step, toolbox


@toolbox.tool("kit.announce")
async def announce(text: str) -> str:
    raise RuntimeError("the real world was told")


@step
async def charge(amount: int) -> str:
    return f"charge-{amount}"


@create_job(name="kit-order", durable=True)
async def order(event):
    charged = await charge(event.amount)
    await sleep("3d")
    await toolbox.kit.announce(text=charged)
    return charged
"""

#: Settings that a project of today has.
SETTINGS = """
[tool.pytest.ini_options]
asyncio_mode = "auto"
asyncio_default_fixture_loop_scope = "function"
filterwarnings = ["error"]
"""

#: pytest, also where this process was started to be deaf to Ctrl-C, as a shell does with what it starts by `&`.
_PYTEST: Final = (
    "import signal, sys, pytest; signal.signal(signal.SIGINT, signal.default_int_handler); sys.exit(pytest.main())"
)

#: Seconds that a session may take.
_PATIENCE = 90

#: What a project's session does without: files of its own, and the order by chance that this session may have.
_PLUGINS = ("-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:schemathesis", "-p", "no:hypothesispytest")


class Project:
    """A directory with files, in which pytest is run."""

    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        self._pytester = pytester
        self._monkeypatch = monkeypatch
        self._mark = f"KIT_TEST_{uuid.uuid4().hex}"
        for name in [name for name in os.environ if name.startswith(("PYTEST_XDIST", "TEMPORAL_", "TERSE_"))]:
            monkeypatch.delenv(name)
        self.write("pyproject.toml", SETTINGS)

    @property
    def path(self) -> Path:
        """The project's directory."""
        return self._pytester.path

    def write(self, name: str, text: str) -> None:
        """Write a file."""
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text).lstrip("\n"))

    def test(self, *arguments: str) -> pytest.RunResult:
        """Run its tests in a process that is forked from one with the imports, and see that nothing is left behind."""
        given, printed, complained = (self.path.with_name(f"{self._mark}.{name}") for name in ("in", "out", "err"))
        for file in (given, printed, complained):
            file.write_text("")
        # What has been imported before pytest came is not rewritten, and none of it is looked into by the tests.
        known = "ignore:Module already imported so cannot be rewritten:pytest.PytestAssertRewriteWarning"
        command = [script("pytest"), *_PLUGINS, *arguments, "-W", known]
        began = time.monotonic()
        status = run_forked(
            command,
            cwd=self.path,
            env={**os.environ, self._mark: "1", "PYTHONPATH": str(self.path)},
            files=(given, printed, complained),
            timeout=_PATIENCE,
        )
        said, warned = printed.read_text(), complained.read_text()
        print(said, warned, sep="\n")  # shown when the test fails
        self.assert_nothing_left()
        return pytest.RunResult(status, said.splitlines(), warned.splitlines(), time.monotonic() - began)

    def test_alone(self, *arguments: str) -> pytest.RunResult:
        """The same in an interpreter that has imported nothing."""
        with self._monkeypatch.context() as marked:
            marked.setenv(self._mark, "1")
            result = self._pytester.runpytest_subprocess(*_PLUGINS, *arguments, timeout=_PATIENCE)
        self.assert_nothing_left()
        return result

    @contextmanager
    def session(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """A session that runs during the block."""
        process = subprocess.Popen(
            [sys.executable, "-c", _PYTEST, *_PLUGINS, *arguments],
            cwd=self.path,
            env={**os.environ, self._mark: "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def until_there(self, name: str) -> str:
        """Wait for a file that a test writes, and return what is in it."""
        deadline = time.monotonic() + _PATIENCE
        file = self.path / name
        while not (file.exists() and file.read_text()):
            assert time.monotonic() < deadline, f"no test has written {name}"
            time.sleep(0.02)
        return file.read_text()

    def assert_nothing_left(self) -> None:
        """No process is left of what sessions have started."""
        deadline = time.monotonic() + 2
        while left := self._processes():
            if time.monotonic() > deadline:
                for pid in left:
                    os.kill(pid, signal.SIGKILL)
                raise AssertionError(f"left behind: {left}")
            time.sleep(0.05)

    def processes(self) -> int:
        """How many processes there are of what sessions have started."""
        return len(self._processes())

    def _processes(self) -> dict[int, str]:
        # With `e` the environment stands after the command.
        table = subprocess.run(["ps", "axeww", "-o", "pid=,command="], capture_output=True, text=True, check=True)
        marked = [line.split(maxsplit=1) for line in table.stdout.splitlines() if f"{self._mark}=" in line]
        return {int(pid): rest[:100] for pid, rest in marked}
