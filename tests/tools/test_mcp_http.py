"""An MCP server over HTTP is a toolbox like any other, and what goes wrong on the way is told apart.

The server is a process on the loopback that can be killed, started again, and told to answer with a status.
"""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

import pytest

from terse_temporal import toolbox
from terse_temporal.errors import MountError, ToolError, TransientError
from terse_temporal.tools.mcp.mounts import mounts
from terse_temporal.tools.mcp.sessions import sessions

from ..bench import Bench, cache_on, scheduled
from ..effects import Effects
from ..waiting import until_logged
from . import jobs_mcp_http as jobs
from .conftest import TOKEN, free_port, http_server, server_pids

pytestmark = pytest.mark.server

KEY = "key-81c5b2de40"


@pytest.fixture
def port(served: Effects, monkeypatch: pytest.MonkeyPatch) -> int:
    """Where the server of this test listens, once it is started."""
    port = free_port()
    monkeypatch.setenv("REMOTE_PORT", str(port))
    monkeypatch.setenv("REMOTE_KEY", KEY)
    return port


def faults(effects: Effects, *lines: str) -> None:
    """Have the server answer so, one request each."""
    Path(f"{effects}.faults").write_text("\n".join(lines))


def of_an_older_version(effects: Effects) -> None:
    """Have the server be one of an older version of the protocol, which has sessions."""
    Path(f"{effects}.old").touch()


@cache_on
async def test_a_durable_job(bench: Bench, port: int, caplog: pytest.LogCaptureFixture) -> None:
    """Calls are activities, the server gets its header, and no history or log has it, nor the address's key."""
    caplog.set_level(logging.DEBUG)
    expected = {"expected": len(f"Bearer {TOKEN}")}
    with http_server(bench.effects, port):
        async with bench.worker(jobs.over_http):
            run = await bench.start(jobs.over_http, tool="remote.hasToken", arguments=expected)
            assert await bench.result(run) == "yes"
            history = json.dumps((await run.fetch_history()).to_json())
    assert await scheduled(run) == ["remote.has_token"]
    for secret in (TOKEN, KEY):
        assert secret not in history
        assert secret not in caplog.text


@cache_on
async def test_a_server_that_is_not_there(bench: Bench, port: int) -> None:
    """The worker does not start, and says which server it misses, where that is mounted, and what to do."""
    with pytest.raises(MountError) as caught:
        async with bench.worker(jobs.over_http):
            await asyncio.sleep(30)
    message = str(caught.value)
    assert "the MCP server 'remote' (mounted at tests/tools/jobs_mcp_http.py:" in message
    assert "cannot be reached: the connection failed (ConnectError" in message
    assert KEY not in message


async def test_a_server_that_wants_another_credential(served: Effects, port: int, closed: None) -> None:
    """401 says so, and that the headers are to be looked at."""
    faults(served, "401", "401", "401")
    mount = mounts.get("remote")
    assert mount is not None
    with http_server(served, port), pytest.raises(MountError) as caught:
        await sessions.connect(mount)
    assert "it answered with HTTP status 401 (Unauthorized). Correct url= and headers=" in str(caught.value)


async def test_while_the_server_is_away(
    served: Effects, port: int, closed: None, caplog: pytest.LogCaptureFixture
) -> None:
    """A request that found nobody is tried again, also of a tool that may be called once only."""
    with http_server(served, port):
        assert await toolbox.remote.say(text="hello") == "hello"
    call = asyncio.create_task(toolbox.remote.create_issue(title="Late", labels=[]))
    await until_logged(caplog, "tried again in")
    with http_server(served, port):
        assert (await call)["title"] == "Late"
    assert len([line for line in served.lines() if line.startswith("issue Late")]) == 1
    assert len(server_pids(served)) == 2


async def test_a_server_with_sessions_that_was_started_again(served: Effects, port: int, closed: None) -> None:
    """It does not know the session any more: another one is opened, and the call is made once."""
    of_an_older_version(served)
    with http_server(served, port):
        assert await toolbox.remote.say(text="hello") == "hello"
    with http_server(served, port):
        assert (await toolbox.remote.create_issue(title="Again", labels=[]))["title"] == "Again"
    assert len([line for line in served.lines() if line.startswith("issue Again")]) == 1


async def test_a_server_that_asks_to_wait(served: Effects, port: int, closed: None) -> None:
    """429 is waited for, as long as it says, if the tool may be called twice; and is an error if it may not."""
    with http_server(served, port):
        assert await toolbox.remote.say(text="hello") == "hello"
        faults(served, "429 2", "503")
        began = asyncio.get_running_loop().time()
        assert await toolbox.remote.say(text="hello again") == "hello again"
        assert asyncio.get_running_loop().time() - began >= 4  # 2 that were asked for, and the second wait of the rule
        faults(served, "429 2")
        with pytest.raises(TransientError) as caught:
            await toolbox.remote.create_issue(title="Once", labels=[])
    assert "HTTP status 429 (Too Many Requests)" in str(caught.value)
    assert caught.value.retry_after == 2
    assert not [line for line in served.lines() if line.startswith("issue")]


async def test_a_refusal_is_final(served: Effects, port: int, closed: None) -> None:
    """What trying again would not change is a `ToolError` at once."""
    with http_server(served, port):
        assert await toolbox.remote.say(text="hello") == "hello"
        faults(served, "403")
        with pytest.raises(ToolError) as caught:
            await toolbox.remote.say(text="hello again")
    assert "HTTP status 403 (Forbidden)" in str(caught.value)
    assert served.counted()["answered 403"] == 1


async def test_what_the_server_repeats(
    served: Effects, port: int, closed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A credential of the headers or of the address is in no error, though the server has it in its answer."""
    monkeypatch.setenv("TEST_TOKEN", f"{TOKEN} and {KEY}")
    with http_server(served, port), pytest.raises(ToolError) as caught:
        await toolbox.remote.decline(reason="no funds")
    assert "declined: no funds, with *** and ***" in str(caught.value)


async def test_a_server_that_is_killed_during_a_call(served: Effects, port: int, closed: None) -> None:
    """The call may have happened: it is not made again, and says so."""
    with http_server(served, port) as process:
        call = asyncio.create_task(toolbox.remote.linger())
        while "linger" not in served.lines():
            assert not call.done()
            await asyncio.sleep(0.05)
        process.kill()
        with pytest.raises(TransientError) as caught:
            await call
    assert caught.value.sent
    assert "the MCP server 'remote'" in str(caught.value)
    assert served.counted()["linger"] == 1
