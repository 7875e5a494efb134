"""A plain function runs on a thread, and blocks neither the worker's loop nor another step."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from temporalio.client import WorkflowFailureError

from ..bench import Bench, cache_on
from ..waiting import until_logged
from . import jobs_retries
from .jobs_retries import meets_in_a_thread, threads, with_one_thread


async def test_plain_functions_run_at_the_same_time(bench: Bench) -> None:
    """Two `def` steps that wait for each other end, and a coroutine runs on the loop of the worker meanwhile."""
    assert await bench.run(threads) == [True, True, threading.current_thread().name]


@cache_on  # without one a local step is an ordinary one
async def test_a_local_step_beside_as_many_ordinary_ones_as_may_run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has a thread all the same: the two wait for each other, where one of each kind may run at once."""
    monkeypatch.setattr("terse_temporal.engine.limits.STEPS_AT_ONCE", 1)
    async with bench.worker(meets_in_a_thread):
        runs = [await bench.start_on_the_wall_clock(meets_in_a_thread, local=local) for local in (False, True)]
        assert [await bench.result(run) for run in runs] == [True, True]


async def test_no_thread_is_free(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A step without a thread has not begun: its timeout does not run, and cancelled it never begins."""
    monkeypatch.setattr("terse_temporal.engine.limits.STEPS_AT_ONCE", 1)
    monkeypatch.setattr("terse_temporal.engine.activity.runner.THREAD_PATIENCE", timedelta(seconds=0.5))
    monkeypatch.setattr("terse_temporal.engine.activity.runner.ANOTHER_WORKERS", timedelta(milliseconds=200))
    monkeypatch.setattr("terse_temporal.execution.invocation._WAITS_AFTER", 0.2)
    jobs_retries.gate.clear()
    async with bench.worker(with_one_thread):
        # Their steps time out, and go on in their threads: one for ordinary steps, and one for local ones.
        for _ in range(2):
            holds = await bench.start_on_the_wall_clock(with_one_thread, step="holds")
            assert await bench.result(holds) == "StepTimeoutError"
        paid = await bench.start_on_the_wall_clock(with_one_thread, step="pays")
        given_up = await bench.start_on_the_wall_clock(with_one_thread, step="never")
        await until_logged(caplog, "threads for steps")
        await given_up.cancel()
        with pytest.raises(WorkflowFailureError):
            await bench.result(given_up)
        jobs_retries.gate.set()
        assert await bench.result(paid) == "done"
    assert sorted(bench.effects.lines()) == ["holds", "holds", "pays"]
    messages = [record.getMessage() for record in caplog.records if "threads for steps" in record.getMessage()]
    assert len(messages) == 1
