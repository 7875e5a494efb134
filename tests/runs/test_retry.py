"""A run that failed goes on from before what failed: what had finished stays, and so do the keys."""

from __future__ import annotations

import asyncio

import pytest

from terse_temporal import get_run
from terse_temporal.errors import RunNotFoundError, RunRetryError
from terse_temporal.runs.retrying import find_retriable, reset, retry_run

from ..agents.approvals import waiting
from ..bench import Bench, Run, cache_on
from ..waiting import until
from . import jobs_retried as jobs
from .retrying import allow, counted, ended, failed, go, retried, timer_starts


async def test_one_after_another(bench: Bench) -> None:
    """The step that failed is run again, twice in a row; none before it is. The run is the same to its own code."""
    async with bench.worker(jobs.line):
        run = await failed(bench, jobs.line)
        again = await retried(bench, run)
        assert "third is declined" in (await bench.failure(again)).message
        allow(bench, "third")
        last = await get_run(run.id, client=bench.env.client).retry()
        assert await last.result("20s") == ["first done", "second done", "third done", "fourth done"]
        assert await last.status() == "completed"
    assert counted(bench) == {"first": 1, "second": 1, "third": 3, "fourth": 1}
    assert last.id == run.id
    assert len({run.first_execution_run_id, again.run_id, last.run_id}) == 3


async def test_at_the_same_time(bench: Bench) -> None:
    """What had finished beside the step that failed is not run again in any retry, nor what runs at most once."""
    async with bench.worker(jobs.together):
        run = await failed(bench, jobs.together)
        # Of the steps that are asked for anew not all may have been answered when the run fails again.
        again = await retried(bench, run)
        await bench.failure(again)
        allow(bench, "fails", "caught")
        last = await retried(bench, again)
        assert await bench.result(last) == ["fails done", "two done", "Declined", "slow done"]
    assert counted(bench) == {"before": 1, "fails": 3, "one": 1, "two": 1, "caught": 1, "slow": 1}


async def test_several_that_failed(bench: Bench) -> None:
    """Of steps that failed together all are run again, though the handler raises for one of them."""
    async with bench.worker(jobs.two):
        run = await failed(bench, jobs.two)
        allow(bench, "a", "b", "c")
        assert await bench.result(await retried(bench, run)) == ["a done", "b done", "c done"]
    assert counted(bench) == {"a": 2, "b": 2, "c": 2}


async def test_a_group(bench: Bench) -> None:
    """All steps of a group of exceptions are run again, and no other."""
    async with bench.worker(jobs.group):
        run = await failed(bench, jobs.group)
        allow(bench, "a")
        again = await retried(bench, run)
        assert "b is declined" in (await bench.failure(again)).message
        allow(bench, "b")
        assert await bench.result(await retried(bench, again)) == ["a done", "b done", "c done"]
    assert counted(bench) == {"a": 2, "b-before": 1, "b": 3, "c": 1}


async def test_another_exception_for_it(bench: Bench) -> None:
    """Where the failure does not name a step, the one that failed just before is run again."""
    async with bench.worker(jobs.hidden):
        run = await failed(bench, jobs.hidden)
        allow(bench, "stock")
        assert await bench.result(await retried(bench, run)) == "stock done"
    assert counted(bench) == {"first": 1, "stock": 2}


async def test_the_line_that_raised(bench: Bench) -> None:
    """Where the handler raised by itself, that line is all that is run again."""
    async with bench.worker(jobs.raises):
        run = await failed(bench, jobs.raises)
        again = await retried(bench, run)
        assert (await bench.failure(again)).message == "not today"
    assert counted(bench) == {"first": 1}


async def test_at_most_once(bench: Bench) -> None:
    """A step that had begun is not run again, until the run is retried for its sake."""
    async with bench.worker(jobs.once):
        run = await bench.start(jobs.once)
        await until(lambda: len(bench.effects.lines()) == 2, "both have begun")
        go(bench, "fails")
        await bench.failure(run)
        allow(bench, "fails")
        again = await retried(bench, run)
        assert "was ended with it" in (await bench.failure(again)).message
        assert counted(bench) == {"fails": 2, "once": 1}
        go(bench, "once")
        assert await bench.result(await retried(bench, again)) == ["fails done", "once done"]
    assert counted(bench) == {"fails": 2, "once": 2}


async def test_not_durable(bench: Bench) -> None:
    """A job that is not durable is run again, since a person asks for it."""
    async with bench.worker(jobs.plain):
        run = await failed(bench, jobs.plain)
        allow(bench, "plain")
        assert await bench.result(await retried(bench, run)) == "plain done"
    assert counted(bench) == {"plain": 2}


async def test_sleeps(bench: Bench) -> None:
    """A sleep that had begun before is not begun anew: it ends when it would have."""
    async with bench.worker(jobs.sleeps):
        run = await failed(bench, jobs.sleeps)
        (begun,) = await timer_starts(run)
        allow(bench, "fails")
        again = await retried(bench, run)
        assert await bench.result(again) == "awake"
        assert await timer_starts(again) == [begun]
    assert counted(bench) == {"first": 1, "fails": 2}


async def test_continued_as_new(bench: Bench) -> None:
    """The last run of a chain goes on, whichever of its run ids is given, and is shown with what came before it."""
    async with bench.worker(jobs.chain):
        run = await failed(bench, jobs.chain)
        allow(bench, "fails")
        new = await retry_run(bench.env.client, run.id, run.first_execution_run_id)
        assert await bench.result(bench.env.client.get_workflow_handle(run.id, run_id=new)) == "fails done"
        timeline = await get_run(run.id, client=bench.env.client).timeline()
    assert counted(bench) == {"step-0": 1, "step-1": 1, "step-2": 1, "fails": 2}
    shown = [(each.name, each.state) for each in timeline.entries]
    assert shown == [(name, "done") for name in ("step-0", "step-1", "step-2", "fails")]


async def test_terminated(bench: Bench) -> None:
    """A run that was terminated goes on: what had finished stays, and what was open is run again."""
    async with bench.worker(jobs.asks):
        run = await bench.start(jobs.asks)
        await waiting(run)
        await until(lambda: len(bench.effects.lines()) == 2, "both have begun")
        await run.terminate("by mistake")
        go(bench, "fails")
        allow(bench, "fails")
        again = await retried(bench, run)
        await waiting(again)
        await again.execute_update("terse.input", {"id": "1", "approved": True, "reason": "fine"})
        assert await bench.result(again) == ["fine", "fails done"]
    assert counted(bench) == {"asks": 1, "fails": 2}


async def test_answers_stay(bench: Bench) -> None:
    """Nobody is asked again what was answered before the failure, though the run is reset to before the question."""
    async with bench.worker(jobs.asks):
        run = await bench.start(jobs.asks)
        await waiting(run)
        await run.execute_update("terse.input", {"id": "1", "approved": True, "reason": "fine"})
        go(bench, "fails")
        await bench.failure(run)
        allow(bench, "fails")
        assert await bench.result(await retried(bench, run)) == ["fine", "fails done"]
    assert counted(bench) == {"asks": 1, "fails": 2}


@pytest.mark.parametrize("how", ["step", "raise"])
async def test_after_on_failure(bench: Bench, how: str) -> None:
    """What was done when the run had failed is not done again for the same failure; it goes on with the handler."""
    async with bench.worker(jobs.with_on_failure):
        run = await failed(bench, jobs.with_on_failure, how=how)
        again = await retried(bench, run)
        await bench.failure(again)
        assert counted(bench) == {"first": 1, **({"fails": 2} if how == "step" else {}), "undo": 1, "tell": 1}
        if how == "step":
            allow(bench, "fails")
            assert await bench.result(await retried(bench, again)) == "fails done"
            assert counted(bench) == {"first": 1, "fails": 3, "undo": 1, "tell": 1}


async def test_out_of_time(bench: Bench) -> None:
    """A run that has run out of its time goes on from before that, and has all of it again."""
    async with bench.worker(jobs.late):
        run = await failed(bench, jobs.late)
        assert counted(bench) == {"first": 1, "second": 1}
        assert await bench.result(await retried(bench, run)) == "third done"
    assert counted(bench) == {"first": 1, "second": 1, "third": 1}


async def test_two_at_once(bench: Bench) -> None:
    """Who retries a run at the same moment as another is told, and what had finished stays so."""
    async with bench.worker(jobs.line):
        run = await failed(bench, jobs.line)
        allow(bench, "third")
        chosen = [await find_retriable(bench.env.client, run.id) for _ in range(3)]
        outcomes = await asyncio.gather(*(reset(bench.env.client, each) for each in chosen), return_exceptions=True)
        assert sum(isinstance(each, str) for each in outcomes) == 1
        refused = [each for each in outcomes if isinstance(each, RunRetryError)]
        assert len(refused) == 2
        assert all("by somebody else in this moment" in str(each) for each in refused)
        await bench.result(bench.env.client.get_workflow_handle(run.id))
    # What the first one's run was just doing is interrupted by the second, as by the loss of its worker.
    counts = counted(bench)
    assert (counts["first"], counts["second"]) == (1, 1)
    assert 2 <= counts["third"] <= 4


@cache_on
async def test_refused(bench: Bench) -> None:
    """What runs, has completed or was cancelled is not retried, nor what would fail in the same way at once."""
    client = bench.env.client

    async def refusal(run: Run, run_id: str | None = None) -> str:
        before = (await run.describe()).run_id
        with pytest.raises(RunRetryError) as caught:
            await retry_run(client, run.id, run_id)
        assert (await run.describe()).run_id == before
        assert caught.value.id == run.id
        return str(caught.value)

    async with bench.worker(jobs.hidden, jobs.asks, jobs.strict, jobs.waits_strictly):
        allow(bench, "stock")
        run = await bench.start(jobs.asks)
        await waiting(run)
        assert "is running" in await refusal(run)
        await run.cancel()
        await until(lambda: ended(run), "the run has ended")
        assert "was cancelled" in await refusal(run)
        done = await bench.start(jobs.hidden)
        await bench.result(done)
        assert "has completed" in await refusal(done)
        wrong = await bench.start(jobs.strict)
        await bench.failure(wrong)
        said = await refusal(wrong)
        assert "would again: " in said
        assert "trigger retried-strict --event" in said
        unfit = await bench.start(jobs.waits_strictly)
        await unfit.signal("paid", {"ids": 1})
        assert "it does not fit Order" in (await bench.failure(unfit)).message
        # Whoever has mended the schema may go on; with the code as it is, the event is as wrong as before.
        assert "it does not fit Order" in (await bench.failure(await retried(bench, unfit))).message
        other = await client.start_workflow("retried-hidden", {"effects": ""}, id=wrong.id, task_queue="nobody's")
        assert "was started under that id since" in await refusal(other, wrong.first_execution_run_id)
        await other.terminate()
        assert "ended before anything of it was run" in await refusal(other)
    with pytest.raises(RunNotFoundError, match="there is no run with the id 'nothing'"):
        await get_run("nothing", client=client).retry()
