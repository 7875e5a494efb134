"""Servers are started with the worker, and a worker without one of them does not start.

What is wrong is said with the mount, where that is, and what to do.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from terse_temporal import Job, toolbox
from terse_temporal.errors import MountError, StepInputError, ToolError, UnknownToolError
from terse_temporal.testing import JobEnvironment
from terse_temporal.tools.mcp.mounts import mounts
from terse_temporal.tools.mcp.sessions import sessions

from ..bench import Bench, cache_on, scheduled
from ..effects import Effects
from . import jobs_mcp, jobs_mcp_elsewhere, jobs_mcp_time, settings
from .conftest import TOKEN, Load, is_alive, server_pids, until_gone

JOB = """
from terse_temporal import create_job, toolbox

{mounts}

@create_job(name={name!r}, durable=True)
async def job(event):
    return await toolbox.call(event["tool"], event.get("arguments"))
"""

Start = Callable[[str], Any]


@pytest.fixture
def start(load: Load, env: JobEnvironment, task_queue: str, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Tries to start a worker for a module that mounts this, and gives the message of the error."""
    from terse_temporal.jobs import registry as jobs  # noqa: PLC0415  # whose registry is to forget the job

    monkeypatch.setattr(jobs, "_registry", dict(jobs._registry))

    async def started(text: str) -> str:
        job: Job = load("starting", JOB.format(mounts=text, name="mcp-starting")).job
        with pytest.raises(MountError) as caught:
            async with env.worker([job], task_queue=task_queue):
                await asyncio.sleep(30)
        return str(caught.value)

    return started


@cache_on
async def test_a_server_of_others(bench: Bench) -> None:
    """A package from the index, over standard input and output: its tools are the toolbox's, its data is data."""
    async with bench.worker(jobs_mcp_time.clock):
        run = await bench.start(jobs_mcp_time.clock)
        now, then = await bench.result(run)
    assert now["timezone"] == "Asia/Tokyo"
    assert then.endswith("T21:00:00+09:00")
    assert await scheduled(run) == ["clock.get_current_time", "clock.convert_time"]


async def test_a_program_that_is_not_there(start: Start) -> None:
    """The message names the mount, its place, and the program."""
    message = await start('toolbox.mount("tracker", command=["no-such-mcp-server", "--token", "hush-hush"])')
    assert re.search(r"the MCP server 'tracker' \(mounted at \S*starting\.py:4\)", message)
    assert (
        "(program 'no-such-mcp-server') cannot be started: No such file or directory: 'no-such-mcp-server'" in message
    )
    assert "Install it, or correct command=" in message
    assert "hush-hush" not in message


async def test_a_program_that_ends_at_once(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has the last that it said, without what it was given as a secret."""
    monkeypatch.setenv("TRACKER_TOKEN", TOKEN)
    code = "import os, sys; print('no license for', os.environ['T'], file=sys.stderr); sys.exit(3)"
    message = await start(
        f'toolbox.mount("tracker", command={[sys.executable, "-c", code]!r}, env={{"T": "${{TRACKER_TOKEN}}"}})'
    )
    assert "it has ended before it listed its tools. Run its command by hand to see why" in message
    assert "The last it said:\n  no license for ***" in message


async def test_a_variable_that_is_not_set(start: Start) -> None:
    """The message names the variable and what asks for it."""
    message = await start('toolbox.mount("tracker", command=["server"], env={"T": "${NOBODY_SET_THIS}"})')
    assert "env['T'] takes ${NOBODY_SET_THIS} from the environment, where 'NOBODY_SET_THIS' is not set" in message


async def test_a_function_that_fails(start: Start) -> None:
    """A function that gives a secret may fail: its class is told, and not its text."""
    mount = 'toolbox.mount("tracker", command=["server"], env={"T": lambda: {}["hush-hush"]})'
    message = await start(mount)
    assert "the function for env['T'] raised KeyError" in message
    assert "hush-hush" not in message


async def test_a_server_that_says_nothing(start: Start) -> None:
    """It gets the time it is given, is ended, and the message says how to give it more."""
    code = "import time; time.sleep(3600)"
    message = await start(f'toolbox.mount("tracker", command={[sys.executable, "-c", code]!r}, start_timeout="1s")')
    assert 'it has not listed its tools within 1 second. Give it longer with start_timeout="5m"' in message


async def test_all_that_is_missing_is_named(start: Start) -> None:
    """Servers are started together, and the message has each of those that cannot be."""
    message = await start(
        'toolbox.mount("one", command=["no-such-server-1"])\ntoolbox.mount("two", command=["no-such-server-2"])'
    )
    assert "the MCP server 'one'" in message
    assert "the MCP server 'two'" in message


#: Its results do not fit the schemas that it lists, and Python's `re` would take for ever to find that out.
LIAR = """
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message.get("method") == "initialize":
        about = {"capabilities": {"tools": {}}, "serverInfo": {"name": "liar", "version": "1"}}
        answer = {"result": {"protocolVersion": message["params"]["protocolVersion"], **about}}
    elif message.get("method") == "tools/list":
        schema = {"type": "object", "properties": {"text": {"type": "string", "pattern": "(a+)+$"}}}
        tool = {"name": "say", "inputSchema": schema, "outputSchema": schema}
        answer = {"result": {"tools": [tool, {**tool, "name": "nothing"}]}}
    elif message.get("method") == "tools/call":
        said = {"structuredContent": {"text": "a" * 40 + "!"}} if message["params"]["name"] == "say" else {}
        answer = {"result": {"content": [], **said}}
    else:
        answer = {"error": {"code": -32601, "message": "no such method"}}
    if "id" in message:
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer}), flush=True)
"""


@pytest.mark.server
async def test_a_server_that_does_not_keep_to_its_schemas(load: Load, closed: None) -> None:
    """A result that does not fit is an error that says where, found without holding up the worker."""
    load(
        "lying",
        f'from terse_temporal import toolbox\n\ntoolbox.mount("liar", command={[sys.executable, "-c", LIAR]!r})',
    )
    began = time.process_time()
    with pytest.raises(ToolError, match=r"its structured content does not fit the server's own schema: \$\.text: 'aaa"):
        await toolbox.call("liar.say", {})
    with pytest.raises(ToolError, match="does not fit the server's own schema: there is none"):
        await toolbox.call("liar.nothing", {})
    with pytest.raises(StepInputError, match="does not match"):
        await toolbox.call("liar.say", {"text": "a" * 40 + "!"})
    assert time.process_time() - began < 5


async def test_what_this_worker_does_not_have(bench: Bench) -> None:
    """A toolbox that a module outside the worker mounts is told with that module, before anything is scheduled."""
    async with bench.worker(jobs_mcp_elsewhere.elsewhere, jobs_mcp_time.clock):
        run = await bench.start(
            jobs_mcp_elsewhere.elsewhere, tools=["tracker.pid", "clock.get_current_tyme", "clok.get_current_time"]
        )
        elsewhere, tool, box = await bench.result(run)
    assert await scheduled(run) == []
    assert (
        "the toolbox 'tracker' is mounted in the module 'tests.tools.jobs_mcp' (tests/tools/jobs_mcp.py:" in elsewhere
    )
    assert "which this worker does not have. Load it with the worker" in elsewhere
    assert "has no tool 'get_current_tyme'; did you mean 'get_current_time'?" in tool
    assert "there is no toolbox 'clok' for the tool 'clok.get_current_time'; did you mean 'clock'?" in box
    assert server_pids(bench.effects) == []


@pytest.mark.server
async def test_outside_a_worker_the_first_call_connects(served: Effects, closed: None) -> None:
    """In a script the server is started by the first call, is asked by the next, and arguments are checked by then."""
    assert await toolbox.tracker.say(text="hello") == "hello"
    assert await toolbox.tracker.add_numbers(first=2) == 3
    assert len(server_pids(served)) == 1
    with pytest.raises(StepInputError, match="first: 'two' is not of type 'integer'"):
        toolbox.tracker.add_numbers(first="two")
    with pytest.raises(UnknownToolError, match="has no tool 'sey'; did you mean 'say'"):
        toolbox.tracker.sey(text="hello")


@pytest.mark.server
def test_a_script_leaves_nothing(served: Effects) -> None:
    """When its event loop ends, so does the server, without a warning; the next loop gets another."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for number in range(2):
            assert asyncio.run(say(str(number))) == str(number)
    pids = server_pids(served)
    assert len(pids) == 2
    for pid in pids:
        until_gone(pid)


async def say(text: str) -> Any:
    return await toolbox.tracker.say(text=text)


@pytest.mark.server
async def test_the_first_call_checks_its_arguments_too(served: Effects, closed: None) -> None:
    """What could not be checked when it was made, as nothing was listed, is checked before the server is asked."""
    call = toolbox.tracker.add_numbers(first="two")
    with pytest.raises(StepInputError, match="first: 'two' is not of type 'integer'"):
        await call


@pytest.mark.server
async def test_many_tools_of_one_server_at_once(served: Effects, closed: None) -> None:
    """Calls that are made together before anything is connected start one server."""
    answers = await asyncio.gather(*(toolbox.tracker.say(text=str(number)) for number in range(50)))
    assert answers == [str(number) for number in range(50)]
    assert len(server_pids(served)) == 1


@pytest.mark.server
async def test_closing_ends_the_process(served: Effects) -> None:
    """A session that is closed leaves neither a process nor a task."""
    await toolbox.tracker.say(text="hello")
    (pid,) = server_pids(served)
    assert is_alive(pid)
    mount = mounts.get("tracker")
    assert mount is not None
    await sessions.close(mount)
    until_gone(pid)
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("terse-mcp")]
    assert mount.tools is None


def test_the_jobs_of_these_tests_are_where_they_are_said_to_be() -> None:
    """The mounts are of the modules that make them."""
    mount = mounts.get("tracker")
    assert mount is not None
    assert mount.modules == {jobs_mcp.__name__}
    assert settings.COMMAND[0] == sys.executable


@pytest.mark.server
def test_without_the_extra(tmp_path: Path) -> None:
    """A worker that has mounts and not the library says what to install, and a module without any does not care."""
    (tmp_path / "mounting.py").write_text(
        JOB.format(mounts='toolbox.mount("tracker", command=["server"])', name="mcp-extra")
    )
    (tmp_path / "without.py").write_text(JOB.format(mounts="", name="no-mcp"))
    code = (
        "import sys\n"
        "sys.modules['mcp'] = None  # as if it were not installed\n"
        "from terse_temporal.cli.entry import run_command\n"
        "sys.exit(run_command(['tools', sys.argv[1]]))\n"
    )
    for module, status in (("mounting.py", 2), ("without.py", 0)):
        done = subprocess.run(
            [sys.executable, "-c", code, module], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == status, done.stderr
        if status:
            assert "'tracker' (mounting.py:4). Install it with pip install 'terse-temporal[mcp]'" in done.stderr
