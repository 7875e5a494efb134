"""A run that is over its timeout is cancelled, cleans up, and fails, whatever its handler makes of that."""

from __future__ import annotations

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest

from terse_temporal.engine.wire.history import RunHistory
from terse_temporal.engine.workflow.nondeterminism import recorded_calls
from terse_temporal.serialization.wire_names import TIMED_OUT_MEMO

from ..bench import Bench, cache_on, timers
from .jobs_run_ends import ends, ends_after_a_reset, ends_in_any_time, ends_in_place_in_time, ends_in_time, retries

SAID = {
    "sleeps": "was cancelled at tests/engine/jobs_run_ends.py:",
    "swallows": "returned all the same",
    "raises in finally": "raised KeyError: 'in finally' (tests/engine/jobs_run_ends.py:",
}


@pytest.mark.parametrize("how", SAID)
async def test_over_its_timeout(bench: Bench, how: str) -> None:
    """The failure says so, and where the handler was; its memo tells it without the history."""
    async with bench.worker(ends_in_time):
        run = await bench.start(ends_in_time, how=how)
        failure = await bench.failure(run)
        assert await (await run.describe()).memo_value(TIMED_OUT_MEMO) is True
    assert failure.type == "RunTimeoutError"
    assert "over the timeout of the job 'ends-in-time' (tests/engine/jobs_run_ends.py:" in failure.message
    assert f"1 hour: its handler {SAID[how]}" in failure.message
    assert bench.effects.lines() == ["cleanup"]
    # Its timer is none of the handler's sleeps.
    history = RunHistory((await run.fetch_history()).events)
    assert [timer.duration.total_seconds() for timer in history.timers] == [3600, 30 * 86_400]
    assert [each.kind for each in recorded_calls(history)] == ["sleep", "step"]


async def test_what_is_done_then(bench: Bench) -> None:
    """The job's `on_failure` is told, and not held to the time that is over."""
    async with bench.worker(ends):
        failure = await bench.failure(await bench.start(ends, how="sleeps"))
    assert failure.type == "RunTimeoutError"
    first, second, _ = bench.effects.lines()
    assert first == "cleanup"
    assert second == f"RunTimeoutError: {failure.message} [None]"


@cache_on
async def test_in_time(bench: Bench) -> None:
    """A run that ends in its time ends as ever, and takes the timer back; without a timeout there is none."""
    async with bench.worker(ends_in_time, ends_in_any_time):
        late = await bench.start(ends_in_time, how="returns late")
        assert await bench.result(late) == "returned"
        assert [timer.outcome for timer in RunHistory((await late.fetch_history()).events).timers] == [
            *("cancelled", "completed")
        ]
        free = await bench.start(ends_in_any_time, how="returns")
        assert await bench.result(free) == "returned"
        assert await timers(free) == []


async def test_reset(bench: Bench) -> None:
    """A run that is reset has all of its time again, though the server fires the timer when it would have."""
    client = bench.env.client
    async with bench.worker(ends_after_a_reset):
        run = await bench.start_on_the_wall_clock(ends_after_a_reset)
        assert (await bench.failure(run)).type == "Declined"
        events = (await run.fetch_history()).events
        tasks = [each.event_id for each in events if each.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED]
        await client.workflow_service.reset_workflow_execution(
            ResetWorkflowExecutionRequest(
                namespace=client.namespace,
                workflow_execution=WorkflowExecution(workflow_id=run.id, run_id=run.result_run_id or ""),
                reason="a test",
                workflow_task_finish_event_id=tasks[1],
                request_id="a test",
            )
        )
        assert await bench.result(client.get_workflow_handle(run.id)) == "in time"
    assert (await timers(client.get_workflow_handle(run.id)))[:2] == [1.5, 1]
    assert len(await timers(client.get_workflow_handle(run.id))) == 4


@cache_on
async def test_of_a_job_that_is_not_durable(bench: Bench) -> None:
    """It is cancelled as well, and its `finally` runs."""
    async with bench.worker(ends_in_place_in_time):
        failure = await bench.failure(await bench.start_on_the_wall_clock(ends_in_place_in_time))
    assert failure.type == "RunTimeoutError"
    assert bench.effects.lines() == ["waits", "step cancelled"]


async def test_a_rule_for_all_steps(bench: Bench) -> None:
    """`create_job(retry=)` is for the steps that say nothing of their own."""
    assert await bench.run(retries) == [3, 3, "not yet", "not yet"]
    assert bench.effects.lines() == [f"step {attempt}" for attempt in (1, 2, 3, 1, 2, 3, 1, 1, 2)]
