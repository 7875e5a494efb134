"""A tool of a mounted MCP server is called from a job as any other tool is.

The server is a process of its own, and counts what it was asked to do in a file.
"""

from __future__ import annotations

import json
import logging

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from terse_temporal.plugin import TersePlugin
from terse_temporal.tools.mcp.mounts import mounts

from ..bench import Bench, cache_on, scheduled
from ..effects import Effects
from ..model_server import ModelServer, calls, says
from . import jobs_mcp as jobs
from .conftest import TOKEN, is_alive, server_pids, until_gone

ISSUE = {"number": 7, "title": "Broken", "labels": [{"name": "bug", "color": "red"}], "assignee": None}


async def test_each_call_of_a_durable_job_is_one_activity(bench: Bench) -> None:
    """Its type is the tool's name in Python's spelling, and the server is asked once, under the step's key."""
    async with bench.worker(jobs.durable):
        run = await bench.start(jobs.durable)
        assert await bench.result(run) == [ISSUE, 9]
    assert await scheduled(run) == ["tracker.create_issue", "tracker.add_numbers"]
    (issue,) = (line for line in bench.effects.lines() if line.startswith("issue"))
    assert len(issue.split()[2]) == 32


@cache_on
async def test_a_replay_needs_no_server(bench: Bench) -> None:
    """A finished run is replayed where no server is connected, nor started."""
    async with bench.worker(jobs.durable):
        run = await bench.start(jobs.durable)
        await bench.result(run)
        history = await run.fetch_history()
    started = len(server_pids(bench.effects))
    mount = mounts.get("tracker")
    assert mount is not None
    assert mount.tools is None
    replayer = Replayer(workflows=[], plugins=[TersePlugin([jobs.durable])])
    result = await replayer.replay_workflow(WorkflowHistory(run.id, history.events))
    assert result.replay_failure is None
    assert len(server_pids(bench.effects)) == started


@cache_on
async def test_in_place(bench: Bench) -> None:
    """In a step, on a thread's own event loop too, and in a job that is not durable, a call leaves no activity."""
    async with bench.worker(jobs.in_steps, jobs.plain):
        run = await bench.start(jobs.in_steps)
        issue, total = await bench.result(run)
        assert (issue["title"], total) == ("From a step", 5)
        assert await scheduled(run) == ["file_issue", "sum_on_a_thread"]
        plain = await bench.start(jobs.plain, tool="tracker.say", arguments={"text": "hello"})
        assert await bench.result(plain) == "hello"
        assert await scheduled(plain) == ["mcp-plain"]
    assert len(server_pids(bench.effects)) == 1


async def test_wrong_arguments_are_refused_before_anything_is_scheduled(bench: Bench) -> None:
    """The error names each of them with its path, and what the tool takes."""
    async with bench.worker(jobs.wrong_arguments):
        run = await bench.start(jobs.wrong_arguments)
        message = await bench.result(run)
    assert await scheduled(run) == []
    assert not [line for line in bench.effects.lines() if line.startswith("issue")]
    assert "tool 'tracker.create_issue' (tests/tools/jobs_mcp.py:" in message
    assert "titel: there is no such argument; did you mean 'title'?" in message
    assert "title: is missing" in message
    assert "labels[0].name: 5 is not of type 'string'" in message
    assert "labels[0].color: 'blue' is not one of ['red', 'green']" in message
    assert "assignee" not in message.partition("It is")[0]
    assert "It is tracker.create_issue(*, title: str, labels: list[" in message


@cache_on
async def test_a_tool_that_fails(bench: Bench) -> None:
    """An answer that says it is an error raises `ToolError`, once, with the server's words and not its credentials."""
    async with bench.worker(jobs.decline):
        run = await bench.start(jobs.decline)
        told = await bench.result(run)
    assert (told["step"], told["tool"], told["type"]) == ("tracker.decline", "tracker.decline", "ToolError")
    assert told["is a StepError"]
    assert "declined: no funds, with ***" in told["message"]
    assert bench.effects.counted()["decline"] == 1


@cache_on
async def test_what_comes_back(bench: Bench) -> None:
    """Structured data is data, one text is a string, more is a list, and nothing is `None`."""
    picture = {"type": "image", "data": "QUJD", "mimeType": "image/png"}
    async with bench.worker(jobs.any_tool):

        async def call(tool: str, **arguments: object) -> object:
            run = await bench.start(jobs.any_tool, tool=f"tracker.{tool}", arguments=arguments)
            return await bench.result(run)

        assert await call("add-numbers", first=1) == 2
        assert await call("say", text='{"a": 1}') == '{"a": 1}'
        assert await call("show") == ["a picture", picture]
        assert await call("nothing") is None
        assert await call("createIssue", title="Broken", labels=[{"name": "bug"}]) == ISSUE


@cache_on
async def test_a_server_that_dies_between_calls_is_started_again(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    """The next call finds another process, and is one activity like any other; the log says what has happened."""
    async with bench.worker(jobs.restarted):
        run = await bench.start(jobs.restarted)
        before, after = await bench.result(run)
    assert before != after
    assert await scheduled(run) == ["tracker.pid", "kill", "tracker.pid"]
    assert [str(pid) for pid in server_pids(bench.effects)] == [before, after]
    (said,) = (record.getMessage() for record in caplog.records if "has ended" in record.getMessage())
    assert "tracker  has ended, and is started again by the next call.\nThe last it said:\n  the test server" in said
    assert TOKEN not in said


async def test_a_server_that_dies_during_a_call(bench: Bench) -> None:
    """The call is tried again, under the same key, if twice is as good as once, and only then."""
    async with bench.worker(jobs.dies):
        assert await bench.result(await bench.start(jobs.dies, tool="die_idempotent")) == "done"
        told = await bench.result(await bench.start(jobs.dies, tool="perish"))
    assert told["sent"] is True
    assert "broke off during a call of 'tracker.perish', which may have happened or not" in told["message"]
    calls = [line for line in bench.effects.lines() if line.startswith(("die", "perish"))]
    assert [line.split()[0] for line in calls] == ["die_idempotent", "die_idempotent", "perish"]
    assert calls[0] == calls[1]


async def test_a_call_that_is_cancelled_is_cancelled_at_the_server(bench: Bench) -> None:
    """The server is told, and the session goes on."""
    async with bench.worker(jobs.linger, jobs.durable):
        failure = await bench.failure(await bench.start(jobs.linger))
        assert failure.type == "TimeoutError"
        assert await bench.result(await bench.start(jobs.durable)) == [ISSUE, 9]
    assert bench.effects.counted()["linger was cancelled"] == 1
    assert len(server_pids(bench.effects)) == 1


@cache_on
async def test_one_session_is_shared(bench: Bench) -> None:
    """Two workers of a process and all of their steps use one server process, which ends with the last of them."""
    async with bench.worker(jobs.many):
        async with bench.env.worker([jobs.durable], task_queue=f"{bench.task_queue}-2"):
            assert len(set(await bench.result(await bench.start(jobs.many)))) == 1
        (pid,) = server_pids(bench.effects)
        assert is_alive(pid)
        await bench.result(await bench.start(jobs.many))
    assert server_pids(bench.effects) == [pid]
    until_gone(pid)


@cache_on
async def test_credentials_are_in_no_history(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """What the server is given, and repeats in its error and on its standard error, is in no history and no log."""
    caplog.set_level(logging.DEBUG)
    async with bench.worker(jobs.decline, jobs.any_tool):
        runs = [
            await bench.start(jobs.decline),
            await bench.start(jobs.any_tool, tool="tracker.has_token", arguments={"expected": len(TOKEN)}),
        ]
        results = [await bench.result(run) for run in runs]
        assert results[1] == "yes"
        histories = [json.dumps((await run.fetch_history()).to_json()) for run in runs]
    assert all("tracker" in history and TOKEN not in history for history in histories)
    assert "the test server speaks" in caplog.text
    assert TOKEN not in caplog.text


def test_the_fixture_is_of_this_test(served: Effects) -> None:
    """No server has been started for a test that calls none."""
    assert server_pids(served) == []


async def test_arguments_that_a_skill_fixes(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the server's tools a model has those that take them, and no say in them. A replay needs no server for it."""
    monkeypatch.setenv("TERSE_MODEL", "openai:gpt-5-mini")
    monkeypatch.setenv("OPENAI_API_KEY", TOKEN)
    async with ModelServer().serving() as model, bench.worker(jobs.fixed):
        monkeypatch.setenv("OPENAI_BASE_URL", model.url)
        model.script = [
            calls(
                ("tracker_create_issue", {"labels": []}),
                ("tracker_create_issue", {"labels": [], "title": "Mine"}),
                ("tracker_create_issue", {"labels": [], "Ti-tle": "Mine"}),
                ("tracker_pid", {}),
            ),
            says("done"),
        ]
        run = await bench.start(jobs.fixed, titles="Ours")
        assert await bench.result(run) == ["done", "Ours"]
    (shown,) = (tool["function"] for tool in model.requests[0]["tools"])
    assert (shown["name"], set(shown["parameters"]["properties"])) == ("tracker_create_issue", {"labels"})
    assert shown["parameters"]["required"] == ["labels"]
    assert await scheduled(run) == ["generate_text", "tracker.create_issue", "generate_text", "tracker.create_issue"]
    mount = mounts.get("tracker")
    assert mount is not None
    assert mount.tools is None
    result = await Replayer(workflows=[], plugins=[TersePlugin([jobs.fixed])]).replay_workflow(
        WorkflowHistory(run.id, (await run.fetch_history()).events)
    )
    assert result.replay_failure is None


@cache_on
async def test_a_skill_that_the_server_has_no_argument_for(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first turn says so, before the model is asked."""
    monkeypatch.setenv("TERSE_MODEL", "openai:gpt-5-mini")
    monkeypatch.setenv("OPENAI_API_KEY", TOKEN)
    failure = await bench.fail(jobs.fixed, titles=5)
    assert "'title'" in failure.message
    assert "cannot be 5" in failure.message
