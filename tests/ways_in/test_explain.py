"""`terse-temporal explain` prints the documentation that a message, a code or an error is about."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

import pytest

from terse_temporal.checking.codes import CODES
from terse_temporal.cli.explain import _errors, _text
from terse_temporal.cli.pages import pages, sections

from ..commands import environment, script
from ..in_process import run_command

ROOT = Path(__file__).parents[2]


def test_topics(tmp_path: Path) -> None:
    """Without a topic it lists the pages; a page is printed as it is written."""
    listed = run_command("explain", cwd=tmp_path)
    assert listed.status == 0
    for page in (ROOT / "docs").glob("*.md"):
        assert f"\n{page.stem} " in listed.stdout
    for topic in ("steps", "docs/steps.md", "Steps"):
        printed = run_command("explain", topic, cwd=tmp_path)
        assert printed.stdout == (ROOT / "docs" / "steps.md").read_text()


@pytest.mark.parametrize(
    ("topic", "begins", "has"),
    [
        ("TERSE214", "## TERSE214\n\n*error: steps in the order of a set", ""),
        ("terse214", "## TERSE214\n", ""),
        ("Sleeping", "## Sleeping\n", "(from `terse-temporal explain steps`)"),
        ("step", "## `@step`\n", ""),
        ("docs/steps.md#sleeping", "## Sleeping\n", ""),
        ("StepIsolationError", "# StepIsolationError\n\nA step's function needs", "| pass it as `input` |"),
        ("stepisolationerror", "# StepIsolationError\n", "| what you see |"),
    ],
)
def test_sections(topic: str, begins: str, has: str) -> None:
    """Codes, errors and headings are found, in any case, and end where the next section begins."""
    text = _text(topic, pages())
    assert text is not None
    assert text.startswith(begins)
    assert has in text
    assert text.count("\n## ") + text.startswith("## ") <= 1


def test_everything_has_something() -> None:
    """There is a string for every code and every error; comments in code are no headings."""
    found = pages()
    for topic in (*CODES, *_errors()):
        assert _text(topic, found), topic
    for name, page in found.items():
        assert all("\n```python" not in f"\n{each.title}" for each in sections(name, page))
        assert not [each.title for each in sections(name, page) if each.title.endswith(".py")]


def test_near_names(tmp_path: Path) -> None:
    """A topic that there is not is refused, with the nearest."""
    missed = run_command("explain", "StepIsolatonError", cwd=tmp_path)
    assert (missed.status, missed.stdout) == (2, "")
    assert "there is no topic 'StepIsolatonError'; did you mean 'StepIsolationError'" in missed.stderr
    missed = run_command("explain", "qqqqqq", cwd=tmp_path)
    assert "`terse-temporal explain` lists what there is" in missed.stderr


@pytest.mark.server
def test_in_a_terminal(tmp_path: Path) -> None:
    """In a terminal Markdown is laid out."""
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [script("terse-temporal"), "explain", "TERSE214"],
        cwd=tmp_path,
        env=environment({"TERM": "xterm", "COLUMNS": "80"}),
        stdin=terminal,
        stdout=terminal,
    )
    os.close(terminal)
    printed = b""
    try:
        while data := os.read(controller, 65536):
            printed += data
    except OSError:  # how Linux says that the other side is closed
        pass
    finally:
        os.close(controller)
        process.wait()
    assert b"TERSE214" in printed
    assert b"```" not in printed
    assert b"\x1b[" in printed


@pytest.mark.server
def test_as_a_module(tmp_path: Path) -> None:
    """`python -m terse_temporal` is the same command."""
    printed = subprocess.run(
        [script("python"), "-m", "terse_temporal", "explain", "TERSE001"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert printed.stdout.startswith("## TERSE001\n")
