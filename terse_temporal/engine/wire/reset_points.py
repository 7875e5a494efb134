"""Where a run that has ended goes on when it is retried, and which of its steps are then run again.

A run can be reset to a workflow task, whose commands are made anew. So the point is the workflow task that asked for
the step which failed the run; where none did, the one in which the handler raised. The steps that failed the run are
its *causes*. They are run again; what had finished by then stays as it was, see `activity/earlier_results.py`.

A failure names what caused it by the event which that began with. A group of exceptions, which the SDK records as a
text, does so in its details (`cause_details`). Where none is named, the handler has raised for failures that it had
kept, or for a reason of its own: what had failed just before it ended, or was asked for together with that, is taken
for the cause.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from temporalio.api.enums.v1 import EventType
from temporalio.api.failure.v1 import Failure
from temporalio.converter import DataConverter
from temporalio.exceptions import ActivityError, ChildWorkflowError

from ...serialization.wire_names import TIMED_OUT_MEMO
from .history import RunHistory
from .records import Record, StepRecord, TimerRecord

__all__ = ["ResetPoint", "cause_details", "reset_point"]

#: In the details of what a run failed with.
_FAILED_STEPS: Final = "failed_steps"

#: Events that are named in a failure. Of more, the first are: those behind them are asked for later.
_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class ResetPoint:
    """Where a run goes on.

    Attributes:
        task: the event of the workflow task that is done again; 0 where none was ever completed.
        causes: the events with which the steps and child runs began that are run again.
        told: the event of the workflow task in which the handler was first told of one of them.
        gone: the name of the step that failed the run, where that was before it continued in a new history: then there
            is no workflow task of this one that asked for it.
    """

    task: int
    causes: frozenset[int] = frozenset()
    told: int = 0
    gone: str = ""


async def reset_point(recorded: RunHistory, converter: DataConverter) -> ResetPoint:
    """Return where a run that has ended goes on."""
    last = recorded.completed_tasks[-1] if recorded.completed_tasks else 0
    ended = recorded.ended
    if ended is None or ended.event_type != EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
        return ResetPoint(last, told=last)
    last = recorded.on_failure_task or last
    if TIMED_OUT_MEMO in recorded.memo and (limit := _time_limit(recorded)) is not None:
        # Before it was up. A run that is reset has all of its time again.
        before = _task_before(recorded, limit.ended_by, last)
        return ResetPoint(before, told=_task_after(recorded, before, last))
    failure = ended.workflow_execution_failed_event_attributes.failure
    if gone := _gone(failure, recorded):
        return ResetPoint(last, told=last, gone=gone)
    # Not what failed in `on_failure`: the handler is gone on with, and that begins anew when it ends again.
    begun = {event: task for event, task in recorded.tasks.items() if task < (recorded.on_failure_task or task + 1)}
    named = begun.keys() & set(await _named_causes(failure, recorded, converter))
    causes = named or _failed_before(recorded, last)
    first = min((_told_after(each, recorded) for each in recorded.commands if each.event_id in causes), default=last)
    return ResetPoint(
        task=min((begun[each] for each in causes), default=last),
        causes=frozenset(causes),
        told=_task_after(recorded, first, last),
    )


def _gone(failure: Failure, recorded: RunHistory) -> str:
    for each in _chain(failure):
        if each.HasField("activity_failure_info"):
            step = recorded.failed_step(each)
            is_here = step is None or not step.is_carried or step.event_id in recorded.tasks
            return "" if is_here else each.activity_failure_info.activity_type.name
    return ""


def _told_after(cause: Record, recorded: RunHistory) -> int:
    """Return an event after which the next workflow task is the one in which the handler was told of a failure."""
    if isinstance(cause, StepRecord) and cause.is_recorded_in_task:
        return recorded.tasks[cause.event_id] - 1
    return cause.ended_by or recorded.last_event_id


def _task_before(recorded: RunHistory, event: int, otherwise: int) -> int:
    """Return the last workflow task that was completed before an event."""
    return max((each for each in recorded.completed_tasks if each < event), default=otherwise)


def _task_after(recorded: RunHistory, event: int, otherwise: int) -> int:
    """Return the first workflow task that was completed after an event."""
    return min((each for each in recorded.completed_tasks if each > event), default=otherwise)


def _time_limit(recorded: RunHistory) -> TimerRecord | None:
    """Return the timer of a run's timeout, which has fired. Of those that say nothing of themselves it is the longest,
    as the others, those of `asyncio.timeout`, lie within it.
    """
    fired = [each for each in recorded.timers if each.outcome == "completed" and not each.is_sleep]
    return max(fired, key=lambda each: each.duration, default=None)


async def _named_causes(failure: Failure, recorded: RunHistory, converter: DataConverter) -> list[int]:
    for each in _chain(failure):
        if each.HasField("activity_failure_info"):
            step = recorded.failed_step(each)
            return [] if step is None else [step.event_id]
        if each.HasField("child_workflow_execution_failure_info"):
            begun = each.child_workflow_execution_failure_info.initiated_event_id
            child = recorded.scheduled_by(begun)
            return [begun if child is None else child.event_id]
        if details := each.application_failure_info.details.payloads:
            with suppress(Exception):  # of another writer, or encrypted by one
                for detail in await converter.decode(details):
                    if isinstance(detail, dict) and isinstance(found := detail.get(_FAILED_STEPS), list):
                        local = {each: recorded.local_step(each) for each in found if isinstance(each, str)}
                        return [
                            *(each for each in found if isinstance(each, int)),
                            *(each.event_id for each in local.values() if each is not None),
                        ]
    return []


def _chain(failure: Failure) -> Iterator[Failure]:
    yield failure
    while failure.HasField("cause"):
        failure = failure.cause
        yield failure


def _failed_before(recorded: RunHistory, task: int) -> set[int]:
    """Return the steps whose failure the handler was told of in a workflow task, with those asked for together."""
    before = _task_before(recorded, task, 0)
    failed = [each for each in recorded.steps if each.outcome == "failed"]
    tasks = {recorded.tasks[each.event_id] for each in failed if before < each.ended_by < task}
    return {each.event_id for each in failed if each.ended_by < task and recorded.tasks[each.event_id] in tasks}


def cause_details(error: BaseException) -> list[dict[str, Any]]:
    """Return the details with which a run fails: of a group of exceptions, which steps failed it."""
    found: dict[int | str, None] = {}
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    has_group = False
    while pending and len(found) < _MOST:
        each = pending.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        match each:
            case ActivityError():
                found[each.scheduled_event_id or each.activity_id] = None
            case ChildWorkflowError():
                found[each.initiated_event_id] = None
            case _:
                # As a traceback shows them, and as they are recorded.
                pending.append(each.__cause__ or (None if each.__suppress_context__ else each.__context__))
        if isinstance(each, BaseExceptionGroup):
            has_group = True
            pending += reversed(each.exceptions)
    ordered = sorted(found, key=lambda each: (isinstance(each, str), each))
    return [{_FAILED_STEPS: ordered}] if has_group and found else []
