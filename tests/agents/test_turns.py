"""In a durable job every turn of a model and every tool that it calls is a step of its own."""

from __future__ import annotations

from typing import Any

from ..bench import Bench, scheduled
from ..model_server import ModelServer, calls, says
from . import jobs_agents as jobs


async def test_a_text_is_one_turn(bench: Bench, model: ModelServer) -> None:
    model.script = [says("Hello, Ada")]
    async with bench.worker(jobs.text):
        run = await bench.start(jobs.text, name="Ada")
        assert await bench.result(run) == "Hello, Ada"
    assert await scheduled(run) == ["generate_text"]
    assert len(model.requests) == 1
    assert model.requests[0]["messages"][-1]["content"] == "Greet Ada"
    assert model.requests[0]["model"] == "gpt-5-mini"


async def test_turns_and_tools_are_steps(bench: Bench, model: ModelServer) -> None:
    given = {"effects": str(bench.effects), "email": "ada@example.com"}
    model.script = [
        calls(("desk_find_customer", given)),
        calls(("desk_find_customer", {**given, "email": "bob"}), ("desk_add_note", {**given, "note": "hi"})),
        calls(("final_result", {"title": "Ada", "stars": 5})),
    ]
    async with bench.worker(jobs.digest):
        run = await bench.start(jobs.digest)
        assert await bench.result(run) == {"title": "Ada", "stars": 5, "class": "Digest"}
    assert await scheduled(run) == [
        "generate_text",
        "desk.find_customer",
        "generate_text",
        "desk.find_customer",
        "desk.add_note",
        "generate_text",
    ]
    assert model.turns_asked() == [0, 1, 2]
    assert sorted(line.split(" ")[0] for line in bench.effects.lines()) == ["find", "find", "note"]
    # The result of a tool comes to the model as it is, nulls and all.
    assert '"plan":null' in model.requests[1]["messages"][-1]["content"].replace(" ", "")


async def test_an_output_is_of_the_type_that_was_asked_for(bench: Bench, model: ModelServer) -> None:
    model.script = [calls(("final_result", {"good": True, "why": "kind"}))]

    async def second(body: dict[str, Any]) -> None:
        if body["messages"][-1]["content"] == "How many?":
            model.script = [calls(("final_result", {"response": [1, 2]}))]

    model.before_answer = second
    assert await bench.run(jobs.verdict) == [True, "kind", [1, 2]]


async def test_a_model_sees_its_skills_and_nothing_else(bench: Bench, model: ModelServer) -> None:
    given = {"effects": str(bench.effects), "email": "ada@example.com", "note": "x"}
    model.script = [calls(("desk_add_note", given)), says("done")]
    assert await bench.run(jobs.only_some) == "done"
    assert [tool["function"]["name"] for tool in model.requests[0]["tools"]] == ["desk_find_customer"]
    function = model.requests[0]["tools"][0]["function"]
    assert function["description"].startswith("Look a customer up")
    assert function["parameters"]["properties"]["email"]["description"] == "whom to look for."
    # What it made up was not called, and it was told so.
    assert bench.effects.lines() == []
    assert "desk_add_note" in str(model.requests[1]["messages"][-1])


async def test_a_tool_that_fails_is_told_to_the_model(bench: Bench, model: ModelServer) -> None:
    model.script = [
        calls(("desk_broken", {"effects": str(bench.effects)})),
        calls(("desk_find_customer", {"effects": str(bench.effects)})),
        calls(("desk_find_customer", '{"effects": ')),
        calls(("final_result", {"title": "sorry", "stars": 0})),
    ]
    assert (await bench.run(jobs.digest))["title"] == "sorry"
    told = [str(request["messages"][-1]["content"]) for request in model.requests[1:]]
    assert "the CRM is on fire" in told[0]
    assert "'email'" in told[1]
    assert "JSON" in told[2] or "json" in told[2]
    assert bench.effects.lines() == ["broken"]


async def test_an_agent_has_instructions_and_its_own_tools(bench: Bench, model: ModelServer) -> None:
    async def answer(body: dict[str, Any]) -> None:
        said = body["messages"][-1]["content"]
        model.script = [says("one") if said == "Say one" else calls(("final_result", {"title": "two", "stars": 2}))]

    model.before_answer = answer
    async with bench.worker(jobs.agent):
        run = await bench.start(jobs.agent)
        assert await bench.result(run) == ["Ada", "one", "two", "bob@example.com"]
    assert await scheduled(run) == ["desk.find_customer", "generate_text", "generate_text", "desk.find_customer"]
    assert model.requests[0]["messages"][0] == {"role": "system", "content": "You are terse."}
    # Every message starts a new conversation.
    assert len(model.requests[1]["messages"]) == 2


async def test_a_tool_may_return_nothing(bench: Bench, model: ModelServer) -> None:
    given = {"effects": str(bench.effects), "email": "ada@example.com"}
    model.script = [
        calls(("desk_nothing", {})),
        calls(("desk_find_customer", given)),
        calls(("final_result", {"title": "Ada", "stars": 5})),
    ]
    assert (await bench.run(jobs.digest))["stars"] == 5
    assert model.requests[2]["messages"][2]["content"] in ("null", "")
