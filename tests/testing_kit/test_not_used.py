"""A project that does not use the fixture does not pay for it, and may leave the plugin out."""

from __future__ import annotations

from .project import SHOP, Project

_IMPORTED = """
import sys

def test_nothing_is_imported():
    heavy = {"temporalio", "pydantic_ai", "rich", "typer", "terse_temporal.testing"}
    assert heavy & sys.modules.keys() == set()
"""


def test_nothing_is_imported_or_started(project: Project) -> None:
    """Tests without the fixture start no server, and load neither the engine nor the kit."""
    project.write("test_other.py", _IMPORTED)
    project.write(
        "conftest.py",
        """
        import subprocess

        def pytest_configure():
            def refused(*arguments, **options):
                raise AssertionError(f"a process was started: {arguments}")
            subprocess.Popen = refused
        """,
    )
    project.test_alone().assert_outcomes(passed=1)


def test_left_out(project: Project) -> None:
    """With `-p no:terse_temporal` there is no fixture and no option, and nothing else is missing."""
    project.write("shop.py", SHOP)
    project.write("test_shop.py", "import shop\n\ndef test_plain():\n    pass\n\ndef test_jobs(jobs):\n    pass\n")
    result = project.test_alone("-p", "no:terse_temporal")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*fixture 'jobs' not found*"])
    assert project.test_alone("-p", "no:terse_temporal", "--terse-address", "127.0.0.1:1").ret != 0


def test_told(project: Project) -> None:
    """`pytest --fixtures` tells what the fixture is, and `--help` the options and settings."""
    project.write("test_other.py", "def test_nothing():\n    pass\n")
    result = project.test_alone("--fixtures")
    result.stdout.fnmatch_lines(
        ["jobs -- *terse_temporal/pytest_plugin.py:*", "    Runs of jobs on a real Temporal server*"]
    )
    result.stdout.no_fnmatch_line("_terse_loop_thread*")
    helped = project.test_alone("--help")
    helped.stdout.fnmatch_lines(
        [
            "jobs of terse-temporal:",
            "*--terse-address*HOST:PORT*",
            "*--terse-namespace*NAME*",
            "*terse_jobs (linelist):*",
        ]
    )
    helped.stdout.fnmatch_lines(["*terse_timeout (string):*"])


def test_a_fixture_of_the_same_name(project: Project) -> None:
    """A project that has a fixture `jobs` of its own keeps that one."""
    project.write("conftest.py", "import pytest\n\n@pytest.fixture\ndef jobs():\n    return ['its own']\n")
    project.write("test_own.py", "def test_own(jobs):\n    assert jobs == ['its own']\n")
    project.test_alone().assert_outcomes(passed=1)
