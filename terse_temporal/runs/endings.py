"""How a run has ended, out of the event that ended it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType, WorkflowExecutionStatus
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse
from temporalio.client import Client

from ..diagnostics.places import users_places
from ..engine.wire.history import RunHistory
from ..engine.wire.records import StepRecord, moment
from .history_tail import read_tail
from .memo import read_began
from .times import moment_text, rough
from .wait_texts import fit_text

__all__ = ["EndReason", "Ending", "ending_sentence", "failure_of", "failure_of_end", "read_ending"]

#: Events that are read of a run that has ended: its end, and the step that it failed in.
_LAST_EVENTS: Final = 250

#: Characters of a name that are shown.
_LONGEST_NAME: Final = 200

#: What a run fails with that has run longer than its job allows.
_TIMED_OUT: Final = "RunTimeoutError"

_STATUSES: Final = {
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_COMPLETED: "completed",
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_FAILED: "failed",
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_CANCELED: "cancelled",
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_TERMINATED: "terminated",
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_TIMED_OUT: "timed_out",
    WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW: "continued",
}


@dataclass(frozen=True)
class EndReason:
    """The reason why a run did not end well.

    Attributes:
        what: the class and message of the error, or how else it ended.
        step: the step that the error came out of, if it was one.
        attempts: how often that step was started.
        where: `file:line` of the user's code that raised, where it is recorded.
        reason: what was said by whoever ended it.
        run: the id of the run that it came out of, if it was one that this one has started.
    """

    what: str
    step: str = ""
    attempts: int = 0
    where: str = ""
    reason: str = ""
    run: str = ""


@dataclass(frozen=True)
class Ending:
    """How a run has ended.

    Attributes:
        status: `"completed"`, `"failed"`, `"cancelled"`, `"terminated"`, `"timed_out"`, or `"continued"` by
            another run.
        at: when.
        took: from its start.
        failure: why it did not end well.
        by: who terminated it, as clients name themselves.
        next_run_id: of the run that goes on with it: as new, or after a reset.
        is_reset: whether that was made by a reset.
        result: what it returned, encoded.
    """

    status: str
    at: datetime
    took: timedelta
    failure: EndReason | None = None
    by: str = ""
    next_run_id: str = ""
    is_reset: bool = False
    result: Payload | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON, without the result."""
        known: dict[str, Any] = {"status": self.status, "at": self.at.isoformat(), "took": self.took.total_seconds()}
        if self.failure is not None:
            known["failure"] = {name: value for name, value in asdict(self.failure).items() if value}
        if self.by:
            known["by"] = self.by
        if self.next_run_id:
            known |= {"next_run_id": self.next_run_id, "is_reset": self.is_reset}
        return known


async def read_ending(client: Client, described: DescribeWorkflowExecutionResponse) -> Ending:
    """Return how a run has ended.

    Args:
        client: of its server.
        described: what the server says of it.

    Raises:
        RPCError: the server refuses, or does not know the run any more.
    """
    info = described.workflow_execution_info
    history = (await read_tail(client, info.execution.workflow_id, info.execution.run_id, _LAST_EVENTS)).history
    at = moment(info.close_time)
    took = at - await read_began(client, info.memo.fields, moment(info.start_time))
    reset_by = described.workflow_extended_info.reset_run_id
    known: dict[str, Any] = {"next_run_id": history.next_run_id or reset_by, "is_reset": bool(reset_by)}
    if history.ended is None:  # it is no longer there
        return Ending(_STATUSES.get(info.status, "running"), at, took, **known)
    event = history.ended
    status = _STATUSES.get(info.status, "running")
    if event.workflow_execution_failed_event_attributes.failure.application_failure_info.type == _TIMED_OUT:
        status = "timed_out"
    completed = event.workflow_execution_completed_event_attributes.result.payloads
    return Ending(
        status,
        at,
        took,
        failure=failure_of_end(event, history),
        by=event.workflow_execution_terminated_event_attributes.identity,
        result=completed[0] if completed else None,
        **known,
    )


def ending_sentence(ending: Ending, now: datetime, subject: str = "It") -> str:
    """Return a sentence that says how a run has ended."""
    after = f"at {moment_text(ending.at, now)}, after {rough(ending.took)}"
    if ending.next_run_id and (ending.is_reset or ending.failure is None):
        how = "was reset" if ending.is_reset else "was continued as new"
        return f"{subject} {how} {after}: the run {ending.next_run_id} goes on."
    if ending.failure is None:
        return f"{subject} has completed {after}."
    failure, by = ending.failure, f" by {fit_text(ending.by, _LONGEST_NAME)}" if ending.by else ""
    if ending.status in ("cancelled", "terminated"):
        said = f": {fit_text(failure.reason)}" if failure.reason else ""
        return f"{subject} was {ending.status}{by} {after}{said}."
    times = f", after {failure.attempts} attempts" if failure.attempts > 1 else ""
    step = f" in the step {fit_text(failure.step, _LONGEST_NAME)!r}" if failure.step else ""
    where = f" at {fit_text(failure.where, _LONGEST_NAME)}" if failure.where else ""
    run = f" in the run {fit_text(failure.run, _LONGEST_NAME)!r}" if failure.run else ""
    # In brackets: the text before it may have sentences and lines of its own.
    at = f" ({f'{run}{step}{where}{times}'.strip()})" if run or step or where else ""
    if ending.status == "timed_out":
        return f"{subject} has run out of its time {after}: {fit_text(failure.what)}{at}."
    return f"{subject} has failed {after}, with {fit_text(failure.what)}{at}."


def failure_of_end(event: HistoryEvent, history: RunHistory) -> EndReason | None:
    """Return why a run did not end well, by the event that ended it; `None` where it did, or has been continued.

    Args:
        event: of the history.
        history: what came before.
    """
    match event.event_type:
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
            return failure_of(event.workflow_execution_failed_event_attributes.failure, history)
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
            reason = event.workflow_execution_terminated_event_attributes.reason
            return EndReason(f"it was terminated{f' ({reason})' if reason else ''}", reason=reason)
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
            return EndReason("it was cancelled")
        case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
            return EndReason("it ran longer than the timeout that it was started with")
    return None


def failure_of(failure: Failure, history: RunHistory) -> EndReason:
    """Return what a failure says of the step and the line that it came from.

    Args:
        failure: of a run.
        history: of that run.
    """
    step, attempts, where, run = "", 0, "", ""
    inner: Failure | None = failure
    while inner is not None:
        if inner.HasField("activity_failure_info"):
            step = inner.activity_failure_info.activity_type.name
            record = history.failed_step(inner)
            attempts = record.attempt if isinstance(record, StepRecord) else 0
        if inner.HasField("child_workflow_execution_failure_info"):
            run = inner.child_workflow_execution_failure_info.workflow_execution.workflow_id
            step, attempts = "", 0
        where = next(reversed(users_places(inner.stack_trace)), where)
        inner = inner.cause if inner.HasField("cause") else None
    kind = failure.application_failure_info.type
    return EndReason(f"{kind}: {failure.message}" if kind else failure.message, step, attempts, where, run=run)
