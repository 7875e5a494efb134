"""What a job is to do when its handler has not ended well is part of the run, which then ends as it would have."""

from __future__ import annotations

import asyncio

import pytest

from ..bench import Bench, Run, cache_on, scheduled, timers
from .jobs_run_ends import ends, ends_in_any_time, ends_in_place
from .test_cancellation import ends_cancelled

TOLD = {
    "raises": "Declined: by hand [None]",
    "step": "Declined: by the bank [charge]",
    "after a step": "KeyError: 'no other card' [None]",
    "while handling": "KeyError: 'no other card' [charge]",
    "in a group": "ExceptionGroup: unhandled errors in a TaskGroup: Declined: by the bank [charge]",
}


async def test_it_is_told_what_has_failed(bench: Bench) -> None:
    """By its class, its text, and the step that it came of; the run ends with the failure that it had."""
    async with bench.worker(ends_in_any_time):
        runs = {how: await bench.start(ends_in_any_time, how=how) for how in TOLD}
        for how, run in runs.items():
            failure = await bench.failure(run)
            told = TOLD[how].rpartition(" [")[0]
            assert f"{failure.type}: {failure.message}" == told
            assert (await scheduled(run))[-5:] == ["note", "told", "decline", "note", "ends.page"]
    counted = bench.effects.counted()
    assert [counted[each] for each in TOLD.values()] == [1] * len(TOLD)
    assert counted["a group in it fails by itself"] == len(TOLD)


async def cancelled_while_it_waits(bench: Bench, how: str, reason: str = "") -> Run:
    # A step keeps the time of the run from being skipped.
    run = await bench.start(ends_in_any_time, how=how)
    async with asyncio.timeout(20):
        while "waits" not in bench.effects.lines():  # noqa: ASYNC110  # it is told by a file
            await asyncio.sleep(0.02)
    await run.cancel(reason=reason)
    return run


async def test_cancelled_by_hand(bench: Bench) -> None:
    """The handler cleans up first; the run ends as cancelled."""
    async with bench.worker(ends_in_any_time):
        await ends_cancelled(bench, await cancelled_while_it_waits(bench, "waits"))
    assert bench.effects.lines() == [
        *("waits", "step cancelled", "cleanup"),
        "RunCancelledError: the run was cancelled [None]",
        "a group in it fails by itself",
    ]


async def test_it_fails_itself(bench: Bench) -> None:
    """Then the run's failure says both, with the lines; of a run that was cancelled too, which then has failed."""
    async with bench.worker(ends_in_any_time):
        failure = await bench.failure(await bench.start(ends_in_any_time, how="step and again"))
        cancelled = await bench.failure(await cancelled_while_it_waits(bench, "waits and again", "not wanted"))
    assert failure.type == cancelled.type == "Declined"
    for each, first in ((failure, "by the bank"), (cancelled, "the run was cancelled: not wanted")):
        assert each.message.startswith(f"{first}; and its on_failure (tests/engine/jobs_run_ends.py:")
        assert each.message.endswith("Declined: by the pager")
        assert each.message.count("tests/engine/jobs_run_ends.py:") == 2


@cache_on
async def test_not_asked(bench: Bench) -> None:
    """Where the handler never began: an event that does not fit, a filter that says no; nor where it ends well."""
    async with bench.worker(ends):
        failed = await bench.start_raw(ends, [1])
        skipped = await bench.start(ends, how="skipped")
        went_well = await bench.start(ends, how="returns")
        continued = await bench.start(ends, how="continues")
        assert (await bench.failure(failed)).type == "EventError"
        assert await bench.result(skipped) == {"skipped": "filter"}
        assert [await bench.result(went_well), await bench.result(continued)] == ["returned", "returned"]
        for run in (failed, skipped):
            assert [await scheduled(run), await timers(run)] == [[], []]
    assert bench.effects.counted() == {"first": 1, "cleanup": 2}


async def test_a_run_that_leaves_the_cache(bench: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    """Ends its handler there, and has not failed."""
    async with bench.worker(ends_in_any_time):
        assert await bench.result(await bench.start(ends_in_any_time, how="only sleeps")) == "returned"
        left = await bench.start_on_the_wall_clock(ends_in_any_time, how="only sleeps")
        async with asyncio.timeout(20):
            while not await timers(left):  # noqa: ASYNC110  the server tells of no timers
                await asyncio.sleep(0.02)
    assert "on_failure" not in capfd.readouterr().out
    await left.terminate()


@cache_on
async def test_of_a_job_that_is_not_durable(bench: Bench) -> None:
    """It is an activity of its own, attempted once, and may be a plain `def`."""
    async with bench.worker(ends_in_place):
        run = await bench.start(ends_in_place)
        failure = await bench.failure(run)
        assert await scheduled(run) == ["ends-in-place", "ends-in-place.on_failure"]
        again = await bench.start(ends_in_place, again=True)
        both = await bench.failure(again)
    assert f"{failure.type}: {failure.message}" == "Declined: by hand"
    assert bench.effects.lines() == ["runs", "Declined: by hand [None]"] * 2
    assert both.type == "Declined"
    assert both.message.startswith("by hand; and its on_failure (tests/engine/jobs_run_ends.py:")
    assert both.message.endswith("KeyError: 'the pager'")
