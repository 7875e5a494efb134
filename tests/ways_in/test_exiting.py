"""What ends a command becomes an exit status and a message in one place, without a traceback for what a person did."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from typing import Any, NoReturn

import pytest

from terse_temporal.cli.exiting import CommandError, Settings, exit_status
from terse_temporal.cli.tasks import Interrupted
from terse_temporal.errors import EventError, JobLoadError

from ..commands import environment, script


def raising(error: BaseException) -> Callable[[], NoReturn]:
    def command() -> NoReturn:
        raise error

    return command


@pytest.mark.parametrize(("returned", "status"), [(None, 0), (0, 0), (1, 1), (2, 2)])
def test_what_a_command_returns(returned: int | None, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    """It is the exit status, and nothing is printed."""
    assert exit_status(lambda: returned, Settings()) == status
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("error", "status", "printed"),
    [
        (CommandError("no [such] run"), 2, "error: no [such] run\n"),
        (CommandError("the run failed", status=1), 1, "error: the run failed\n"),
        (JobLoadError("there is no module 'x'"), 2, "error: there is no module 'x'\n"),
        (EventError("two\nlines"), 2, "error: two\nlines\n"),
        (Interrupted(signal.SIGTERM), 128 + 15, ""),
        (KeyboardInterrupt(), 128 + 2, ""),
        (SystemExit(2), 2, ""),  # of typer, which has said what is wrong with an option
        (SystemExit(), 0, ""),
        (BrokenPipeError(32, "Broken pipe"), 1, ""),
    ],
)
def test_what_a_command_raises(
    error: BaseException, status: int, printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a person can put right is 2, what failed is 1, and a signal 128 and its number."""
    assert exit_status(raising(error), Settings()) == status
    assert capsys.readouterr() == ("", printed)


def test_debug(capsys: pytest.CaptureFixture[str]) -> None:
    """With --debug the traceback comes before the message."""
    assert exit_status(raising(EventError("no")), Settings(debug=True)) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1] == "error: no"


def test_a_mistake_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    """An error of another class has its traceback without being asked for: nobody could report it otherwise."""
    assert exit_status(raising(ZeroDivisionError("why")), Settings()) == 1
    printed: Any = capsys.readouterr()
    assert "Traceback" in printed.err
    assert printed.err.endswith("error: why\n")


@pytest.mark.server
@pytest.mark.parametrize(("closed", "stays"), [("1", ""), ("2", "TERSE214")])
def test_a_closed_stream(closed: str, stays: str) -> None:
    """A parent may leave one closed: what is written there is lost, and the command does its work."""
    ended = subprocess.run(
        ["sh", "-c", f'exec "$0" "$@" {closed}>&-', script("terse-temporal"), "explain", "TERSE214"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert stays in ended.stdout
