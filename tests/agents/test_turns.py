"""In a durable job every turn of a model and every tool that it calls is a step of its own."""

from __future__ import annotations

from ..engine.bench import Bench, scheduled
from . import jobs_agents as jobs
from .model_server import ModelServer, calls, says


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
        calls(("crm_find_customer", given)),
        calls(("crm_find_customer", {**given, "email": "bob"}), ("crm_add_note", {**given, "note": "hi"})),
        calls(("final_result", {"title": "Ada", "stars": 5})),
    ]
    async with bench.worker(jobs.digest):
        run = await bench.start(jobs.digest)
        assert await bench.result(run) == {"title": "Ada", "stars": 5, "class": "Digest"}
    assert await scheduled(run) == [
        "generate_text",
        "crm.find_customer",
        "generate_text",
        "crm.find_customer",
        "crm.add_note",
        "generate_text",
    ]
    assert model.turns_asked() == [0, 1, 2]
    assert [line.split(" ")[0] for line in bench.effects.lines()] == ["find", "find", "note"]
    # The result of a tool comes to the model as it is, nulls and all.
    assert '"plan":null' in model.requests[1]["messages"][-1]["content"].replace(" ", "")
