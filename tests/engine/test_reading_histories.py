"""What the events of a history tell in pieces stands together, and what is not known is passed over."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType, StartChildWorkflowExecutionFailedCause, WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory

from terse_temporal.engine.wire.history import RunHistory
from terse_temporal.engine.wire.records import ChildRecord, StepRecord, TimerRecord
from terse_temporal.engine.workflow.nondeterminism import recorded_calls
from terse_temporal.runs.timeline import Timeline

GOLDEN = Path(__file__).parent / "golden" / "golden-onboarding.json"
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def event(number: int, kind: str, *, sdk_summary: bytes | None = None, **attributes: Any) -> HistoryEvent:
    """An event of a kind, with its attributes, that many seconds after the beginning."""
    made = HistoryEvent(
        event_id=number,
        event_type=EventType.Value(f"EVENT_TYPE_{kind.upper()}"),
        **{f"{kind}_event_attributes": attributes},  # type: ignore[arg-type]  # by the name of the kind
    )
    made.event_time.FromDatetime(BEGAN + timedelta(seconds=number))
    if sdk_summary is not None:
        made.user_metadata.summary.CopyFrom(Payload(data=sdk_summary))
    return made


def step(number: int, name: str) -> HistoryEvent:
    return event(number, "activity_task_scheduled", activity_id=str(number), activity_type={"name": name})


def timer(number: int, days: int, *, summary: bytes | None = b'"sleep"') -> HistoryEvent:
    return event(
        number, "timer_started", timer_id=str(number), start_to_fire_timeout=timedelta(days=days), sdk_summary=summary
    )


def test_a_recorded_run() -> None:
    """Steps and sleeps of a run come in their order, with the attempts and the end of each."""
    history = RunHistory(WorkflowHistory.from_json("golden", GOLDEN.read_text()).events)
    assert history.started is not None
    assert history.ended is not None
    assert history.run_id == history.started.original_execution_run_id
    assert history.began is not None
    assert history.clock is not None
    assert [(each.name, each.outcome, each.attempt) for each in history.steps] == [
        ("welcome", "completed", 1),
        ("create order", "completed", 1),
        ("charge", "completed", 2),
        ("decline", "failed", 1),
        ("<lambda>", "completed", 1),
    ]
    assert [(each.duration, each.outcome) for each in history.timers] == [(timedelta(days=3), "completed")]
    assert history.commands.index(history.timers[0]) == 4


def test_a_step_that_is_tried_again() -> None:
    """The attempt that ended is told, with the failure of the one before it; until then none has been recorded."""
    history = RunHistory([step(1, "charge")])
    (charge,) = history.steps
    assert (charge.attempt, charge.outcome, charge.failure) == (0, "open", None)
    failed = {"message": "no connection"}
    assert (
        history.add(event(2, "activity_task_started", scheduled_event_id=1, attempt=3, last_failure=failed)) is charge
    )
    assert history.add(event(3, "activity_task_completed", scheduled_event_id=1)) is charge
    assert (charge.attempt, charge.outcome) == (3, "completed")
    assert charge.failure is not None
    assert charge.failure.message == "no connection"
    assert charge.ended == BEGAN + timedelta(seconds=3)


@pytest.mark.parametrize(
    ("kind", "named", "outcome"),
    [
        ("activity_task_failed", "scheduled_event_id", "failed"),
        ("activity_task_timed_out", "scheduled_event_id", "failed"),
        ("activity_task_canceled", "scheduled_event_id", "cancelled"),
        ("timer_fired", "started_event_id", "completed"),
        ("timer_canceled", "started_event_id", "cancelled"),
    ],
)
def test_how_things_end(kind: str, named: str, outcome: str) -> None:
    """Every end is told of what it is the end of, and of nothing else."""
    begun = [step(1, "charge"), step(2, "mail")] if kind.startswith("activity") else [timer(1, 3), timer(2, 3)]
    attributes: dict[str, Any] = {named: 1}
    history = RunHistory([*begun, event(3, kind, **attributes)])
    assert [each.outcome for each in history.commands] == [outcome, "open"]


def test_a_sleep_and_another_timer() -> None:
    """A timer that says nothing of itself is no sleep of the job's."""
    history = RunHistory([timer(1, 3), timer(2, 1, summary=None)])
    assert [(each.is_sleep, each.until) for each in history.timers] == [
        (True, BEGAN + timedelta(days=3, seconds=1)),
        (False, BEGAN + timedelta(days=1, seconds=2)),
    ]


def test_how_the_last_task_failed() -> None:
    """A task that failed is told until one is completed, and whether the history does not fit."""
    mismatch = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR
    history = RunHistory([event(1, "workflow_task_failed", cause=mismatch, failure={"message": "another step"})])
    assert history.nondeterminism == "another step"
    history.add(event(2, "workflow_task_completed"))
    assert history.nondeterminism is None
    assert history.blocked is None
    history.add(event(3, "workflow_task_failed", failure={"message": "no such module"}))
    assert history.nondeterminism is None
    assert history.blocked == "no such module"


def child(number: int, job: str, id: str) -> HistoryEvent:
    return event(number, "start_child_workflow_execution_initiated", workflow_type={"name": job}, workflow_id=id)


@pytest.mark.parametrize(
    ("kind", "outcome", "state"),
    [
        ("completed", "completed", "done"),
        ("failed", "failed", "failed"),
        ("timed_out", "failed", "failed"),
        ("canceled", "cancelled", "cancelled"),
        ("terminated", "failed", "failed"),
    ],
)
def test_a_child_run(kind: str, outcome: str, state: str) -> None:
    """It stands among the steps, with its own id, that of the run that was started, and what has become of it."""
    timeline = Timeline()
    timeline.apply(child(1, "charge", "charge-1"))
    (entry,) = timeline.entries
    assert (entry.kind, entry.name, entry.id, entry.state) == ("run", "charge", "charge-1", "waiting")
    timeline.apply(
        event(2, "child_workflow_execution_started", initiated_event_id=1, workflow_execution={"run_id": "run"})
    )
    assert entry.state == "running"
    timeline.apply(event(3, f"child_workflow_execution_{kind}", initiated_event_id=1))
    (record,) = timeline.history.children
    assert (record.run_id, record.outcome, record.ended) == ("run", outcome, BEGAN + timedelta(seconds=3))
    assert (entry.state, entry.ended) == (state, record.ended)
    assert entry.line().startswith("run   charge (charge-1)  ")


def test_a_child_run_that_was_there() -> None:
    """Nothing was started, and that is no failure of the handler's."""
    timeline = Timeline()
    timeline.apply(child(1, "charge", "charge/1"))
    already = StartChildWorkflowExecutionFailedCause.START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS
    timeline.apply(event(2, "start_child_workflow_execution_failed", initiated_event_id=1, cause=already))
    (record,) = timeline.history.children
    assert record.was_there
    assert timeline.entries[0].line() == "run   charge (charge/1)  was there already"


def test_columns_with_children() -> None:
    """A child run is in the column of what is recorded, and what the package starts for itself is not."""
    history = RunHistory([step(1, "charge"), child(2, "ship", "ship-1"), child(3, "terse.events", "terse-events:x")])
    assert [(each.kind, each.name) for each in recorded_calls(history)] == [("step", "charge"), ("run", "ship")]
    assert [type(each) for each in history.commands] == [StepRecord, ChildRecord]
    assert history.add(event(4, "child_workflow_execution_completed", initiated_event_id=3)) is None


def test_a_run_that_was_reset_and_one_that_goes_on_as_another() -> None:
    """Its own id stands where the events of the run end that it was made from; the next one's where it ends."""
    history = RunHistory([event(1, "workflow_execution_started", original_execution_run_id="first")])
    assert (history.run_id, history.next_run_id, history.ended) == ("first", "", None)
    history.add(event(2, "workflow_task_failed", new_run_id="second"))
    assert history.run_id == "second"
    history.add(event(3, "workflow_execution_continued_as_new", new_execution_run_id="third"))
    assert history.next_run_id == "third"


def test_updates_in_the_order_in_which_they_were_accepted() -> None:
    """Also those that a reset handed in again, whose arguments stand in another event."""

    def given(text: bytes) -> dict[str, object]:
        return {"input": {"args": {"payloads": [{"data": text}]}}}

    history = RunHistory(
        [
            event(1, "workflow_execution_update_admitted", request={"meta": {"update_id": "b"}, **given(b"2")}),
            event(2, "workflow_execution_update_accepted", protocol_instance_id="a", accepted_request=given(b"1")),
            event(3, "workflow_execution_update_accepted", protocol_instance_id="b"),
        ]
    )
    assert [payload.data for payloads in history.updates for payload in payloads] == [b"1", b"2"]


def test_what_is_not_known_is_passed_over() -> None:
    """Events of a later server's kinds, and the end of something whose beginning was cut off, change nothing."""
    history = RunHistory(
        [
            HistoryEvent(event_id=7, event_type=9_999),  # type: ignore[arg-type]  # a kind that is still to come
            event(8, "activity_task_started", scheduled_event_id=3, attempt=1),
            event(9, "activity_task_completed", scheduled_event_id=3),
            event(10, "timer_fired", started_event_id=4),
            event(11, "activity_task_started", scheduled_event_id=12),
            timer(12, 1),
        ]
    )
    assert [type(each) for each in history.commands] == [TimerRecord]
    assert (history.started, history.run_id, history.last_event_id) == (None, "", 12)


def test_a_timeline_follows_a_run_into_the_one_that_continues_it() -> None:
    """The events of the next run have the numbers of the first one's, and are of other steps."""
    timeline = Timeline()
    started = event(1, "workflow_execution_started")
    for each in (started, step(2, "charge"), event(3, "activity_task_completed", scheduled_event_id=2)):
        timeline.apply(each)
    for each in (started, step(2, "mail"), event(3, "activity_task_failed", scheduled_event_id=2)):
        timeline.apply(each)
    assert [(entry.name, entry.state) for entry in timeline.entries] == [("charge", "done"), ("mail", "failed")]
    assert isinstance(timeline.history.scheduled_by(2), StepRecord)
