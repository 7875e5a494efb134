"""Two tiers of tests: those that need a server or another process, and those that need none and take seconds together.

Which tier a test is of follows from its fixtures; one that starts a process by itself carries the mark `server`. A test
without the mark that starts one fails, at the line that does.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import Any

import pytest

pytest_plugins = ["pytester"]  # of pytest's own; it may be named here alone

#: Fixtures that start a process, or are of no use without one.
_STARTING = {"client", "env", "jobs", "postgres_server", "project"}

#: What Python tells audit hooks when a process is started. (Threads and asyncio come down to these as well.)
_STARTS = {"os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "subprocess.Popen"}

#: The test that is running and may start no process.
_without_processes: list[str] = []


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark, and watch what is started."""
    config.addinivalue_line("markers", "server: needs a Temporal server, or starts another process")
    sys.addaudithook(_refuse_processes)


@pytest.hookimpl(tryfirst=True)  # before `-m` selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses a server."""
    for item in items:
        if _STARTING.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("server")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Let a test without the mark start nothing."""
    _without_processes[:] = [] if item.get_closest_marker("server") else [item.nodeid]
    try:
        return (yield)
    finally:
        _without_processes.clear()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown() -> None:
    """Let whichever test is the last start what it takes to end what was started for others."""
    _without_processes.clear()


def _refuse_processes(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _STARTS and _without_processes:
        # Nobody retries what is no `Exception`.
        pytest.fail(
            f"{_without_processes[0]} starts a process ({event}{arguments[:2]}): mark it with @pytest.mark.server, or"
            " do without, so that `pytest -m 'not server'` stays a matter of seconds"
        )
