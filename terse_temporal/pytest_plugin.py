"""The pytest plugin: the fixture `jobs`, on one server for the session.

It is loaded in every project that this package is installed beside, so it imports nothing else of it before a test asks
for the fixture.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from .testing.jobs import Jobs
    from .testing.loop_thread import LoopThread

__all__ = ["jobs"]

_JOBS = pytest.StashKey["Jobs"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the command line, and those of `pyproject.toml`."""
    group = parser.getgroup("terse", "jobs of terse-temporal")
    group.addoption(
        "--terse-address",
        metavar="HOST:PORT",
        help="run the jobs of the tests on the Temporal server there, instead of one that is started for the session",
    )
    group.addoption("--terse-namespace", metavar="NAME", help="the namespace on that server")
    parser.addini("terse_jobs", "modules, files or packages of jobs to load for the tests", type="linelist")
    parser.addini("terse_timeout", "seconds that a wait for a run takes at most (30)")


@pytest.hookimpl(tryfirst=True)
def pytest_configure() -> None:
    """Spare who sets nothing but `asyncio_mode` a warning: runs have a loop of their own, whatever that of a test."""
    warnings.filterwarnings("ignore", message='The configuration option "asyncio_default_fixture_loop_scope" is unset')


@pytest.fixture(scope="session")
def _terse_loop_thread(pytestconfig: pytest.Config) -> Iterator[LoopThread]:
    from .errors import MissingExtraError, ServerUnavailableError  # noqa: PLC0415  see above
    from .jobs.loading import load_jobs  # noqa: PLC0415
    from .testing.loop_thread import LoopThread  # noqa: PLC0415

    if targets := pytestconfig.getini("terse_jobs"):
        with contextlib.chdir(pytestconfig.rootpath):  # wherever pytest was started
            load_jobs(targets)
    loop_thread = LoopThread(pytestconfig.getoption("--terse-address"), pytestconfig.getoption("--terse-namespace"))
    try:
        loop_thread.start()
    except (MissingExtraError, ServerUnavailableError) as err:
        _fail(str(err))
    yield loop_thread
    loop_thread.stop()


@pytest.fixture
def jobs(request: pytest.FixtureRequest, _terse_loop_thread: LoopThread) -> Iterator[Jobs]:
    """Runs of jobs on a real Temporal server, on which time can be skipped (`terse_temporal.testing.Jobs`)."""  # noqa: D401  a fixture
    from .testing.jobs import TIMEOUT, Jobs  # noqa: PLC0415  see above

    timeout = request.config.getini("terse_timeout")
    module = getattr(request.node, "module", None)  # which a doctest has not
    made = Jobs(_terse_loop_thread, timeout=float(timeout) if timeout else TIMEOUT, module=module)
    request.node.stash[_JOBS] = made
    yield made
    _terse_loop_thread.wait(made._close())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    """Show what goes wrong in a fixture that begins a run as it is shown in a test."""
    __tracebackhide__ = True
    try:
        return (yield)
    except Exception as err:
        if _JOBS in item.stash:
            _trim_kit_frames(err)
        raise


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    """Say what makes pytest run an `async def` test of jobs, where nothing does."""
    __tracebackhide__ = True
    try:
        return (yield)
    except pytest.fail.Exception as err:
        if _JOBS in pyfuncitem.stash and str(err.msg).startswith("async def functions are not natively supported"):
            _fail(_how_to_run_async(pyfuncitem))
        raise


def _how_to_run_async(test: pytest.Function) -> str:
    config = test.config
    said = f"{test.name!r} is `async def`, and by itself pytest runs no such test."
    if not config.pluginmanager.has_plugin("asyncio"):
        return f'{said} Install what does: pip install "terse-temporal[testing]"'
    file = config.inipath
    if file is not None and file.suffix != ".toml":
        return f"{said} Put this under the settings of pytest in {file.name}: asyncio_mode = auto"
    return f'{said} Put this under [tool.pytest.ini_options] in pyproject.toml: asyncio_mode = "auto"'


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Replay the runs of a test that has passed, and show those of one that fails."""
    __tracebackhide__ = True
    made = item.stash.get(_JOBS, None)
    if made is None:
        return (yield)
    try:
        result = yield
        try:
            made._loop_thread.wait(made._verify())
        except AssertionError as err:
            _fail(str(err))
    except BaseException as err:
        _trim_kit_frames(err)
        if report := made._loop_thread.wait(made._report()):
            item.add_report_section("call", "runs", report)
        raise
    return result


def _trim_kit_frames(error: BaseException) -> None:
    """End the traceback of an error that says it all at the last line that is not the kit's."""
    from .errors import TerseError  # noqa: PLC0415  see above

    if not isinstance(error, TerseError | AssertionError):
        return
    last = None
    each = error.__traceback__
    while each is not None:
        if not str(each.tb_frame.f_globals.get("__name__")).startswith(f"{__package__}."):
            last = each
        each = each.tb_next
    if last is not None and last.tb_next is not None:
        last.tb_next = None


def _fail(message: str) -> NoReturn:
    """Fail with a message alone: none of the lines on the way there is the test's."""
    raise pytest.fail.Exception(message, pytrace=False) from None
