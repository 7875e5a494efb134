"""A run that a durable handler starts is a child run: started once, failing as itself, ended with its parent."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.exceptions import CancelledError

from terse_temporal import Job
from terse_temporal.engine.replay.replayer import replay
from terse_temporal.engine.wire.history import RunHistory
from terse_temporal.engine.wire.records import ChildRecord
from terse_temporal.engine.workflow import child_runs
from terse_temporal.serialization.wire_names import RUN_RESULT

from ..bench import Bench, Run, cache_on, timers
from . import jobs_calling as calling

ALL = [each for each in vars(calling).values() if isinstance(each, Job)]


async def run(bench: Bench, job: Job, **event: Any) -> Any:
    async with bench.worker(*ALL):
        run = await bench.start(job, **event)
        result = await bench.result(run)
    await fits(run)
    return result


async def fits(run: Run) -> None:
    """Its history fits the code that has written it."""
    async for each in replay(ALL, [await run.fetch_history()]):
        assert each.failure is None, each.failure


async def until(bench: Bench, effect: str) -> None:
    async with asyncio.timeout(20):
        while effect not in bench.effects.lines():  # noqa: ASYNC110  # it is told by a file
            await asyncio.sleep(0.02)


async def test_each_way_to_start(bench: Bench) -> None:
    """Runs are started once each, results come in the type of the handler's annotation, and a key finds the run."""
    async with bench.worker(*ALL):
        run = await bench.start(calling.calls_all)
        result = await bench.result(run)
    assert result == [
        {"id": "run", "amount": 5},
        {"id": "started", "amount": 1},
        {"id": "by name", "amount": 1},
        {"id": "keyed", "amount": 1},
        {"id": "keyed", "amount": 1},
        True,
    ]
    assert bench.effects.counted() == {f"charge {name}": 1 for name in ("run", "started", "by name", "keyed")}
    children = RunHistory((await run.fetch_history()).events).children
    assert [each.was_there for each in children] == [False, False, False, False, True]
    assert all(each.workflow_id.startswith("calls-charge") for each in children)
    await fits(run)


async def test_where_the_id_was_used_before(bench: Bench) -> None:
    """Attached to, refused, or started anew, as `if_exists` says; and of another job it is refused."""
    found = await run(bench, calling.calls_existing, id=f"taken-{uuid.uuid4()}")
    assert found[:2] == ["existing", True]
    assert "is already there, of 'calls-charge'" in found[2]
    assert found[3] == "again"
    assert bench.effects.counted() == {"charge existing": 1, "charge again": 1}


async def test_failures(bench: Bench) -> None:
    """What the child raised reaches the handler as its class, and as a `RunFailedError` that says of which run."""
    found = await run(bench, calling.calls_failing)
    assert found[2] == ["caught"]
    assert found[:2] == [
        ["no a", "calls-decline", "Declined", True, True],
        ["no a", "calls-decline-plainly", "Declined", True, True],
    ]


async def test_refused(bench: Bench) -> None:
    """What cannot be is refused before anything is recorded, with the line of the call where the event is wrong."""
    async with bench.worker(*ALL):
        started = await bench.start(calling.calls_refused)
        wrong, both, client, status, terminate = await bench.result(started)
    assert wrong.startswith("EventError: the input of the job 'calls-charge' (")
    assert "jobs_calling.py" in wrong.partition("started at")[2]
    assert both.startswith("StartError: ")
    assert client.startswith("InPlaceOnlyError: client= was given")
    assert status.startswith("InPlaceOnlyError: status() was called in the handler of a durable job")
    assert terminate.startswith("InPlaceOnlyError: terminate() was called")
    assert RunHistory((await started.fetch_history()).events).commands == []


@cache_on
async def test_a_job_that_starts_itself(bench: Bench) -> None:
    """It comes to an end, with an error that says where, and what to do instead."""
    async with bench.worker(*ALL):
        failure = await bench.failure(await bench.start(calling.calls_itself))
    assert failure.type == "RunDepthError"
    assert "has 20 runs above it" in failure.message
    assert "jobs_calling.py" in failure.message
    assert len(bench.effects.counted()) == 21


async def test_cancelled_with_its_parent(bench: Bench) -> None:
    """A run that is waited for has ended before the handler's `finally` goes on, and the run ends as cancelled."""
    async with bench.worker(*ALL):
        run = await bench.start_on_the_wall_clock(calling.calls_and_waits)
        await until(bench, "begin a")
        await run.cancel()
        with pytest.raises(WorkflowFailureError) as caught:
            await bench.result(run)
    assert isinstance(caught.value.cause, CancelledError)
    assert bench.effects.lines() == ["begin a", "cancelled a", "cleanup"]
    await fits(run)


async def test_races(bench: Bench) -> None:
    """A task that loses a race, comes to a timeout or is ended by its group cancels the run that it waits for."""
    async with bench.worker(*ALL):
        run = await bench.start_on_the_wall_clock(calling.calls_racing)
        assert await bench.result(run) == ["timed out", "1 done", "group failed"]
    names = ("timeout", "loser", "in a group")
    assert bench.effects.lines() == [
        *(f"{what} {each}" for each in names for what in ("begin", "cancelled")),
        "all over",
    ]
    assert [each.outcome for each in RunHistory((await run.fetch_history()).events).children] == ["cancelled"] * 3
    await fits(run)


@cache_on
@pytest.mark.parametrize("how", ["returns", "fails", "is cancelled", "is terminated"])
async def test_what_is_started_goes_on(bench: Bench, how: str) -> None:
    """However the run ends that has started it."""
    number = ["returns", "fails", "is cancelled", "is terminated"].index(how) + 1
    async with bench.worker(*ALL):
        run = await bench.start_on_the_wall_clock(calling.calls_and_ends, amount=number)
        await until(bench, "begin a")
        if how == "is cancelled":
            await run.cancel()
        elif how == "is terminated":
            await run.terminate()
        if how == "returns":
            await bench.result(run)
        else:
            with pytest.raises(WorkflowFailureError):
                await bench.result(run)
        (child,) = RunHistory((await run.fetch_history()).events).children
        handle = bench.env.client.get_workflow_handle(child.workflow_id)
        assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
        await handle.terminate()


async def test_cancelled_by_the_handler(bench: Bench) -> None:
    """`cancel` ends the run, `result` says so or that its own time is up; a run that has ended is left as it is."""
    async with bench.worker(*ALL):
        run = await bench.start_on_the_wall_clock(calling.calls_cancelling)
        said, ended = await bench.result(run)
    assert "is not over after 100 milliseconds; it goes on" in said
    assert ended[0].endswith("of the job 'calls-slow' was cancelled")
    assert ended[1] == "calls-slow"
    assert bench.effects.lines() == ["begin a", "cancelled a"]
    await fits(run)


async def test_a_delay(bench: Bench) -> None:
    """The run sleeps before it begins, and the handler that has started it goes on at once."""
    async with bench.worker(*ALL):
        parent = await bench.start(calling.calls_later)
        child = bench.env.client.get_workflow_handle(await bench.result(parent))
    assert await timers(child) == [7200.0]
    assert await timers(parent) == []
    # Its time is skipped, so it may be done first.
    assert sorted(bench.effects.lines()) == ["charge a", "started"]
    await fits(child)


async def test_a_map(bench: Bench) -> None:
    """Results in the order of the events; failures in the list or as a group, after which nothing more is started."""
    all_well, found = await run(bench, calling.calls_map)
    assert all_well == list(range(7))
    assert found == ["yes 0", "no 1", "yes 2", "no 3", ["no 1"], "does not fit"]
    assert bench.effects.counted()["either 2"] == 1
    assert bench.effects.counted()["either 1"] == 2


@cache_on
async def test_nobody_takes_it(bench: Bench) -> None:
    """A run on a task queue without workers waits, and so does the run that waits for it."""
    async with bench.worker(*ALL):
        run = await bench.start_on_the_wall_clock(calling.calls_nobody)
        children: list[ChildRecord] = []
        async with asyncio.timeout(60):
            while not (children and children[0].run_id):
                await asyncio.sleep(0.05)
                children = RunHistory((await run.fetch_history()).events).children
        assert children[0].outcome == "open"
        await run.terminate()
        await bench.env.client.get_workflow_handle(children[0].workflow_id).terminate()


async def test_after_a_reset(bench: Bench) -> None:
    """What had been started before is found again, whether it has ended or not, and nothing is started twice."""
    async with bench.worker(*ALL):
        run = await bench.start(calling.calls_all)
        result = await bench.result(run)
        again = await reset(bench, run)
        assert await bench.result(again) == result
    assert set(bench.effects.counted().values()) == {1}
    await fits(again)


async def test_cancelled_before_a_reset(bench: Bench) -> None:
    """A run that is waited for, and is still ending since its parent has ended, is started anew when it has."""
    async with bench.worker(*ALL):
        run = await bench.start_on_the_wall_clock(calling.calls_lingering)
        await until(bench, "begin")
        await run.terminate()
        await until(bench, "cancelled")
        again = await reset(bench, run)
        assert await bench.result(again) == "ended"
    assert bench.effects.lines() == ["begin", "cancelled", "begin"]
    await fits(again)


async def test_cancelled_after_a_reset(bench: Bench) -> None:
    """A run of the handler's own, which goes on when its parent is reset, has ended before that goes on."""
    async with bench.worker(*ALL):
        run = await bench.start_on_the_wall_clock(calling.calls_and_waits)
        await until(bench, "begin a")
        again = await reset(bench, run)
        await follows(again)
        await again.cancel()
        with pytest.raises(WorkflowFailureError) as caught:
            await bench.result(again)
    assert isinstance(caught.value.cause, CancelledError)
    assert bench.effects.lines() == ["begin a", "cancelled a", "cleanup"]
    await fits(again)


async def test_cancelled_while_it_is_started_again(bench: Bench) -> None:
    """Likewise where the server has not said yet that it is there."""
    async with bench.worker(*ALL):
        run = await bench.start_on_the_wall_clock(calling.calls_quitting)
        await until(bench, "begin a")
        again = await reset(bench, run)
        assert await bench.result(again) == "quit"
    assert bench.effects.lines() == ["begin", "begin a", "begin", "cancelled a", "quit"]
    await fits(again)


async def test_of_somebody_else(bench: Bench) -> None:
    """A run that was there by its id, and is waited for, goes on when who waits is cancelled."""
    async with bench.worker(*ALL):
        theirs = await bench.start_on_the_wall_clock(calling.slow)
        await until(bench, "begin a")
        run = await bench.start_on_the_wall_clock(calling.calls_and_waits_by_id, id=theirs.id)
        await follows(run)
        await run.cancel()
        with pytest.raises(WorkflowFailureError):
            await bench.result(run)
        assert (await theirs.describe()).status is WorkflowExecutionStatus.RUNNING
        await theirs.terminate()
    await fits(run)


async def follows(run: Run) -> None:
    """Wait until a run follows another that was there before."""
    async with asyncio.timeout(20):
        while RUN_RESULT not in [  # noqa: ASYNC110  # nobody tells
            event.activity_task_scheduled_event_attributes.activity_type.name
            for event in (await run.fetch_history()).events
        ]:
            await asyncio.sleep(0.05)


async def reset(bench: Bench, run: Run) -> Run:
    """Reset a run to its first workflow task."""
    (first,) = [
        event.event_id
        for event in (await run.fetch_history()).events[:6]
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    ]
    client = bench.env.client
    answer = await client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=run.id, run_id=run.first_execution_run_id or ""),
            reason="a test",
            workflow_task_finish_event_id=first,
            request_id=str(uuid.uuid4()),
        )
    )
    return client.get_workflow_handle(run.id, run_id=answer.run_id)


@cache_on
async def test_how_many_are_open(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than the server allows for: further ones wait until one has ended."""
    monkeypatch.setattr(child_runs, "OPEN_CHILDREN", 2)
    async with bench.worker(*ALL):
        run = await bench.start(calling.calls_map)
        await bench.result(run)
    children = RunHistory((await run.fetch_history()).events).children[:7]
    open_at_once = [sum(other.event_id <= each.event_id < other.ended_by for other in children) for each in children]
    assert max(open_at_once) == 2
