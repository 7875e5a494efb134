"""A run whose code changed, or whose job is gone, waits, the worker says why once, and it ends when that is back."""

from __future__ import annotations

import asyncio
import importlib

import pytest

from terse_temporal import Job
from terse_temporal.jobs.registry import collecting

from ..bench import Bench, Run, timers
from ..waiting import until, until_logged
from .jobs_small import keeps_globals


def job_of(module: str) -> Job:
    """One of several jobs with the same name, each in a module of its own, as one deploy after another has them."""
    with collecting():
        found: Job = importlib.import_module(f"tests.engine.jobs_{module}").job
    return found


async def asleep(bench: Bench) -> Run:
    """A run that has its first step behind it, and sleeps, and of which no worker is there."""
    async with bench.worker(job_of("before")):
        run = await bench.start_on_the_wall_clock("renewed")
        async with asyncio.timeout(20):
            while not await timers(run):  # noqa: ASYNC110  # the server tells of no timers
                await asyncio.sleep(0.02)
    return run


async def said(caplog: pytest.LogCaptureFixture, text: str, run: Run) -> list[str]:
    """What workers have said with a string in it, when the run's workflow task has failed once more than that."""
    await until_logged(caplog, text)

    async def failed_again() -> bool:
        return (await run.describe()).raw_description.pending_workflow_task.attempt >= 3

    await until(failed_again, "the third attempt of the workflow task")
    return [each.getMessage() for each in caplog.records if text in each.getMessage()]


async def wake(run: Run) -> None:
    """Give the run a workflow task, as the end of its sleep would."""
    await run.signal("wake")


async def test_code_that_does_not_fit(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """The run is blocked, with recorded and now side by side, the step and its line; it ends when the code is back."""
    run = await asleep(bench)
    async with bench.worker(job_of("after")):
        await wake(run)
        told = await said(caplog, "its history does not fit", run)
    assert len(told) == 1
    message = told[0]
    assert f"run   {run.id}  renewed waits: its history does not fit the code of this worker" in message
    lines = [" ".join(line.split()) for line in message.splitlines()]
    assert "recorded now" in lines
    assert any(
        line.startswith("> 1 step charge (event 5) step check (tests/engine/jobs_after.py:13)") for line in lines
    ), message
    assert "cannot be changed, moved or taken away" in message
    assert f"temporal workflow terminate --workflow-id {run.id}" in message
    assert (await run.describe()).status is not None
    assert bench.effects.lines() == ["first"]

    async with bench.worker(job_of("before")):
        await bench.env.skip(run, "3d")
        assert await bench.result(run) == "last"
    assert bench.effects.lines() == ["first", "last"]


async def test_code_that_fits(bench: Bench) -> None:
    """What comes after what a run has behind it may be changed, and so may the length of a sleep."""
    run = await asleep(bench)
    async with bench.worker(job_of("extended")):
        await bench.env.skip(run, "3d")
        assert await bench.result(run) == "other"
    assert bench.effects.lines() == ["first", "other"]


async def test_a_job_that_is_gone(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """A run of a job that the worker does not have waits, and the worker says so once; it ends when the job is back."""
    run = await asleep(bench)
    async with bench.worker(keeps_globals):
        await bench.env.skip(run, "3d")
        told = await said(caplog, "this worker has no job 'renewed'", run)
    told = [message for message in told if message.startswith("run   ")]
    assert len(told) == 1
    for name in (run.id, "it has keeps-globals", "The run waits", bench.task_queue, "temporal workflow terminate"):
        assert name in told[0]
    async with bench.worker(job_of("before")):
        assert await bench.result(run) == "last"
    assert bench.effects.lines() == ["first", "last"]
