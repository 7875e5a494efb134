"""What a test of a job takes: the start of the environment, one that sleeps for three days, and a hundred of them.

A project of its own is tested, by pytest in a process of its own, as a user's is.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

__all__ = ["measure_testing"]

_SETTINGS: Final = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
"""

_JOBS: Final = """
from terse_temporal import create_job, job_step, sleep

def send(text):
    return text

@create_job(name="three-days", durable=True)
async def three_days(event):
    await job_step(run=send, input="welcome")
    await sleep("3d")
    return await job_step(run=send, input="how is it going")
"""

_TESTS: Final = """
import jobs_of_mine
import pytest

@pytest.mark.parametrize("number", range({count}))
async def test_three_days(jobs, number):
    run = await jobs.start("three-days")
    await run.sleeping()
    await jobs.skip("3d")
    assert await run.result() == "how is it going"
    jobs.steps.send.called_with("welcome")
"""

_NOTHING: Final = "def test_nothing():\n    pass\n"


def measure_testing(*, count: int = 100) -> None:
    """Measure, and print a table.

    Args:
        count: tests in the long rows.
    """
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("testing a job", "seconds", "a test"):
        table.add_column(column, justify="left" if column == "testing a job" else "right")
    with tempfile.TemporaryDirectory() as directory:
        project = Path(directory)
        (project / "pytest.ini").write_text(_SETTINGS)
        (project / "jobs_of_mine.py").write_text(_JOBS)
        nothing, _ = _tested(project, _NOTHING)
        table.add_row("pytest with nothing to do", f"{nothing:.2f}", "")
        one, phases = _tested(project, _TESTS.format(count=1))
        table.add_row("one test with a three-day sleep, all in all", f"{one:.2f}", "")
        table.add_row("  start of the environment, once a session", f"{phases['setup']:.2f}", "")
        table.add_row("  the test", f"{phases['call']:.2f}", "")
        for what, options in ((f"{count} such tests", ()), (f"{count} such tests on two processes", ("-n", "2"))):
            took, _ = _tested(project, _TESTS.format(count=count), options)
            table.add_row(what, f"{took:.2f}", f"[bold]{took / count:.3f}[/]")
    Console(width=110, highlight=False).print(table)


def _tested(project: Path, tests: str, options: Iterable[str] = ()) -> tuple[float, dict[str, float]]:
    """How long a session takes, and the longest of each phase of its tests."""
    (project / "test_mine.py").write_text(tests)
    started = time.perf_counter()
    session = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--durations=0", "-vv", *options],
        cwd=project,
        env={name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"},
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.perf_counter() - started
    if session.returncode:
        raise RuntimeError(f"the tests failed:\n{session.stdout}\n{session.stderr}")
    phases: dict[str, float] = {}
    for seconds, phase in re.findall(r"^([\d.]+)s (setup|call|teardown) ", session.stdout, re.MULTILINE):
        phases[phase] = max(float(seconds), phases.get(phase, 0.0))
    return took, phases
