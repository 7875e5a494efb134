"""The page "Testing a job" is a project of its own: its files, its settings and its tests run as they stand.

So do those of the page about questions, in the same session.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from terse_temporal.testing import JobEnvironment

from .commands import environment, run, script
from .forks import run_forked
from .pages import ROOT, blocks

pytestmark = pytest.mark.server

PAGE = (ROOT / "docs" / "testing.md").read_text()
QUESTIONS = (ROOT / "docs" / "inputs.md").read_text()

#: The blocks that say which file they are. One file may be in several blocks.
FILES = re.findall(r"^```(?:python|toml)\n(# (\S+\.\w+)\n.*?)^```", PAGE + QUESTIONS, re.DOTALL | re.MULTILINE)

#: The test that is to fail, and what the page says of it: after it comes the block with what pytest shows.
FAILING = "test_money.py"
SHOWN = re.findall(r"^```python\n# test_money\.py\n.*?^```\n\n```\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The page as a directory."""
    for code, name in FILES:
        with (tmp_path / name).open("a") as file:
            file.write(code)
    return tmp_path


#: They keep the order of tests, and the time that a session takes to start.
PLUGINS = ("-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:schemathesis", "-p", "no:hypothesispytest")

#: In a process that is forked from one with the imports.
KNOWN = ("-W", "ignore:Module already imported so cannot be rewritten:pytest.PytestAssertRewriteWarning")


def pytest_in(project: Path, *options: str, alone: bool = False) -> subprocess.CompletedProcess[str]:
    """What a reader sees who runs the page's tests. Warnings are errors.

    Args:
        alone: in an interpreter that has imported nothing. Worker processes find the package where that does.
    """
    command = [script("pytest"), "-W", "error", *PLUGINS, *options]
    shell = {name: value for name, value in environment().items() if not name.startswith(("PYTEST_", "TERSE_"))}
    if alone:
        return subprocess.run(command, cwd=project, env=shell, capture_output=True, text=True, timeout=300, check=False)
    _, printed, complained = files = (project / ".in", project / ".out", project / ".err")
    for file in files:
        file.write_text("")
    status = run_forked([*command, *KNOWN], cwd=project, env=shell, files=files, timeout=300)
    return subprocess.CompletedProcess(command, status, printed.read_text(), complained.read_text())


def count_tests(*names: str) -> int:
    """How many tests are in files of the page."""
    return sum(code.count("async def test_") for code, name in FILES if name in names)


def test_every_block_of_python_is_a_file() -> None:
    """No block of Python on the page is left out."""
    here = [name for code, name in FILES if name.endswith(".py") and code in PAGE]
    assert PAGE.count("```python") == len(here)


def test_the_project_of_the_page(project: Path) -> None:
    """The tests of the page pass, and the history that they save is replayed by the command that the page shows."""
    names = {name for _, name in FILES if name.startswith("test_") and name != FAILING}
    ran = pytest_in(project, f"--ignore={FAILING}", alone=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f" {count_tests(*names)} passed" in ran.stdout

    (arguments,) = re.findall(r"^terse-temporal (replay shop\.py .*)$", PAGE, re.MULTILINE)
    replayed = run("terse-temporal", *arguments.split(), cwd=project)
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    assert "order-placed" in replayed.stdout


def test_the_job_that_would_not_survive_its_replay(project: Path) -> None:
    """The test that the page says fails does, with what the page shows."""
    ran = pytest_in(project, FAILING)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    (shown,) = SHOWN
    assert len(shown.splitlines()) == 4
    for line in shown.splitlines():
        # Which events they are hangs on when the worker came to poll.
        assert re.sub(r"event \d+", "event N", line) in re.sub(r"event \d+", "event N", ran.stdout)


def test_from_another_directory(project: Path) -> None:
    """The jobs of the settings are found wherever pytest is started."""
    (project / "elsewhere").mkdir()
    ran = pytest_in(project / "elsewhere", "../test_reviews.py")
    assert ran.returncode == 0, ran.stdout + ran.stderr


async def test_a_server_that_is_there(env: JobEnvironment, project: Path) -> None:
    """The same tests run on a server that is there, by its address, and leave no run open on it."""
    ran = pytest_in(project, "--terse-address", env.address, "test_shop.py", "test_support.py", "test_reviews.py")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    jobs = ("order-placed", "complaint", "thank-contributor")
    for job in jobs:
        query = f"WorkflowType = '{job}' AND ExecutionStatus = 'Running'"
        assert [each.id async for each in env.client.list_workflows(query)] == []
        assert [each.id async for each in env.client.list_workflows(f"WorkflowType = '{job}'")]


def test_the_first_ten_minutes(tmp_path: Path) -> None:
    """The job of the README, its test and the command that runs it."""
    for file, number in (("jobs.py", 0), ("test_jobs.py", 1)):
        (tmp_path / file).write_text(blocks("README.md")[number])
    readme = (ROOT / "README.md").read_text()
    (options,) = re.findall(r"^pytest (-o asyncio_mode=auto -o .*)$", readme, re.MULTILINE)
    ran = pytest_in(tmp_path, *options.split(), "-o", "asyncio_default_fixture_loop_scope=function")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert " 1 passed" in ran.stdout
