"""The server is on this machine, or where `--terse-address` says; and where there is none, one message says so."""

from __future__ import annotations

import socket
import sys
from collections.abc import AsyncIterator
from contextlib import closing

import pytest
import pytest_asyncio
from temporalio.client import Client

from terse_temporal.devserver import DevServer

from .project import SETTINGS, SHOP, Project

#: A state outlives its runs, and a test may leave a run open.
_MORE = """
@create_job(name="kit-counting", durable=True)
async def counting(event, state):
    return await state.update("count", lambda count: (count or 0) + 1)

@create_job(name="kit-quick", durable=True)
async def quick(event):
    return await charge(event.amount)
"""

_TESTS = """
import shop

async def test_order(jobs):
    jobs.tools.kit.announce.returns("told")
    run = await jobs.start("kit-order", {"amount": 3})
    await run.sleeping()
    await jobs.skip("3d")
    assert await run.result() == "charge-3"

async def test_state(jobs):
    await jobs.state("kit-counting").set("count", 4)
    assert await jobs.run("kit-counting") == 5
    assert await jobs.state("kit-counting").get("count") == 5

async def test_unfinished(jobs):
    run = await jobs.start("kit-order", {"amount": 3})
    await run.sleeping()
"""

_LOOPBACK_ONLY = """
import socket

_connect, _connect_ex, _look_up = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

def _check(address):
    if isinstance(address, tuple) and not str(address[0]).startswith("127.") and address[0] not in ("::1", "localhost"):
        raise OSError(f"the network was used: {address}")

def connect(self, address):
    _check(address)
    return _connect(self, address)

def connect_ex(self, address):
    _check(address)
    return _connect_ex(self, address)

def getaddrinfo(host, *more, **options):
    _check((host,))
    return _look_up(host, *more, **options)

socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo = connect, connect_ex, getaddrinfo
"""


@pytest.fixture
def shop(project: Project) -> Project:
    """A project with jobs that sleep, keep something and are left unfinished."""
    project.write("shop.py", SHOP + _MORE)
    project.write("test_shop.py", _TESTS)
    return project


@pytest_asyncio.fixture
async def skipping() -> AsyncIterator[Client]:
    """A client of a server that skips time, and was there before the session."""
    async with DevServer(time_skipping=True) as server:
        yield await Client.connect(server.address)


def test_without_a_network(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but this machine is reached: with no route out, and with every other address refused, all passes."""
    shop.write("conftest.py", _LOOPBACK_ONLY)
    shop.write(
        "test_network.py",
        """
        import socket
        import pytest

        def test_it_is_refused():
            with pytest.raises(OSError, match="the network was used"):
                socket.create_connection(("192.0.2.1", 80), 1)
        """,
    )
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://192.0.2.1:9")
    shop.test().assert_outcomes(passed=4)


def test_without_the_server_program(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no server program, a test says in one line what to install."""
    shop.write(
        "conftest.py",
        """
        import shutil
        found = shutil.which
        shutil.which = lambda name, *more, **options: None if name == "temporal" else found(name, *more, **options)
        """,
    )
    result = shop.test()
    result.assert_outcomes(errors=3)
    assert 'pip install "terse-temporal[server]"' in result.stdout.str()
    assert_short(result)


async def test_on_a_server_that_is_there(shop: Project, skipping: Client) -> None:
    """With `--terse-address` the same tests pass on a server that is there, and leave nothing open on it."""
    address = skipping.service_client.config.target_host
    shop.test("--terse-address", address, "-W", "error").assert_outcomes(passed=3)
    seen = [f"{each.workflow_type}" async for each in skipping.list_workflows()]
    assert seen.count("kit-order") == 2
    assert [each.id async for each in skipping.list_workflows("ExecutionStatus = 'Running'")] == []


async def test_on_a_server_that_does_not_skip_time(shop: Project) -> None:
    """On a server that does not skip time a job without sleeps is tested all the same, and a skip says what to do."""
    shop.write("pyproject.toml", f'{SETTINGS}terse_timeout = "3"\n')
    shop.write(
        "test_shop.py",
        """
        import shop

        async def test_quick(jobs):
            assert await jobs.run("kit-quick", {"amount": 3}) == "charge-3"

        async def test_to_a_sleep(jobs):
            run = await jobs.start("kit-order", {"amount": 3})
            assert (await run.sleeping()).duration.days == 3

        async def test_skip(jobs):
            run = await jobs.start("kit-order", {"amount": 3})
            await run.sleeping()
            await jobs.skip("3d")

        async def test_over_a_sleep(jobs):
            await jobs.run("kit-order", {"amount": 3})
        """,
    )
    async with DevServer() as server:
        result = shop.test("--terse-address", server.address)
        result.assert_outcomes(passed=2, failed=2)
        assert_short(result)
        said = result.stdout.str()
        assert (
            said.count(f"E       terse_temporal.errors.JobTestError: the server at {server.address} does not skip") == 2
        )
        assert "frontend.WorkflowTimeSkippingEnabled=true" in said
        client = await Client.connect(server.address)
        assert [each.id async for each in client.list_workflows("ExecutionStatus = 'Running'")] == []


def test_on_an_address_where_nothing_listens(shop: Project) -> None:
    """An address where no server answers is named in one line, in every test that needs one."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    result = shop.test("--terse-address", address)
    result.assert_outcomes(errors=3)
    assert address in result.stdout.str()
    assert_short(result)


async def test_on_a_namespace_that_is_not_there(shop: Project, skipping: Client) -> None:
    """A namespace that the server does not have is named."""
    address = skipping.service_client.config.target_host
    result = shop.test("--terse-address", address, "--terse-namespace", "elsewhere")
    result.assert_outcomes(errors=3)
    assert "has no namespace 'elsewhere'" in result.stdout.str()
    assert_short(result)


def assert_short(result: pytest.RunResult) -> None:
    """An error of the surroundings is told without a traceback."""
    for line in result.outlines:
        assert "Traceback" not in line
        assert not line.startswith(sys.prefix)
        assert "/terse_temporal/" not in line
    assert len(result.outlines) < 80
