"""What a handler, a model or a way does that few do makes no run stand still, ask twice, or differ on a replay."""

from __future__ import annotations

import pytest
from temporalio.worker import Replayer

from terse_temporal import Job
from terse_temporal.plugin import TersePlugin
from terse_temporal.serialization.wire_names import WAITING_MEMO

from ..bench import Bench, Run, cache_on
from ..waiting import until
from . import jobs_odd as jobs
from .asking import answer, asked, memo_of, refused


async def _is_replayed(run: Run, job: Job) -> None:
    history = await run.fetch_history()
    result = await Replayer(workflows=[], plugins=[TersePlugin([job])]).replay_workflow(history)
    assert result.replay_failure is None


async def test_a_model_that_makes_values(bench: Bench) -> None:
    """Ids, moments and random numbers of a model or its validators: checking an answer takes none of the run's own."""
    async with bench.worker(jobs.asks_for_a_ticket):
        run = await bench.start(jobs.asks_for_a_ticket)
        await asked(run)
        for _ in range(2):
            assert (await refused(run, id="1", data={"title": 7})).details[0]["fields"].keys() == {"title"}
        await answer(run, data={"title": "Fix"})
        kept, made = await bench.result(run)
        assert kept == made
        await _is_replayed(run, jobs.asks_for_a_ticket)


async def test_an_answer_of_before_a_reset(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it fits what is asked anew is decided once, though newer code may come to say something else."""
    monkeypatch.delenv(jobs.STRICT, raising=False)
    async with bench.worker(jobs.asks_fickle):
        run = await bench.start(jobs.asks_fickle)
        await answer(run, data={"title": "a"})
        await answer(run, "2", text="b")
        assert await bench.result(run) == ["a", "b"]
        monkeypatch.setenv(jobs.STRICT, "1")
        again = await bench.reset(run)
        await asked(again)
        monkeypatch.delenv(jobs.STRICT)
        await answer(again, data={"title": "c"})
        assert await bench.result(again) == ["c", "b"]
        await _is_replayed(again, jobs.asks_fickle)


@cache_on
async def test_what_a_way_returns_cannot_be_recorded(bench: Bench) -> None:
    """It has asked, so it is not tried again: nobody gets a message seven times. The handler is told why."""
    async with bench.worker(jobs.asks_unrecordably):
        first, second = await bench.result(await bench.start(jobs.asks_unrecordably))
    assert "Unrecordable.ask() has asked, and what it returned" in first
    assert "70,002 bytes, and 65,536 are the most" in second
    assert bench.effects.lines() == ["asks, attempt 1"] * 2


async def test_a_task_that_asks_as_the_run_ends(bench: Bench) -> None:
    """Nobody is asked what nobody would read the answer to, and the run does not wait for it."""
    async with bench.worker(jobs.asks_late):
        run = await bench.start_on_the_wall_clock(jobs.asks_late)
        await answer(run, choice="yes")
        assert await bench.result(run) == "yes"
        await _is_replayed(run, jobs.asks_late)
    assert not [line for line in bench.effects.lines() if line.startswith("late")]


async def test_many_long_questions_at_once(bench: Bench) -> None:
    """A memo that changes with each of many goes to the server as often as there is room for it, and then whole."""
    async with bench.worker(jobs.asks_much):
        run = await bench.start_on_the_wall_clock(jobs.asks_much, count=80)
        await until(lambda: _more(run, 60), "all are shown")
        for number in ("1", "80"):
            await run.execute_update("terse.input", {"id": number, "text": "t"})
        assert await bench.result(run) == ["t", "t"]
        await _is_replayed(run, jobs.asks_much)


async def _more(run: Run, count: int) -> bool:
    return bool((await memo_of(run, WAITING_MEMO)).get("20", {}).get("more") == count)
