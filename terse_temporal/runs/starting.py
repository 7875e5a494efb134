"""Starting a run of a job by a client.

Everything that starts one comes through here: scripts, steps, the command line, the demo, the testing kit. What is to
be started was checked before (`jobs/run_requests.py`).
"""

from __future__ import annotations

import uuid
from typing import Any, Final, NamedTuple

from temporalio.client import Client, WorkflowHandle
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from ..engine.running_workers import may_start_eagerly
from ..engine.sdk_private import was_started
from ..engine.wire.payloads import event_arguments
from ..errors import EventError, RunExistsError
from ..execution.run_operations import IfExists, RunRequest
from ..serialization.wire_names import ENDS_IF_UNKNOWN_MEMO, SCHEDULE_MEMO
from .requests import request as ask
from .search_attributes import TAGS, refusal

__all__ = ["DEFAULT_TASK_QUEUE", "Scheduled", "Started", "start_run"]

#: Where workers take their work from, and runs are started, unless told otherwise.
DEFAULT_TASK_QUEUE: Final = "terse"

#: What the server does where an id was used before: by a run that has ended, and by one that is open.
_POLICIES: Final[dict[IfExists | None, tuple[WorkflowIDReusePolicy, WorkflowIDConflictPolicy]]] = {
    None: (WorkflowIDReusePolicy.ALLOW_DUPLICATE, WorkflowIDConflictPolicy.FAIL),
    "attach": (WorkflowIDReusePolicy.REJECT_DUPLICATE, WorkflowIDConflictPolicy.USE_EXISTING),
    "fail": (WorkflowIDReusePolicy.REJECT_DUPLICATE, WorkflowIDConflictPolicy.FAIL),
    "rerun": (WorkflowIDReusePolicy.ALLOW_DUPLICATE, WorkflowIDConflictPolicy.USE_EXISTING),
}


class Scheduled(NamedTuple):
    """By which schedule a run was started, and for which moment: its event has that.

    Attributes:
        attributes: the server's search attributes that say so.
        memo: what the schedule tells its runs, if that is one of ours.
    """

    attributes: tuple[SearchAttributePair[Any], ...]
    memo: Any | None


class Started(NamedTuple):
    """The handle of a run, and whether it was started just now; else it was there."""

    handle: WorkflowHandle[Any, Any]
    is_new: bool


async def start_run(
    request: RunRequest,
    client: Client,
    *,
    task_queue: str = "",
    ends_if_unknown: bool = False,
    scheduled: Scheduled | None = None,
    eagerly: bool = False,
) -> Started:
    """Start a run of a job; or find the run which is there, where the request says so.

    Args:
        request: what is to be started. Without an id it gets one of the job's name and a random part.
        client: of the server that the run is started on.
        task_queue: where the request names none.
        ends_if_unknown: let it fail at once on a worker that does not have the job, instead of waiting for one that
            has.
        scheduled: the moment of a schedule that the run is for, if it is for one.
        eagerly: have the server answer with the first task of the run, where a worker of this process, with the same
            connection, has the job on that task queue. A server that cannot, or is not to, has a worker fetch it.

    Raises:
        EventError: the event is over the server's limit as the client encodes it.
        RunExistsError: the id is taken, and the request says to fail; or a run of another job has it.
        SetupError: it has tags, and the server does not know the search attribute for them.
        StartError: the server refuses what it is to be started with.
        ServerUnavailableError: the server does not answer, or refuses.
    """
    workflow_id = request.id or f"{request.job}-{uuid.uuid4()}"
    reuse, conflict = _POLICIES[request.if_exists]
    attributes: list[SearchAttributePair[Any]] = [SearchAttributePair(TAGS, request.tags)] if request.tags else []
    memo: dict[str, Any] = {ENDS_IF_UNKNOWN_MEMO: True} if ends_if_unknown else {}
    if scheduled is not None:
        attributes += scheduled.attributes
        memo |= {} if scheduled.memo is None else {SCHEDULE_MEMO: scheduled.memo}
    what = f"the job {request.job!r} cannot be started"
    queue = request.task_queue or task_queue or DEFAULT_TASK_QUEUE
    starting = client.start_workflow(
        request.job,
        args=event_arguments(request.event, client),
        id=workflow_id,
        task_queue=queue,
        id_reuse_policy=reuse,
        id_conflict_policy=conflict,
        memo=memo or None,
        search_attributes=TypedSearchAttributes(attributes) if attributes else None,
        start_delay=request.delay,
        request_eager_start=eagerly and request.delay is None and may_start_eagerly(client, queue, request.job),
    )
    try:
        handle = await ask(starting, what, client)
    except WorkflowAlreadyStartedError as err:
        if request.if_exists != "attach" or not err.run_id:
            how = "running" if request.if_exists is None else "there"
            raise RunExistsError(workflow_id, err.run_id or "", how) from None
        handle = client.get_workflow_handle(workflow_id, run_id=err.run_id, first_execution_run_id=err.run_id)
        is_new = False
    except RPCError as err:
        if "size exceeds limit" in err.message:  # by what the client's codec adds to it
            raise EventError(f"{what}: its event, as the client encodes it, is over the server's limit") from err
        raise refusal(err, what, client) from err
    else:
        is_new = was_started(handle)
    if not is_new:
        described = await ask(handle.describe(), what, client)
        if described.workflow_type != request.job:
            raise RunExistsError(workflow_id, described.run_id, f"there, of {described.workflow_type!r}")
    return Started(handle, is_new)
