"""Two tiers of tests: those that need a server or another process, and those that need none and take seconds together.

Which tier a test is of follows from its fixtures; one that starts a process by itself carries the mark `server`. A test
without the mark that starts one fails, at the line that does.
"""

from __future__ import annotations

import gc
import platform
import sys
from collections.abc import Generator
from typing import Any

import pytest

pytest_plugins = ["pytester"]  # of pytest's own; it may be named here alone

#: Fixtures that start a process, or are of no use without one.
_STARTING = {"client", "env", "jobs", "postgres_server", "project"}

#: Directories whose tests mostly wait, some for half a minute: for worker processes that start, and are given up. One
#: after the other they would have all processes of a parallel session wait.
_WAITING = {"crash", "crashes"}

#: A directory whose tests share fork servers, which take six seconds of a processor for each process of a session.
_FORKING = "crashes"

#: What Python tells audit hooks when a process is started. (Threads and asyncio come down to these as well.)
_STARTS = {"os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "subprocess.Popen"}

#: The test that is running and may start no process.
_without_processes: list[str] = []


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark, and watch what is started."""
    config.addinivalue_line("markers", "server: needs a Temporal server, or starts another process")
    _ = platform.uname().processor  # starts `uname` when it is first asked for, which libraries do; kept from then on
    sys.addaudithook(_refuse_processes)


@pytest.hookimpl(wrapper=True)  # before `-m` selects
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None, Any, Any]:
    """Mark what uses a server, and let tests that wait run beside those that compute."""
    for item in items:
        if _STARTING.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("server")
        if _FORKING in item.path.parts:
            item.add_marker(pytest.mark.xdist_group(_FORKING))
        elif _shares_with_its_module(item):
            item.add_marker(pytest.mark.xdist_group(_group(item)))
    if hasattr(config, "workerinput"):  # one of several processes
        waiting = [item for item in items if _WAITING.intersection(item.path.parts)]
        others = [item for item in items if not _WAITING.intersection(item.path.parts)]
        items[:] = _spread(waiting, others)
    result = yield
    if config.getoption("loadgroup", default=False):
        for item in items:
            _name_group(item)
    return result


def _group(item: pytest.Item) -> str:
    return f"{item.path.parent.name}-{item.path.stem}"


def _name_group(item: Any) -> None:
    """Put the group behind the id of a test, where pytest-xdist looks for it; of pytest 9.2 its 3.8 cannot do that."""
    mark = item.get_closest_marker("xdist_group")
    if mark is not None and hasattr(item, "_id") and not item.nodeid.endswith(f"@{mark.args[0]}"):
        item._id = type(item._id).parse(f"{item.nodeid}@{mark.args[0]}")


def _shares_with_its_module(item: Any) -> bool:
    """Whether it uses a fixture that its module makes once: in several processes that would be made in each."""
    definitions = item._fixtureinfo.name2fixturedefs if isinstance(item, pytest.Function) else {}
    return any(each[-1].scope == "module" for name, each in definitions.items() if not name.startswith("_"))


def _spread(few: list[pytest.Item], many: list[pytest.Item]) -> list[pytest.Item]:
    """Put a few among many, at equal distances, so that the last comes well before the end."""
    distance = max(1, len(many) * 3 // 4 // max(1, len(few)))
    spread: list[pytest.Item] = []
    for number, item in enumerate(many):
        if number % distance == 0 and number // distance < len(few):
            spread.append(few[number // distance])
        spread.append(item)
    return spread + few[-(-len(many) // distance) :]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """Collect no garbage while thousands of modules are imported, and never look again at what they have made."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


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
