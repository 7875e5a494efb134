"""Tools that a model calls are waited for, keep their keys, are repeated by their own rules, and judged once."""

from __future__ import annotations

from typing import Any

import pytest

from ..bench import Bench
from ..model_server import ModelServer, calls, says, turn_of
from ..waiting import until
from . import jobs_agents
from . import jobs_model_tools as jobs


async def test_cancelling_waits_for_every_tool(bench: Bench, model: ModelServer) -> None:
    """A handler that gives up goes on when all tools have ended, not with the first of them."""
    given = {"effects": str(bench.effects)}
    model.script = [calls(("slow_desk_slow", {**given, "seconds": 30}), ("slow_desk_slow", {**given, "seconds": 31}))]
    async with bench.worker(jobs.cancelled):
        run = await bench.start_on_the_wall_clock(jobs.cancelled)
        assert await bench.result(run) == "over"
    assert bench.effects.lines()[-1] == "after"
    assert sorted(bench.effects.lines()[2:4]) == ["end 30.0", "end 31.0"]


async def test_keys_follow_the_call(bench: Bench, model: ModelServer) -> None:
    """A repeated attempt of a step makes the same calls under the same keys, in whatever order."""
    attempts: dict[str, int] = {"A": 0, "B": 0}

    def answer(body: dict[str, Any]) -> dict[str, Any]:
        prompt = str(body["messages"][0]["content"])
        who = prompt.split(" ")[1]
        return (
            says("told") if turn_of(body) else calls(("slow_desk_note", {"effects": str(bench.effects), "text": who}))
        )

    async def delay(body: dict[str, Any]) -> None:
        if turn_of(body) == 0:
            who = str(body["messages"][0]["content"]).split(" ")[1]
            attempts[who] += 1
            # First A is quicker, then B.
            if (who == "A") == (attempts[who] == 2):
                await until(lambda: len(bench.effects.lines()) == 2 * attempts[who] - 1, "the other one has told")

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
