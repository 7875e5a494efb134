"""What a run waits for, out of what a server knows of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from temporalio.api.enums.v1 import ParentClosePolicy, PendingActivityState, PendingWorkflowTaskState
from temporalio.api.workflow.v1 import PendingActivityInfo

from ..engine.wire.calls import JobCall, StepCall
from ..engine.wire.records import moment
from ..errors import UnknownJobError
from ..inputs.questions import read_time
from ..serialization.wire_names import DELAY_MEMO, OWN_WORKFLOWS, RUN_RESULT, RUN_RESULTS
from .facts import Facts, step_queue
from .memo import match_text, question_text
from .mismatch import mismatch_text
from .timeline import failure_text
from .waits import Kind, Wait

__all__ = ["find_waits"]

#: A timeout of the handler's own may be shown by what it is for; it is a few milliseconds earlier or later then.
_SAME_TIME: Final = timedelta(seconds=2)

#: The type of what the SDK lets a step fail with that is paused while it runs.
_BY_THE_PAUSE: Final = "ActivityPause"

#: Waits of one run, which are fewer by far.
_MOST_WAITS: Final = 1_000_000

#: What a worker that does not have a job goes on to say, for its log.
_OF_NO_USE: Final = " The run waits until a worker"

_SCHEDULED: Final = PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
_PAUSED: Final = frozenset(
    [
        PendingActivityState.PENDING_ACTIVITY_STATE_PAUSED,
        PendingActivityState.PENDING_ACTIVITY_STATE_PAUSE_REQUESTED,
    ]
)

#: Seconds between two reminders.
_LONGEST_BETWEEN: Final = 1e9

#: Kinds that a timer of the handler may end.
_TIMED: Final = frozenset({"event", "question"})


def find_waits(facts: Facts) -> list[Wait]:
    """Return all that a run waits for, with what matters most in front, and those of one kind and name as one."""
    described = facts.described
    execution = described.workflow_execution_info
    if described.workflow_extended_info.HasField("pause_info"):
        pause = described.workflow_extended_info.pause_info
        return [Wait(kind="paused", since=moment(pause.paused_time), failure=pause.reason, worker=pause.identity)]
    begins = moment(execution.execution_time)
    if begins > facts.now and not described.HasField("pending_workflow_task") and execution.history_length <= 1:
        return [Wait(kind="start", since=moment(execution.start_time), until=begins)]
    of_the_handler = list(_of_the_handler(facts))
    if any(each.kind in ("blocked", "no_job") for each in of_the_handler):
        return of_the_handler  # whatever else comes, it does not go on
    held = facts.history.held_at
    waits = [
        *of_the_handler,
        *([Wait(kind="held", since=held)] if held is not None else []),
        *(_of_a_step(facts, each) for each in described.pending_activities if each.activity_type.name != RUN_RESULTS),
        *_of_children(facts),
        *_of_the_memo(facts.waiting),
    ]
    timers = _of_timers(
        facts,
        _reminders(facts.waiting),
        [each.until for each in waits if each.until is not None and each.kind in _TIMED],
    )
    waits += [each for each in timers if each.kind == "sleep"]
    # Beside something else it is likelier to be a timeout than what the run waits for.
    other: Kind = "timeout" if waits else "timer"
    waits += [replace(each, kind=other) for each in timers if each.kind == "timer"]
    if [each.kind for each in waits] == ["sleep"] and _is_delayed(facts):
        waits = [replace(waits[0], kind="start")]
    if not waits:
        followed = [
            Wait(kind="run", name=each.name, id=each.workflow_id)
            for each in facts.history.children
            if each.is_carried and each.outcome == "open"
        ]
        waits = [*_of_children(facts, abandoned=True), *followed] or [Wait(kind="unknown")]
    return _grouped(waits)


def _of_the_handler(facts: Facts) -> Iterator[Wait]:
    """Yield why the handler is not advanced, or that it is."""
    if not facts.described.HasField("pending_workflow_task"):
        return
    task = facts.described.pending_workflow_task
    since = moment(task.original_scheduled_time if task.HasField("original_scheduled_time") else task.scheduled_time)
    blocked = facts.history.blocked
    polls = _polls(facts, facts.task_queue, for_steps=False)
    if task.attempt > 1 and blocked is not None:
        fits = facts.history.nondeterminism is None
        failed = facts.history.failed_task
        unknown = failed is not None and failed.failure.application_failure_info.type == UnknownJobError.__name__
        if unknown:
            blocked = blocked.partition(_OF_NO_USE)[0]
        yield Wait(
            kind="no_job" if unknown else "blocked",
            since=facts.history.failed_at,
            attempt=task.attempt,
            failure=blocked if fits else mismatch_text(blocked, facts.history),
            fits=fits,
            **polls,
        )
    elif task.state == PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_STARTED:
        yield Wait(kind="handler", since=moment(task.started_time), attempt=task.attempt, **polls)
    else:
        yield Wait(kind="worker", since=since, attempt=task.attempt, **polls)


def _of_a_step(facts: Facts, step: PendingActivityInfo) -> Wait:
    name, call = step.activity_type.name, facts.calls.get(step.activity_id)
    if name == RUN_RESULT:
        return _of_a_run_elsewhere(step, call)
    is_job = isinstance(call, JobCall)  # that is not durable, and one step
    attempts = _attempts(call) if isinstance(call, StepCall) else 0
    failure = failure_text(step.last_failure) if step.HasField("last_failure") else ""
    # Interruptions count too, so that there may be more.
    known: dict[str, Any] = {
        "name": "" if is_job else name,
        "label": call.label if isinstance(call, StepCall) else "",
        "attempt": step.attempt,
        "attempts": attempts if attempts >= step.attempt else 0,
        "failure": failure,
        "worker": step.last_worker_identity,
    }
    since = moment(step.scheduled_time)
    if step.state in _PAUSED or step.paused:
        if step.last_failure.application_failure_info.type == _BY_THE_PAUSE:
            known["failure"] = ""
        return Wait(kind="paused", since=moment(step.pause_info.pause_time), **known)
    if step.state != _SCHEDULED:
        began = moment(step.last_started_time)
        seen = moment(step.last_heartbeat_time) if step.HasField("last_heartbeat_time") else None
        ends = began + timedelta(seconds=call.timeout) if isinstance(call, StepCall) else None
        return Wait(kind="step", since=began, until=ends, seen_at=seen, **known)
    due = moment(step.next_attempt_schedule_time) if step.HasField("next_attempt_schedule_time") else None
    if due is not None and due > facts.now:
        return Wait(kind="retry", since=since, until=due, **known)
    return Wait(kind="queued", since=due or since, **_polls(facts, step_queue(facts, step), for_steps=True), **known)


def _of_a_run_elsewhere(step: PendingActivityInfo, call: StepCall | JobCall | None) -> Wait:
    """Return the wait for a run that was there before: a step of ours follows it."""
    given = call.arguments if isinstance(call, StepCall) and call.arguments is not None else {}
    return Wait(kind="run", id=str(given.get("id") or ""), since=moment(step.scheduled_time))


def _polls(facts: Facts, task_queue: str, *, for_steps: bool) -> dict[str, Any]:
    key = (task_queue, for_steps)
    known = {"task_queue": task_queue, "polled_at": facts.polls.get(key), "is_asked": key in facts.polls}
    if (idle := facts.idle_versions.get(key)) is not None:
        known |= {
            "deployment": idle.version.deployment_name,
            "build_id": idle.version.build_id,
            "current_build_id": idle.current,
        }
    return known


def _attempts(call: StepCall) -> int:
    """Return how often a step is tried at most; 0 where its input does not say."""
    most = call.retry.get("max_attempts") if isinstance(call.retry, Mapping) else None
    return most if isinstance(most, int) else 0


def _of_children(facts: Facts, *, abandoned: bool = False) -> Iterator[Wait]:
    """Yield the runs that it waits for.

    Args:
        facts: of the run.
        abandoned: yield those that go on by themselves instead: of these it is not known whether it waits for them.
    """
    for child in sorted(facts.described.pending_children, key=lambda each: each.initiated_id):
        goes_on = child.parent_close_policy == ParentClosePolicy.PARENT_CLOSE_POLICY_ABANDON
        if goes_on == abandoned and not child.workflow_type_name.startswith(OWN_WORKFLOWS):
            yield Wait(kind="run", name=child.workflow_type_name, id=child.workflow_id)


def _of_the_memo(waiting: Mapping[str, Mapping[str, Any]]) -> Iterator[Wait]:
    for number, entry in waiting.items():
        since, until = read_time(entry.get("since")), read_time(entry.get("until"))
        if "event" in entry:
            key, match = entry.get("key"), entry.get("match")
            # The key of a wait by a trigger is a hash, for programs.
            is_delivery = "trigger" in entry
            yield Wait(
                kind="event",
                name=str(entry["trigger" if is_delivery else "event"]),
                key="" if key is None or is_delivery else str(key),
                is_delivery=is_delivery,
                match=match_text(match) if is_delivery and isinstance(match, Mapping) else "",
                since=since,
                until=until,
                more=more if isinstance(more := entry.get("more"), int) and 0 < more < _MOST_WAITS else 0,
            )
        else:
            text = question_text(entry)
            yield Wait(kind="question", id=str(number), text=text, since=since, until=until)


def _reminders(waiting: Mapping[str, Mapping[str, Any]]) -> list[tuple[datetime, timedelta]]:
    """Return since when, and how often, people are reminded of what they are asked."""
    found = []
    for entry in waiting.values():
        since, seconds = read_time(entry.get("since")), entry.get("remind_every")
        if since is not None and isinstance(seconds, int | float) and 1 <= seconds < _LONGEST_BETWEEN:
            found.append((since, timedelta(seconds=seconds)))
    return found


def _of_timers(facts: Facts, reminders: Sequence[tuple[datetime, timedelta]], told: Iterable[datetime]) -> list[Wait]:
    """Return the open timers, without those that end something that is told already, and of reminders."""
    ends = list(told)
    found = []
    for timer in facts.history.timers:
        if timer.outcome != "open" or any(abs(timer.until - each) < _SAME_TIME for each in ends):
            continue
        if timer.is_internal:
            if (step := timer.retries) is not None:
                failure = "" if step.failure is None else failure_text(step.failure)
                found.append(
                    Wait(
                        kind="retry",
                        name=step.name,
                        attempt=step.attempt + 1,
                        failure=failure,
                        since=timer.began,
                        until=timer.until,
                    )
                )
            continue
        # A question is asked at a whole second, or less than one after it.
        if not timer.is_sleep and any((timer.until - since) % every < _SAME_TIME for since, every in reminders):
            continue
        found.append(Wait(kind="sleep" if timer.is_sleep else "timer", since=timer.began, until=timer.until))
    return found


def _is_delayed(facts: Facts) -> bool:
    """Return whether the one sleep of a run is the delay of its start, which a child run sleeps by itself."""
    delayed = DELAY_MEMO in facts.described.workflow_execution_info.memo.fields
    return delayed and facts.is_whole and len(facts.history.commands) == 1


def _grouped(waits: Iterable[Wait]) -> list[Wait]:
    """Return the waits with one for each kind and name, and how many there are besides it."""
    found: dict[tuple[str, str, str], Wait] = {}
    for wait in waits:
        # Questions and events are each answered by themselves.
        key = (
            wait.kind,
            wait.name,
            f"{wait.id} {wait.key} {wait.match}" if wait.kind in ("question", "event") or not wait.name else "",
        )
        other = found.setdefault(key, wait)
        if other is not wait:
            first = min(other, wait, key=_order)
            found[key] = replace(first, more=other.more + 1)
    return list(found.values())


def _order(wait: Wait) -> datetime:
    """Of several of a kind the one is told that is over first, or else was begun first."""
    return wait.until or wait.since or datetime.max.replace(tzinfo=UTC)
