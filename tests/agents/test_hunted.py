"""What goes wrong around the tools that a model calls stays where it belongs."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from terse_temporal.errors import ModelOutputError

from ..bench import Bench
from ..model_server import ModelServer, calls, says, turn_of
from . import jobs_agents
from . import jobs_hunted as jobs
from .approvals import waiting
from .conftest import KEY


async def test_cancelling_waits_for_every_tool(bench: Bench, model: ModelServer) -> None:
    """A handler that gives up goes on when all tools have ended, not with the first of them."""
    given = {"effects": str(bench.effects)}
    model.script = [calls(("hunt_slow", {**given, "seconds": 30}), ("hunt_slow", {**given, "seconds": 31}))]
    async with bench.worker(jobs.cancelled):
        run = await bench.start_on_the_wall_clock(jobs.cancelled)
        assert await bench.result(run) == "over"
    assert bench.effects.lines()[-1] == "after"
    assert sorted(bench.effects.lines()[2:4]) == ["end 30.0", "end 31.0"]


async def test_the_first_answer_counts(bench: Bench, model: ModelServer) -> None:
    """Answers that come together, before the run has heard of the first, do not override one another."""
    given = {"effects": str(bench.effects), "email": "ada@example.com", "note": "hi"}
    model.script = [calls(("desk_add_note", given)), says("done")]
    async with bench.worker(jobs_agents.approvals):
        run = await bench.start(jobs_agents.approvals)
        await waiting(run)
    answers = [
        asyncio.create_task(run.execute_update("terse.input", {"id": "1", "approved": approved}))
        for approved in (False, True)
    ]
    await asyncio.sleep(1)
    async with bench.worker(jobs_agents.approvals):
        outcomes = await asyncio.gather(*answers, return_exceptions=True)
        await waiting(run, "2")
        await run.execute_update("terse.input", {"approved": False})
        await bench.result(run)
    assert sum(isinstance(outcome, Exception) for outcome in outcomes) == 1
    approved = not isinstance(outcomes[1], Exception)
    assert len(bench.effects.lines()) == approved


async def test_nobody_is_asked_about_a_call_that_cannot_be(bench: Bench, model: ModelServer) -> None:
    """Arguments are checked before somebody is asked, and shown as JSON."""
    async with bench.worker(jobs.paying):
        run = await bench.start(jobs.paying)
        assert (await waiting(run))["1"]["arguments"] == {
            "effects": str(bench.effects),
            "when": "2030-01-02T00:00:00",
            "amount": "1.50",
        }
        await run.execute_update("terse.input", {"id": "1", "approved": True})
        assert await bench.result(run) == [True, "paid"]
    assert bench.effects.lines() == ["pay 2030 1.50"]


async def test_large_arguments_do_not_stop_a_run(bench: Bench, model: ModelServer) -> None:
    """A memo shows as much of the arguments as a person reads; the tool gets all of them."""
    given = {"effects": str(bench.effects), "email": "ada@example.com", "note": "x" * 400_000}
    model.script = [calls(("desk_add_note", given), ("desk_add_note", {**given, "email": "bob"})), says("done")]
    async with bench.worker(jobs_agents.approvals):
        run = await bench.start(jobs_agents.approvals)
        shown = await waiting(run, "2")
        assert "400,1" in json.dumps(shown["1"])
        assert len(json.dumps(shown)) < 20_000
        for number in ("1", "2"):
            await run.execute_update("terse.input", {"id": number, "approved": True})
        await waiting(run, "3")
        await run.execute_update("terse.input", {"approved": False})
        await bench.result(run)
    assert sorted(len(line) // 100_000 for line in bench.effects.lines()) == [4, 4]


async def test_keys_follow_the_call(bench: Bench, model: ModelServer) -> None:
    """A repeated attempt of a step makes the same calls under the same keys, in whatever order."""
    attempts: dict[str, int] = {"A": 0, "B": 0}

    def answer(body: dict[str, Any]) -> dict[str, Any]:
        prompt = str(body["messages"][0]["content"])
        who = prompt.split(" ")[1]
        return says("told") if turn_of(body) else calls(("hunt_note", {"effects": str(bench.effects), "text": who}))

    async def delay(body: dict[str, Any]) -> None:
        if turn_of(body) == 0:
            who = str(body["messages"][0]["content"]).split(" ")[1]
            attempts[who] += 1
            # First A is quicker, then B.
            await asyncio.sleep(0.5 if (who == "A") == (attempts[who] == 2) else 0)

    model.answer, model.before_answer = answer, delay
    await bench.run(jobs.keys)
    told = [line.split(" ") for line in bench.effects.lines()]
    assert [who for who, _ in told] == ["A", "B", "B", "A"]
    assert len({key for _, key in told}) == len({(who, key) for who, key in told}) == 2


async def test_a_plain_tool_is_not_repeated_for_one_of_its_requests(bench: Bench, model: ModelServer) -> None:
    """A connection that one request of a tool did not get says nothing of the others that it has made."""
    assert await bench.run(jobs.charge) == "nobody listens there"
    assert bench.effects.lines() == ["charged"]


async def test_the_verdict_about_arguments_is_recorded(
    bench: Bench, model: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tool that learns an argument which models kept trying does not park the runs that were told it had none."""
    given = {"effects": str(bench.effects), "email": "ada@example.com", "channel": "C1"}
    model.script = [
        calls(("desk_find_customer", given)),
        calls(("desk_add_note", {**given, "note": "x"})),
        calls(("final_result", {"title": "Ada", "stars": 5})),
    ]
    model.before_answer = None
    async with bench.worker(jobs_agents.digest):
        run = await bench.start(jobs_agents.digest)
        await bench.result(run)

    from temporalio.worker import Replayer  # noqa: PLC0415

    from terse_temporal.plugin import TersePlugin  # noqa: PLC0415
    from terse_temporal.tools import find_tool, registry  # noqa: PLC0415

    def find_customer(effects: str, email: str, channel: str = "") -> dict[str, Any]:
        raise AssertionError("a replay calls nothing")

    tool = find_tool("desk.find_customer")
    changed = type(tool)(name=tool.name, function=find_customer, origin=tool.origin, where=tool.where)
    monkeypatch.setitem(registry._tools, tool.name, changed)
    monkeypatch.delitem(registry._tools, "desk.add_note")
    replayer = Replayer(workflows=[], plugins=[TersePlugin([jobs_agents.digest])])
    assert (await replayer.replay_workflow(await run.fetch_history())).replay_failure is None


async def test_a_key_that_cannot_be_sent_is_not_recorded(
    bench: Bench, model: ModelServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A key with a slip of the clipboard in it fails at once, and is in no message, history or log."""
    for key in (f"{KEY}…", f"{KEY}\nX"):
        monkeypatch.setenv("OPENAI_API_KEY", key)
        async with bench.worker(jobs.text):
            run = await bench.start(jobs.text)
            failure = await bench.failure(run)
        assert KEY not in str(failure)
        assert KEY not in str(await run.fetch_history())
    assert KEY not in caplog.text
    assert model.requests == []


@pytest.mark.parametrize("said", ["[1.0, NaN]", "half \\ud83d of a character"])
async def test_what_json_cannot_hold_is_said(bench: Bench, model: ModelServer, said: str) -> None:
    """A number that is none, or half a character, is the model's failure and named so."""
    if said.startswith("["):
        model.script = [calls(("final_result", f'{{"response": {said}}}'))] * 9
    else:
        model.script = [says(json.loads(f'"{said}"'))]
    failure = await bench.fail(jobs.text, list=said.startswith("["))
    assert failure.type == ModelOutputError.__name__
    assert "'openai:gpt-5-mini'" in failure.message


async def test_an_output_that_would_not_come_back(bench: Bench, model: ModelServer) -> None:
    """An output is read back before it is recorded, as what a step returns: asterisks are not taken for a secret."""
    model.script = [calls(("final_result", '{"user": "ada", "token": "s3cret-s3cret"}'))]
    failure = await bench.fail(jobs.login)
    assert failure.type == ModelOutputError.__name__
    assert "the output of the model 'openai:gpt-5-mini': the value at $.token is a secret" in failure.message


async def test_an_answer_that_is_cut_short_is_none(bench: Bench, model: ModelServer) -> None:
    """A string that ends at the limit of output tokens is not taken for the answer."""
    model.finish = "length"
    model.script = [says("The answer is")]
    failure = await bench.fail(jobs.text)
    assert failure.type == ModelOutputError.__name__
    assert "max_tokens" in failure.message
