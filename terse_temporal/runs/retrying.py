"""Going on with a run that has failed, from before what failed.

The run is reset on the server: it goes on, under its workflow id, as another run with the history that it had up to
that point. Where that is, `engine/wire/reset_points.py` says; how what had finished beyond it stays finished,
`engine/activity/earlier_results.py`.

Two people may retry a run at the same moment. Servers were seen to make a run for each request, whatever its id says
(1.32). So not the run that has failed is reset, but whatever the last one of that workflow id is by then: the second
request goes on where the first one's run has come to, of which nothing that had finished is done again either. (What
it was just doing is interrupted, as by the loss of its worker.) What a run was forked off tells who was the second. A
lock, such as a workflow of a fixed id, would spare that; it would cost two more requests for each run, and hold up who
comes after one that was killed.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import Final

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import ResetReapplyExcludeType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import (
    GetWorkflowExecutionHistoryReverseRequest,
    ResetWorkflowExecutionRequest,
)
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus, WorkflowHistory
from temporalio.service import RPCError, RPCStatusCode

from ..engine.wire.continued import read_history
from ..engine.wire.history import RunHistory
from ..engine.wire.reset_points import ResetPoint, reset_point
from ..errors import EventError, RunNotFoundError, RunRetryError
from ..serialization.wire_names import RETRY_REASON
from .endings import failure_of

__all__ = ["Retriable", "find_retriable", "reset", "retry_run"]

#: The events behind the point at which a run was forked off that are read to find that one. It has just been made.
_LAST_EVENTS: Final = 200

_BY_ANOTHER: Final = "has been retried by somebody else in this moment. It goes on with the run id {!r}"
_RERUN: Final = "Start a new run with its event instead: terse-temporal runs rerun"

#: Why a run that has ended in some way is not gone on with.
_WELL: Final = {
    WorkflowExecutionStatus.RUNNING: "is running: there is nothing to go on with",
    WorkflowExecutionStatus.COMPLETED: "has completed, and not failed",
    WorkflowExecutionStatus.CANCELED: f"was cancelled by somebody, and its handler has ended for it. {_RERUN}",
}


@dataclass(frozen=True, slots=True)
class Retriable:
    """A run that has failed and can go on.

    Attributes:
        id, run_id: of the run.
        job: the workflow type.
        task_queue: of the workers that it is for.
        history: as it has been recorded.
        recorded: what that says, with the texts of failures.
        point: where it goes on.
        steps: the names of the steps that failed it, and are run again.
    """

    id: str
    run_id: str
    job: str
    task_queue: str
    history: WorkflowHistory
    recorded: RunHistory
    point: ResetPoint
    steps: tuple[str, ...] = ()

    def kept_events(self) -> list[HistoryEvent]:
        """Return the events that it keeps."""
        return [each for each in self.history.events if each.event_id < self.point.task]

    def without_history(self) -> Retriable:
        """Return it without its history, of which there may be thousands."""
        return replace(self, history=WorkflowHistory(self.id, []))


async def retry_run(client: Client, id: str, run_id: str | None = None) -> str:
    """Let a run that has failed go on, and return the run id that it goes on under.

    Args:
        client: of its server.
        id: its workflow id.
        run_id: of any run of the chain that is meant; by default the last one that was started under that id.

    Raises:
        RunNotFoundError: there is no such run, or no longer.
        RunRetryError: it has not failed, cannot be gone on with, or somebody else has retried it at the same moment.
        temporalio.service.RPCError: the server cannot be asked.

    Costs five requests, one of them for the history of the run.
    """
    return await reset(client, await find_retriable(client, id, run_id))


async def find_retriable(client: Client, id: str, run_id: str | None = None) -> Retriable:
    """Return a run that has failed, and where it goes on. Parameters and errors are those of `retry_run`."""
    described = await _last_run(client, id, run_id)
    run = described.run_id
    if described.status is not None and (well := _WELL.get(described.status)) is not None:
        raise _refused(id, run, well)
    history = await client.get_workflow_handle(id, run_id=run).fetch_history()
    recorded = await read_history(history.events, client.data_converter)
    point = await reset_point(recorded, client.data_converter)
    if why := _reason_against(recorded, point):
        raise _refused(id, run, why)
    steps = tuple(dict.fromkeys(each.name for each in recorded.steps if each.event_id in point.causes))
    return Retriable(id, run, described.workflow_type, described.task_queue, history, recorded, point, steps)


async def reset(client: Client, run: Retriable) -> str:
    """Reset a run, and return the run id that it goes on under. What is raised is said of `retry_run`."""
    # Fetching a history takes a moment, and a run that goes on would be ended by the reset of the one before it.
    if (last := (await _last_run(client, run.id, run.run_id)).run_id) != run.run_id:
        raise _refused(run.id, run.run_id, _BY_ANOTHER.format(last))
    request = ResetWorkflowExecutionRequest(
        namespace=client.namespace,
        workflow_execution=WorkflowExecution(workflow_id=run.id),
        workflow_task_finish_event_id=run.point.task,
        request_id=str(uuid.uuid4()),
        reason=RETRY_REASON,
        identity=client.identity,
        # Answers and events that have come in meanwhile come in again; a cancellation was for the run that has ended.
        reset_reapply_exclude_types=[ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_CANCEL_REQUEST],
    )
    try:
        answer = await client.workflow_service.reset_workflow_execution(request, retry=True)
    except RPCError as err:
        if err.status in (RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.FAILED_PRECONDITION, RPCStatusCode.NOT_FOUND):
            raise _refused(run.id, run.run_id, f"is not reset by the server: {err.message}") from err
        raise
    if await _base_of(client, run.id, answer.run_id) not in ("", run.run_id):
        raise _refused(run.id, run.run_id, _BY_ANOTHER.format(answer.run_id))
    return answer.run_id


async def _last_run(client: Client, id: str, run_id: str | None) -> WorkflowExecutionDescription:
    """Return the last run of a workflow id, which has to be one of the chain that a run is of."""
    try:
        last = await client.get_workflow_handle(id).describe()
        if run_id in (None, "", last.run_id, _first_run_id(last)):
            return last
        meant = await client.get_workflow_handle(id, run_id=run_id).describe()
    except RPCError as err:
        if err.status == RPCStatusCode.NOT_FOUND:
            raise RunNotFoundError(id, f"in the namespace {client.namespace!r}") from err
        raise
    if _first_run_id(last) != _first_run_id(meant):
        raise _refused(
            id, run_id or "", f"has the run id {run_id!r}, and {last.run_id!r} was started under that id since"
        )
    return last


def _first_run_id(described: WorkflowExecutionDescription) -> str:
    return described.raw_description.workflow_execution_info.first_run_id


def _reason_against(recorded: RunHistory, point: ResetPoint) -> str | None:
    if recorded.ended is None:
        return "is running: there is nothing to go on with"
    failure = recorded.ended.workflow_execution_failed_event_attributes.failure
    kind = failure.application_failure_info.type
    # One that a line of the handler raised is of something else: of what was sent to it, or of an argument.
    if kind == EventError.__name__ and not recorded.tasks and not failure_of(failure, recorded).where:
        job = recorded.started.workflow_type.name if recorded.started is not None else "JOB"
        return (
            f"failed before its first step, and would again: {failure.message}. Start a new run with an event that"
            f" fits: terse-temporal trigger {job} --event …"
        )
    if point.gone or (recorded.is_continued and point.task < 0):
        what = f"for its step {point.gone!r}, which had failed" if point.gone else "in on_failure, which had begun"
        return (
            f"failed {what} before it continued in a new history, and cannot go back to there: what has"
            f" been done since would be lost. {_RERUN}"
        )
    if not point.task:
        return f"ended before anything of it was run. {_RERUN}"
    return None


async def _base_of(client: Client, id: str, run_id: str) -> str:
    """Return the run that one was forked off; empty where its last events do not say it."""
    answer = await client.workflow_service.get_workflow_execution_history_reverse(
        GetWorkflowExecutionHistoryReverseRequest(
            namespace=client.namespace,
            execution=WorkflowExecution(workflow_id=id, run_id=run_id),
            maximum_page_size=_LAST_EVENTS,
        ),
        retry=True,
    )
    for event in answer.history.events:
        failed = event.workflow_task_failed_event_attributes
        if failed.new_run_id == run_id:
            return failed.base_run_id
    return ""


def _refused(id: str, run_id: str, why: str) -> RunRetryError:
    return RunRetryError(f"the run {id!r} {why}", id=id, run_id=run_id)
