"""The tokens that models used are on the run: of its turns, of its steps, and of a job that is not durable."""

from __future__ import annotations

from ..bench import Bench, Run
from ..model_server import ModelServer, calls, says
from . import jobs_agents as jobs


async def tokens(run: Run) -> object:
    return (await (await run.describe()).memo()).get("terse.tokens.v1")


async def test_of_turns(bench: Bench, model: ModelServer) -> None:
    given = {"effects": str(bench.effects), "email": "ada@example.com"}
    model.script = [calls(("desk_find_customer", given)), calls(("final_result", {"title": "Ada", "stars": 5}))]
    async with bench.worker(jobs.digest):
        run = await bench.start(jobs.digest)
        await bench.result(run)
    assert await tokens(run) == {"requests": 2, "input": 20, "output": 10}


async def test_of_steps_and_of_jobs_that_are_not_durable(bench: Bench, model: ModelServer) -> None:
    model.script = [says("Hello")]
    async with bench.worker(jobs.in_step, jobs.plain_text):
        for job in (jobs.in_step, jobs.plain_text):
            run = await bench.start(job)
            assert await bench.result(run) == "Hello"
            assert await tokens(run) == {"requests": 1, "input": 10, "output": 5}
