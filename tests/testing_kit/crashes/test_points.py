"""A worker process is killed exactly at the point that was asked for, once, and the run goes on in another."""

from __future__ import annotations

import asyncio
import os

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError

from terse_temporal.errors import CrashTestError
from terse_temporal.testing.crashes import CrashPoint, Moment

from .conftest import Bench


@pytest.mark.parametrize(("moment", "times"), [("before", 1), ("after_effect", 2), ("after_record", 1)])
async def test_effects_of_a_step(bench: Bench, moment: Moment, times: int) -> None:
    """Killed before it or after it is recorded a step has one effect; killed in between two, with one key."""
    point = CrashPoint("left", moment)
    async with bench.workers("crs-parallel", point) as workers:
        run = await bench.start("crs-parallel")
        workers.watch(run)
        await workers.result(run)
        (crash,) = workers.crashes
        assert crash.workflow_id == run.id
        (crashed,) = [each for each in workers.executions if (each.name, each.occurrence) == ("left", 1)]
    assert len(crashed.begun) == len(crashed.ended) == times
    assert len(crashed.keys) == 1
    effects = [name for name, key in bench.happened() if key in crashed.keys]
    assert effects == ["left"] * times
    assert {name for name, _ in bench.happened()} == {"left", "right"}


async def test_occurrence(bench: Bench) -> None:
    """`occurrence` counts steps of a name, not attempts of one; and a point is met once."""
    points = [CrashPoint("flaky", "before"), CrashPoint("flaky", "after_effect")]
    assert await bench.result("crs-retry", *points) == "in the end, and DeclinedError 402"
    # One attempt fails; the next is killed when it has ended, and the third is the last. The one killed before is none.
    # Lost attempts count, so the first that began was the second.
    assert [name for name, _ in bench.happened()] == ["flaky", "flaky", "decline"]


@pytest.mark.parametrize("moment", ["after_effect", "after_record"])
async def test_step_that_fails(bench: Bench, moment: Moment) -> None:
    """A step whose function raised for good has ended too, and its failure is what the run sees."""
    with pytest.raises(WorkflowFailureError) as failed:
        await bench.result("crs-failing", CrashPoint("decline", moment))
    assert isinstance(failed.value.cause, ApplicationError)
    assert (failed.value.cause.type, failed.value.cause.message) == ("DeclinedError", "declined: no money")
    assert len(bench.happened()) == {"after_effect": 2, "after_record": 1}[moment]


async def test_local_step(bench: Bench) -> None:
    """The turn of the handler that a local step is part of is given up at once; and there is no point behind it."""
    async with bench.workers("crs-local", CrashPoint("stock", "after_effect")) as workers:
        run = await bench.start("crs-local")
        await workers.result(run)
        assert len(workers.crashes) == 1
    kinds = {event.event_type for event in (await run.fetch_history()).events}
    assert EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED in kinds
    assert EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT not in kinds
    with pytest.raises(CrashTestError, match="'price' is a local step"):
        await bench.result("crs-local", CrashPoint("price", "after_record"))


async def test_at_most_once(bench: Bench) -> None:
    """A step with `on_interrupt="fail"` is not run again, and the handler is told as if its worker had been lost."""
    point = CrashPoint("transfer", "after_effect")
    async with bench.workers("crs-at-most-once", point) as workers:
        run = await bench.start("crs-at-most-once")
        workers.watch(run)
        assert "its worker was lost (no sign of life for some seconds)" in await workers.result(run)
        (transfer,) = workers.executions
    assert transfer.begun == [1]
    assert len(bench.happened()) == 1


async def test_not_durable(bench: Bench) -> None:
    """A job that is not durable fails when it is interrupted, and is not run again."""
    with pytest.raises(WorkflowFailureError) as failed:
        await bench.result("crs-plain", CrashPoint("crs-plain", "after_effect"))
    assert "It is not durable, so it runs once" in str(failed.value.cause)
    assert bench.effects.lines() == ["plain"]


async def test_at_most_once_and_not_begun(bench: Bench) -> None:
    """What runs at most once, and had not begun when its worker was killed, is run by the next one."""
    assert await bench.result("crs-at-most-once", CrashPoint("transfer", "before")) == "transfer"
    assert len(bench.happened()) == 1
    assert await bench.result("crs-plain", CrashPoint("crs-plain", "before")) == "done"
    assert bench.effects.lines()[1:] == ["plain"]


async def test_asleep(bench: Bench) -> None:
    """A run whose worker is killed while it sleeps wakes up in another, and repeats nothing."""
    point = CrashPoint("", "asleep")
    async with bench.workers("crs-order", point) as workers:
        run = await bench.start("crs-order")
        workers.watch(run)
        await workers.crashed(point)
        assert [name for name, _ in bench.happened()] == ["reserve", "charge"]
        await bench.skip(run, None)
        await workers.result(run)
    assert [name for name, _ in bench.happened()] == ["reserve", "charge", "ship", "crs.notify"]


async def test_state(bench: Bench) -> None:
    """An atomic update of a job's state whose worker dies after it counts once."""
    points = [CrashPoint("state.update", "after_effect"), CrashPoint("ship", "after_record")]
    assert await bench.result("crs-counted", points[1], points[0]) == 1
    assert await bench.result("crs-counted") == 2


async def test_each_process_orders_sets_otherwise(bench: Bench) -> None:
    """An order that hangs on a set is another after a crash, and that is told at once, with what was recorded."""
    with pytest.raises(CrashTestError, match="An order that hangs on a set") as told:
        await bench.result("crs-by-a-set", *(CrashPoint(name, "after_record") for name in ("ada", "hal")))
    assert "its history does not fit the code" in str(told.value)


async def test_cache_at_zero(bench: Bench) -> None:
    """Options of the worker reach its processes; a run that is replayed at each turn is killed and goes on as well."""
    point = CrashPoint("right", "after_record", 2)
    async with bench.workers("crs-parallel", point, options={"max_cached_workflows": 0}) as workers:
        run = await bench.start("crs-parallel")
        assert await workers.result(run) == ["left", "right", "right"]
        assert [crash.point for crash in workers.crashes] == [point]
    assert len({key for _, key in bench.happened()}) == 3


async def test_nothing_is_left(bench: Bench) -> None:
    """When the block ends, so do the processes."""
    point = CrashPoint("ship", "before")
    async with bench.workers("crs-counted", point) as workers:
        run = await bench.start("crs-counted")
        crash = await workers.crashed(point)
        assert workers._process is not None
        pids = {crash.pid, workers._process.pid}
        assert len(pids) == 2
        async with asyncio.timeout(60):
            assert await workers.result(run) == 1
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_points_are_checked() -> None:
    """A moment that there is not, and an occurrence before the first, are refused."""
    with pytest.raises(CrashTestError, match="'afterwards' 'charge': choose one of 'before', 'after_effect'"):
        CrashPoint("charge", "afterwards")  # type: ignore[arg-type]  # that is the point
    with pytest.raises(CrashTestError, match="the first one is 1"):
        CrashPoint("charge", "before", 0)
