"""A cancelled run cancels its step and waits for it, runs the steps of its `finally`, and ends as cancelled."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.exceptions import CancelledError

from terse_temporal import Job

from ..bench import Bench, Run, timers
from .jobs_parallel import (
    cancelled,
    cancelled_in_a_sleep,
    cancelled_in_a_thread,
    cancelled_plain,
    cancelled_repeatedly,
    survives,
)


async def cancelled_after(bench: Bench, job: Job, effect: str) -> Run:
    """A run that was cancelled as soon as an effect was there."""
    run = await bench.start(job)
    async with asyncio.timeout(20):
        while effect not in bench.effects.lines():  # noqa: ASYNC110  # it is told by a file
            await asyncio.sleep(0.02)
    await run.cancel()
    return run


async def ends_cancelled(bench: Bench, run: Run) -> None:
    with pytest.raises(WorkflowFailureError) as caught:
        await bench.result(run)
    assert isinstance(caught.value.cause, CancelledError)
    assert (await run.describe()).status is WorkflowExecutionStatus.CANCELED


async def test_in_a_step(bench: Bench) -> None:
    """The step is cancelled and has ended before the `finally` of the handler runs its own."""
    async with bench.worker(cancelled):
        await ends_cancelled(bench, await cancelled_after(bench, cancelled, "begin slow"))
    assert bench.effects.lines() == ["begin slow", "cancelled slow", "begin cleanup", "end cleanup"]


async def test_in_a_thread(bench: Bench) -> None:
    """A `def` step cannot be stopped, so it is waited for."""
    async with bench.worker(cancelled_in_a_thread):
        await ends_cancelled(bench, await cancelled_after(bench, cancelled_in_a_thread, "begin block"))
    assert bench.effects.lines() == ["begin block", "end block", "begin cleanup", "end cleanup"]


async def test_between_steps(bench: Bench) -> None:
    """A run that waits is cancelled at once."""
    async with bench.worker(cancelled_in_a_sleep):
        run = await bench.start_on_the_wall_clock(cancelled_in_a_sleep)
        async with asyncio.timeout(20):
            while not await timers(run):  # noqa: ASYNC110  # the server tells of no timers
                await asyncio.sleep(0.02)
        await run.cancel()
        await ends_cancelled(bench, run)
    assert bench.effects.lines()[-2:] == ["begin cleanup", "end cleanup"]


async def test_caught_the_run_goes_on(bench: Bench) -> None:
    """A handler that catches the cancellation goes on, and its run completes."""
    async with bench.worker(survives):
        run = await cancelled_after(bench, survives, "begin slow")
        assert await bench.result(run) == "went on"
    assert bench.effects.lines() == ["begin slow", "cancelled slow", "begin cleanup", "end cleanup"]


async def test_a_job_that_is_not_durable(bench: Bench) -> None:
    """It is cancelled too, and ends as cancelled."""
    async with bench.worker(cancelled_plain):
        await ends_cancelled(bench, await cancelled_after(bench, cancelled_plain, "begin plain"))
    assert bench.effects.lines() == ["begin plain", "cancelled plain"]


async def test_cancelled_again_while_it_waits(bench: Bench) -> None:
    """However often a task is cancelled, by itself or by a scope of anyio, its step has ended before it goes on."""
    async with bench.worker(cancelled_repeatedly):
        run = await bench.start_on_the_wall_clock(cancelled_repeatedly)
        assert await bench.result(run) == "cancelled, moved on"
    assert bench.effects.lines() == [
        *("begin task", "cancelled task", "begin clean task", "end clean task"),
        *("begin scope", "cancelled scope", "begin clean scope", "end clean scope"),
    ]
