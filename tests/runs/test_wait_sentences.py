"""Every sentence that says what a run waits for, out of descriptions and histories as a server gives them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.enums.v1 import (
    EventType,
    ParentClosePolicy,
    PendingActivityState,
    PendingWorkflowTaskState,
    TimeoutType,
    WorkerVersioningMode,
    WorkflowExecutionStatus,
    WorkflowTaskFailedCause,
)
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.taskqueue.v1 import PollerInfo, TaskQueueVersioningInfo
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse
from temporalio.common import WorkerDeploymentVersion

from terse_temporal.engine.wire.calls import StepCall
from terse_temporal.engine.wire.history import RunHistory
from terse_temporal.runs.facts import Facts
from terse_temporal.runs.finding_waits import find_waits
from terse_temporal.runs.history_tail import Tail
from terse_temporal.runs.mismatch import mismatch_text
from terse_temporal.runs.task_queues import IdleVersion, read_poll
from terse_temporal.runs.wait_column import column_text
from terse_temporal.runs.wait_texts import sentence
from terse_temporal.runs.waits import Wait

NOW = datetime.now(UTC).replace(microsecond=0)


def ago(**units: float) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(NOW - timedelta(**units))
    return stamp


def described() -> DescribeWorkflowExecutionResponse:
    """A run that began a while ago, and whose clock stands at NOW."""
    answer = DescribeWorkflowExecutionResponse()
    info = answer.workflow_execution_info
    info.execution.workflow_id, info.execution.run_id = "order-1", "run-1"
    info.type.name, info.task_queue, info.history_length = "order", "shop", 10
    info.status = WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING
    info.start_time.CopyFrom(ago(hours=1))
    info.execution_time.CopyFrom(ago(hours=1))
    answer.workflow_extended_info.time_skipping_info.current_time.CopyFrom(ago())
    return answer


def events(*made: HistoryEvent) -> Tail:
    return Tail(made, RunHistory(made), is_whole=False)


def said(facts: Facts) -> str:
    return " | ".join(sentence(each, NOW) for each in find_waits(facts))


def clock(moment: Timestamp) -> str:
    there, here = moment.ToDatetime(tzinfo=UTC).astimezone(), NOW.astimezone()
    return f"{there:%H:%M:%S}" if there.date() == here.date() else f"{there:%Y-%m-%d %H:%M:%S}"


def a_step(answer: DescribeWorkflowExecutionResponse, name: str = "charge", **known: Any) -> Any:
    step = answer.pending_activities.add(activity_id=str(len(answer.pending_activities) + 1), attempt=1, **known)
    step.activity_type.name = name
    step.scheduled_time.CopyFrom(ago(minutes=9))
    step.state = PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
    return step


START = "Start one: terse-worker MODULE --task-queue shop"

POLLS = [
    (None, f"none polls the task queue 'shop'. {START}"),
    (timedelta(minutes=3), f"none has polled the task queue 'shop' for 3 min. {START}"),
    (timedelta(seconds=20), "one has polled the task queue 'shop' 20 s ago, so it is busy, or has just ended."),
    ("unknown", "the server does not tell whether one polls the task queue 'shop'."),
]


@pytest.mark.parametrize(("polled", "told"), POLLS, ids=["none", "gone", "busy", "not told"])
def test_whether_there_is_a_worker(polled: Any, told: str) -> None:
    """For a handler and for a step, which are of two kinds of workers."""
    answer = described()
    task = answer.pending_workflow_task
    task.state, task.attempt = PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_SCHEDULED, 1
    task.original_scheduled_time.CopyFrom(ago(minutes=9))
    a_step(answer)
    at = datetime.now(UTC) - polled if isinstance(polled, timedelta) else None
    polls = {} if polled == "unknown" else {("shop", False): at, ("shop", True): at}
    since = f"{clock(ago(minutes=9))} (9 min)"
    assert said(Facts(answer, polls=polls)) == (
        f"It waits for a worker since {since}: {told} | The step 'charge' waits for a worker since {since}: {told}"
    )


@pytest.mark.parametrize(
    ("current", "told"), [("", "the deployment has no current version"), ("40", "the current one is '40'")]
)
def test_a_worker_whose_version_is_not_the_current_one(current: str, told: str) -> None:
    """It polls, and is given nothing: it is not busy. What makes its version the current one is said."""
    answer = described()
    task = answer.pending_workflow_task
    task.state, task.attempt = PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_SCHEDULED, 1
    task.original_scheduled_time.CopyFrom(ago(minutes=9))
    idle = IdleVersion(WorkerDeploymentVersion("shop\x1b", "41"), current)
    facts = Facts(answer, polls={("shop", False): datetime.now(UTC)}, idle_versions={("shop", False): idle})
    assert said(facts) == (
        f"It waits for a worker since {clock(ago(minutes=9))} (9 min): one polls the task queue 'shop' that is version"
        f" '41' of the deployment 'shop\\x1b', and {told}: it is given no run but those that are pinned to '41'. Make"
        " it the current one: temporal worker deployment set-current-version"
        r' --deployment-name "shop\x1b" --build-id "41" --yes'
    )
    (wait,) = find_waits(facts)
    assert column_text([wait], NOW) == "a worker: version 41 is not current"
    assert wait.to_json().get("current_build_id", "") == current


NOT_LONG = timedelta()


def polled_by(build_id: str, before: timedelta) -> PollerInfo:
    poller = PollerInfo(last_access_time=Timestamp(seconds=int((datetime.now(UTC) - before).timestamp())))
    if build_id:
        poller.deployment_options.deployment_name, poller.deployment_options.build_id = "shop", build_id
        poller.deployment_options.worker_versioning_mode = WorkerVersioningMode.WORKER_VERSIONING_MODE_VERSIONED
    return poller


@pytest.mark.parametrize(
    ("pollers", "current", "ramping", "idle"),
    [
        ([], "", "", None),
        ([("", NOT_LONG)], "41", "", None),
        ([("41", NOT_LONG)], "", "", ("41", "")),
        ([("41", NOT_LONG)], "42", "", ("41", "42")),
        ([("41", NOT_LONG)], "41", "", None),
        ([("42", NOT_LONG)], "41", "42", None),
        ([("41", NOT_LONG), ("42", timedelta(seconds=5))], "42", "", None),
        ([("41", NOT_LONG), ("42", timedelta(minutes=3))], "42", "", ("41", "42")),
        ([("41", timedelta(minutes=3))], "", "", None),
        ([("41", NOT_LONG), ("", NOT_LONG)], "", "", None),
    ],
)
def test_who_is_given_work(
    pollers: list[tuple[str, timedelta]], current: str, ramping: str, idle: tuple[str, str] | None
) -> None:
    """All who poll have to be of versions that are given nothing; those who have gone do not count."""
    routing = TaskQueueVersioningInfo(ramping_version_percentage=5 if ramping else 0)
    for name, build_id in (("current", current), ("ramping", ramping)):
        if build_id:
            version = getattr(routing, f"{name}_deployment_version")
            version.deployment_name, version.build_id = "shop", build_id
    found = read_poll([polled_by(*each) for each in pollers], routing)
    assert (found.at is None) == (not pollers)
    assert (found.idle and (found.idle.version.build_id, found.idle.current)) == idle


def test_a_handler_that_is_advanced() -> None:
    answer = described()
    task = answer.pending_workflow_task
    task.state, task.attempt = PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_STARTED, 1
    task.started_time.CopyFrom(ago(seconds=3))
    assert said(Facts(answer)) == f"It is being advanced by a worker since {clock(ago(seconds=3))} (3 s)."
    task.attempt = 2
    assert said(Facts(answer)).endswith(
        "(3 s), for the second time: before, no answer came in time. That worker was ended, or something in it, the"
        " handler or a step, holds Python's lock for that long."
    )


def test_a_handler_that_fails() -> None:
    """A worker whose code cannot be loaded, say."""
    answer = described()
    answer.pending_workflow_task.attempt = 7
    failed = HistoryEvent(event_id=9, event_type=EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED, event_time=ago(minutes=9))
    attributes = failed.workflow_task_failed_event_attributes
    attributes.cause = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE
    attributes.failure.message = "[TMPRL1101] Potential deadlock detected:\nworkflow didn't yield within 2 second(s)."
    assert said(Facts(answer, events(failed), polls={("shop", False): datetime.now(UTC)})) == (
        f"It is blocked since {clock(ago(minutes=9))} (9 min), a worker cannot advance its handler: [TMPRL1101]"
        " Potential deadlock detected: workflow didn't yield within 2 second(s). That is tried again and again."
    )
    assert said(Facts(answer, events(failed), polls={("shop", False): None})).endswith(
        "again and again. Now no worker is there: none polls the task queue 'shop'. Start"
        " one: terse-worker MODULE --task-queue shop"
    )


def test_a_handler_that_starts_a_run_with_tags_on_a_server_that_has_none() -> None:
    """The server refuses all that the handler asks for, and only that it lacks the search attribute is recorded."""
    answer = described()
    answer.pending_workflow_task.attempt = 2
    failed = HistoryEvent(event_id=9, event_type=EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED, event_time=ago(minutes=9))
    attributes = failed.workflow_task_failed_event_attributes
    attributes.cause = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_BAD_SEARCH_ATTRIBUTES
    attributes.failure.message = (
        "BadSearchAttributes: Namespace shop has no mapping defined for search attribute TerseTags"
    )
    assert said(Facts(answer, events(failed))).endswith(
        "search attribute TerseTags. That is tried again and again. It starts a run with tags. Create the search"
        " attribute with `terse-temporal setup`: then it goes on by itself."
    )


def test_a_run_that_is_paused() -> None:
    answer = described()
    pause = answer.workflow_extended_info.pause_info
    pause.identity, pause.reason = "ada", "a bad deploy."
    pause.paused_time.CopyFrom(ago(minutes=2))
    assert said(Facts(answer)) == (
        f"It was paused by 'ada' at {clock(ago(minutes=2))} (2 min): a bad deploy. It waits until somebody unpauses it."
    )


def test_a_question() -> None:
    waiting = {"1": {"tool": "bank.transfer", "arguments": {"to": "a\x1b[2J\u202e"}}}
    assert said(Facts(described(), waiting=waiting)) == (
        r'It waits for the answer to question 1: bank.transfer(to="a\u001b[2J\u202e").'
    )


def test_an_event() -> None:
    until = (NOW + timedelta(days=30)).isoformat()
    since = (NOW - timedelta(minutes=9)).isoformat()
    waiting: dict[str, dict[str, Any]] = {
        "event-1": {"event": "invoice.paid", "key": "cus_1", "since": since, "until": until},
        "event-2": {"event": "cancel", "more": 5},
    }
    in_thirty_days = (NOW + timedelta(days=30)).astimezone()
    assert said(Facts(described(), waiting=waiting)) == (
        f"It waits for the event 'invoice.paid' of the key 'cus_1' since {clock(ago(minutes=9))} (9 min), until"
        f" {in_thirty_days:%Y-%m-%d %H:%M:%S} (in 30 d). | It waits for the event 'cancel'. It waits for 5 more events."
    )


def test_a_memo_of_anybodys() -> None:
    """Whatever stands in a memo, it is told as text, and bounded."""
    waiting: dict[str, dict[str, Any]] = {
        "event-1": {"event": {"\x1b": 1}, "key": ["x" * 5_000], "since": "yesterday", "until": 7, "more": "many"},
        "": {"arguments": "none"},
    }
    text = said(Facts(described(), waiting=waiting))
    assert len(text) < 2_000
    assert text.isprintable()


def a_child(answer: DescribeWorkflowExecutionResponse, id: str, job: str, policy: ParentClosePolicy.ValueType) -> None:
    child = answer.pending_children.add(workflow_id=id, workflow_type_name=job)
    child.parent_close_policy = policy


def test_another_run() -> None:
    """Those that end with it; those that go on by themselves only where nothing else is known."""
    answer = described()
    a_child(answer, "mail-1", "mail", ParentClosePolicy.PARENT_CLOSE_POLICY_ABANDON)
    a_child(answer, "terse-events:1", "terse.events", ParentClosePolicy.PARENT_CLOSE_POLICY_ABANDON)
    assert said(Facts(answer)) == "It waits for the run 'mail-1' of the job 'mail'."
    for number in range(3):
        a_child(answer, f"bill-{number}", "bill", ParentClosePolicy.PARENT_CLOSE_POLICY_REQUEST_CANCEL)
    assert said(Facts(answer)) == ("It waits for the run 'bill-0' of the job 'bill'. It waits for 2 more of that job.")


def test_steps_of_one_name() -> None:
    """A thousand are one sentence, about the one that began first."""
    answer = described()
    for number in range(1_000):
        step = a_step(answer, last_worker_identity="7@host")
        step.state = PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
        step.last_started_time.CopyFrom(ago(seconds=number))
    assert said(Facts(answer)) == (
        f"The step 'charge' runs since {clock(ago(seconds=999))} (16 min 39 s) on the worker '7@host'. The same holds"
        " for 999 more of that name."
    )


def test_an_attempt_that_runs() -> None:
    """The failure before it is told, and how many attempts there are, unless interruptions were more."""
    answer = described()
    step = a_step(answer, last_worker_identity="7@host")
    step.state, step.attempt = PendingActivityState.PENDING_ACTIVITY_STATE_STARTED, 3
    step.last_started_time.CopyFrom(ago(seconds=5))
    step.last_failure.timeout_failure_info.timeout_type = TimeoutType.TIMEOUT_TYPE_HEARTBEAT
    call = StepCall("m:f", "order", "key", 60.0, retry={"max_attempts": 5})
    since = f"{clock(ago(seconds=5))} (5 s, of 1 min at most)"
    assert said(Facts(answer, calls={"1": call})) == (
        f"Attempt 3 of 5 of the step 'charge' runs since {since} on the worker '7@host'; the attempt before: its"
        " worker was lost."
    )
    step.attempt = 6
    assert said(Facts(answer, calls={"1": call})).startswith("Attempt 6 of the step 'charge' runs")


ERROR = "[TMPRL1100] Nondeterminism error:"

NOT_FITTING = [
    (
        f"{ERROR} Timer machine does not handle this event: HistoryEvent(id: 5, ActivityTaskScheduled)",
        "recorded is the step 'charge' (event 5), and the code now sleeps, or starts another timer, there",
    ),
    (
        f"{ERROR} Complete workflow machine does not handle this event: HistoryEvent(id: 7, TimerStarted)",
        "recorded is a timer of 3 days (event 7), and the code now ends the run there",
    ),
    (
        f"{ERROR} Child workflow machine does not handle this event: HistoryEvent {{ event_id: 7, event_time: None }}",
        "recorded is a timer of 3 days (event 7), and the code now starts a run there",
    ),
    (
        f"{ERROR} No command scheduled for event HistoryEvent(id: 9, MarkerRecorded)",
        "recorded is event 9, and the code now makes nothing there",
    ),
    ("step 'charge' at a.py:1: another input", "step 'charge' at a.py:1: another input"),
]


@pytest.mark.parametrize(("message", "told"), NOT_FITTING)
def test_recorded_beside_now(message: str, told: str) -> None:
    step = HistoryEvent(event_id=5, event_type=EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, event_time=ago())
    step.activity_task_scheduled_event_attributes.activity_type.name = "charge"
    timer = HistoryEvent(event_id=7, event_type=EventType.EVENT_TYPE_TIMER_STARTED, event_time=ago())
    timer.timer_started_event_attributes.start_to_fire_timeout.FromTimedelta(timedelta(days=3))
    assert mismatch_text(message, RunHistory([step, timer])) == told


COLUMN = [
    (Wait(kind="start", until=NOW + timedelta(hours=2)), "its start, in 2 h"),
    (Wait(kind="paused"), "paused"),
    (Wait(kind="paused", name="charge"), "charge, paused"),
    (Wait(kind="blocked", fits=False), "blocked: its history does not fit the code"),
    (Wait(kind="blocked", failure="a deadlock"), "blocked: a deadlock"),
    (Wait(kind="no_job"), "a worker that has its job"),
    (Wait(kind="worker", task_queue="shop"), "a worker: none polls shop"),
    (Wait(kind="worker", task_queue="shop", is_asked=False), "a worker"),
    (Wait(kind="handler"), "being advanced"),
    (Wait(kind="held"), "begins nothing new"),
    (Wait(kind="step", name="charge", since=NOW - timedelta(seconds=5)), "charge, runs for 5 s"),
    (Wait(kind="step", since=NOW - timedelta(seconds=5), more=2), "its handler, runs for 5 s (+2)"),
    (
        Wait(kind="retry", name="charge", attempt=3, until=NOW + timedelta(seconds=41), failure="KeyError: 'a\x1b'"),
        r"charge, attempt 3 in 41 s: KeyError: 'a\x1b'",
    ),
    (Wait(kind="queued", name="charge", task_queue="shop"), "charge, a worker: none polls shop"),
    (Wait(kind="run", id="bill-1"), "the run bill-1"),
    (Wait(kind="question", text="bank.transfer()"), "an answer: bank.transfer()"),
    (Wait(kind="event", name="paid", key="cus_1"), "the event paid of cus_1"),
    (Wait(kind="sleep", until=NOW + timedelta(days=3)), "asleep for 3 d"),
    (Wait(kind="timer", until=NOW + timedelta(days=3)), "a timer, 3 d"),
    (Wait(kind="unknown"), "a condition of its own"),
]


@pytest.mark.parametrize(("wait", "told"), COLUMN)
def test_in_short(wait: Wait, told: str) -> None:
    """A few words for each kind, for a list."""
    assert column_text([wait], NOW) == told


def test_several_in_short() -> None:
    """Two are told, and how many more there are."""
    sleep = Wait(kind="sleep", until=NOW + timedelta(days=3))
    several = [sleep, Wait(kind="handler"), sleep, sleep, Wait(kind="timeout", until=NOW)]
    assert column_text(several, NOW) == "asleep for 3 d; being advanced; 2 more"
