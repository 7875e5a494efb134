"""In a job that is not durable, in a step and outside a run, a model is asked in place, by the same loop."""

from __future__ import annotations

import asyncio
import gc

import pytest

from terse_temporal import TerseAgent, generate_text
from terse_temporal.agents import Finished, TextDelta, ToolCalled, ToolReturned
from terse_temporal.errors import DurableOnlyError, InPlaceOnlyError

from ..bench import Bench, scheduled
from ..effects import Effects
from ..model_server import ModelServer, calls, says
from ..waiting import until
from . import jobs_agents as jobs


async def test_in_a_job_that_is_not_durable(bench: Bench, model: ModelServer) -> None:
    given = {"effects": str(bench.effects), "email": "ada@example.com"}
    model.script = [calls(("desk_find_customer", given)), calls(("final_result", {"title": "Ada", "stars": 5}))]
    async with bench.worker(jobs.plain):
        run = await bench.start(jobs.plain)
        assert await bench.result(run) == {"title": "Ada", "stars": 5}
    assert await scheduled(run) == ["agents-plain"]
    assert bench.effects.lines() == ["find ada@example.com"]


async def test_in_a_step(bench: Bench, model: ModelServer) -> None:
    model.script = [says("Hello")]
    async with bench.worker(jobs.in_step):
        run = await bench.start(jobs.in_step)
        assert await bench.result(run) == "Hello"
    assert await scheduled(run) == ["ask"]


async def test_outside_a_run(model: ModelServer) -> None:
    model.script = [says("Hello")]
    assert await generate_text(prompt="Greet Ada") == "Hello"


async def test_it_is_streamed(model: ModelServer, effects: Effects) -> None:
    given = {"effects": str(effects), "email": "ada@example.com"}
    model.gap = 0.02
    model.script = [calls(("desk_find_customer", given)), says("Ada is on no plan")]
    agent = TerseAgent.create(prompt="Be brief.", skills=["desk"])
    events = [event async for event in agent.run("Look Ada up")]
    called, returned, *texts, finished = events
    assert isinstance(called, ToolCalled)
    assert (called.tool, called.arguments) == ("desk.find_customer", given)
    assert isinstance(returned, ToolReturned)
    assert returned.result == {"email": "ada@example.com", "plan": None, "name": "Ada"}
    assert [event.text for event in texts if isinstance(event, TextDelta)] == ["Ada ", "is ", "on ", "no ", "plan "]
    assert isinstance(finished, Finished)
    assert finished.output.strip() == "Ada is on no plan"


async def test_a_stream_that_cannot_begin_is_begun_again(model: ModelServer) -> None:
    model.faults = [(503, {"retry-after": "0"}), "cut"]
    model.script = [says("Hello")]
    events = [event async for event in TerseAgent.create().run("Greet Ada")]
    assert isinstance(events[-1], Finished)
    assert len(model.requests) == 3


async def test_a_durable_handler_does_not_stream(bench: Bench, model: ModelServer) -> None:
    failure = await bench.fail(jobs.streaming)
    assert failure.type == InPlaceOnlyError.__name__
    assert "run_and_wait" in failure.message


async def test_approvals_need_a_job_that_can_wait(model: ModelServer) -> None:
    with pytest.raises(DurableOnlyError, match="tool_approvals"):
        await generate_text(prompt="Look Ada up", skills=["desk"], tool_approvals=["desk.add_note"])


async def test_a_stream_may_be_left(model: ModelServer) -> None:
    model.gap = 0.05
    model.script = [says("one two three four five six seven eight")]
    before = asyncio.all_tasks()
    async for event in TerseAgent.create().run("Count"):
        assert isinstance(event, TextDelta)
        break
    gc.collect()
    # But for the model server's own, which keeps its connection.
    started = {task for task in asyncio.all_tasks() - before if "RequestHandler" not in repr(task.get_coro())}
    await until(lambda: all(task.done() for task in started), "what the stream had started has ended")
