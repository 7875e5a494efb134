"""A run that is retried goes on from the task that asked for what failed it, as its failure or its end says."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.api.common.v1 import Payloads
from temporalio.api.failure.v1 import ApplicationFailureInfo, Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.converter import DataConverter
from temporalio.exceptions import ActivityError, RetryState

from terse_temporal.engine.wire.history import RunHistory
from terse_temporal.engine.wire.reset_points import ResetPoint, cause_details, reset_point

from .test_reading_histories import event, timer


def scheduled(number: int, by: int) -> HistoryEvent:
    return event(number, "activity_task_scheduled", activity_id=str(number), workflow_task_completed_event_id=by)


def done(number: int) -> HistoryEvent:
    return event(number, "workflow_task_completed")


def failed(number: int, step: int) -> HistoryEvent:
    return event(number, "activity_task_failed", scheduled_event_id=step)


def ended(number: int, failure: Any = None) -> HistoryEvent:
    return event(number, "workflow_execution_failed", failure=failure or {"message": "no"})


def on_failure(number: int, by: int) -> HistoryEvent:
    marker = {"id": {"payloads": [{"data": b'"terse.on_failure.v1.0"'}]}}
    return event(
        number, "marker_recorded", marker_name="core_patch", details=marker, workflow_task_completed_event_id=by
    )


def of_step(number: int, cause: Any = None) -> dict[str, Any]:
    return {"message": "step", "activity_failure_info": {"scheduled_event_id": number}, "cause": cause}


#: Two steps that are asked for together in task 4, one of which fails before another is asked for, in task 9.
BEGUN = [done(4), scheduled(5, 4), scheduled(6, 4), failed(7, 5), done(9), scheduled(10, 9)]


async def found(*more: HistoryEvent) -> ResetPoint:
    return await reset_point(RunHistory([*BEGUN, *more]), DataConverter.default)


@pytest.mark.parametrize(
    ("more", "task", "causes", "told"),
    [
        ([failed(11, 10), done(12), ended(13, of_step(10))], 9, {10}, 12),
        ([done(12), ended(13, {"message": "a", "cause": of_step(5)})], 4, {5}, 9),
        ([done(12), ended(13, of_step(10, {"cause": of_step(5)}))], 9, {10}, 12),
        ([done(12), ended(13, {"child_workflow_execution_failure_info": {"initiated_event_id": 6}})], 4, {6}, 12),
        ([failed(11, 10), done(12), ended(13)], 9, {10}, 12),
        ([done(12), done(14), ended(15)], 14, set(), 14),
        ([done(12), ended(13, of_step(999))], 12, set(), 12),
        ([event(11, "workflow_execution_terminated")], 9, set(), 9),
    ],
    ids=["step", "cause", "of another run", "child", "just before", "by itself", "unknown", "terminated"],
)
async def test_the_point(more: list[HistoryEvent], task: int, causes: set[int], told: int) -> None:
    """The first step in the chain of causes; else what failed just before; else the last task."""
    point = await found(*more)
    assert (point.task, set(point.causes), point.told) == (task, causes, told)


async def test_not_what_comes_after_the_handler() -> None:
    """A step that failed in `on_failure` is not gone on with: the handler is, which begins that anew."""
    more = [on_failure(12, 11), scheduled(13, 11), failed(14, 13), done(16), ended(17, of_step(13))]
    point = await found(done(11), *more)
    assert (point.task, point.causes) == (11, frozenset())


async def test_out_of_time() -> None:
    """The task before the run's own timer fired, whatever its handler did then."""
    limit = timer(8, 30, summary=None)
    memo = {"fields": {"terse.timed_out.v1": {"data": b"true"}}}
    fired = event(12, "timer_fired", started_event_id=8)
    tidied = [scheduled(14, 13), failed(15, 14), done(16)]
    end = [event(17, "workflow_properties_modified", upserted_memo=memo), ended(18, of_step(14))]
    recorded = RunHistory([*BEGUN[:4], limit, *BEGUN[4:], fired, done(13), *tidied, *end])
    point = await reset_point(recorded, DataConverter.default)
    assert (point.task, point.causes) == (9, frozenset())


async def test_a_group_names_its_steps() -> None:
    """Each of them, however deep, and behind other exceptions; what names none has no details."""

    def step(number: int) -> ActivityError:
        return ActivityError(
            "step",
            scheduled_event_id=number,
            started_event_id=0,
            identity="",
            activity_type="",
            activity_id="",
            retry_state=RetryState.NON_RETRYABLE_FAILURE,
        )

    inner = ValueError("inner")
    inner.__cause__ = step(5)
    group = ExceptionGroup("some", [step(10), ExceptionGroup("more", [inner, KeyError("none")])])
    outer = RuntimeError("outer")
    outer.__cause__ = group
    assert cause_details(step(5)) == cause_details(ExceptionGroup("none", [ValueError()])) == []
    (details,) = cause_details(outer)
    payloads = await DataConverter.default.encode([{"step": "", "error": "x"}, details])
    failure = Failure(
        message="some", application_failure_info=ApplicationFailureInfo(details=Payloads(payloads=payloads))
    )
    point = await found(done(12), ended(13, failure))
    assert (point.task, point.causes) == (4, frozenset([5, 10]))
