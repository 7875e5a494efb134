"""Starting a run of a job.

Everything that starts one comes through here: the command line, the demo, the testing kit. An event that the job does
not take is refused before anything is started, with every wrong field, instead of by a run that fails.
"""

from __future__ import annotations

import sys
import uuid
from datetime import UTC, datetime
from typing import Any, Final

from temporalio.client import Client, WorkflowHandle
from temporalio.exceptions import WorkflowAlreadyStartedError

from ..engine.wire.payloads import event_arguments
from ..engine.workflow.scheduled import with_start
from ..errors import EventError, RunExistsError
from ..jobs.event_input import event_type, read_event
from ..jobs.registry import Job
from ..serialization.codec import Json, ValueProblem
from ..serialization.serializer import shared_serializer
from ..serialization.wire_names import ENDS_IF_UNKNOWN_MEMO

__all__ = ["DEFAULT_TASK_QUEUE", "start_run"]

#: Where workers take their work from, and runs are started, unless told otherwise.
DEFAULT_TASK_QUEUE: Final = "terse"


async def start_run(
    job: Job | str,
    event: Any = None,
    *,
    client: Client,
    id: str | None = None,
    task_queue: str = DEFAULT_TASK_QUEUE,
    ends_if_unknown: bool = False,
) -> WorkflowHandle[Any, Any]:
    """Start a run of a job, and return its handle.

    Args:
        job: it, or its name where its module is not at hand: then the run says what is wrong with its event.
        event: JSON data, a pydantic model or a dataclass; `None` is an empty event.
        client: of the server that the run is started on.
        id: its workflow id; by default the job's name and a random part.
        task_queue: of the workers that have the job.
        ends_if_unknown: let it fail at once on a worker that does not have the job, instead of waiting for one that
            has.

    Raises:
        EventError: the event is not JSON, or does not fit the job; nothing is started.
        JobDefinitionError: nothing can be validated against the type that the handler wants.
        RunExistsError: a run of that workflow id is open.
        temporalio.service.RPCError: the server refuses it.
    """
    name = job if isinstance(job, str) else job.name
    data = _event_json(job, event)
    workflow_id = id or f"{name}-{uuid.uuid4()}"
    try:
        return await client.start_workflow(
            name,
            args=event_arguments(data, client),
            id=workflow_id,
            task_queue=task_queue,
            memo={ENDS_IF_UNKNOWN_MEMO: True} if ends_if_unknown else None,
        )
    except WorkflowAlreadyStartedError as err:
        raise RunExistsError(workflow_id, err.run_id or "") from None


def _event_json(job: Job | str, event: Any) -> Json | None:
    """Return the event as it is sent, or raise what is wrong with it."""
    name = job if isinstance(job, str) else job.name
    try:
        data = None if event is None else shared_serializer.codec(Any).record(event)
    except ValueProblem as problem:
        raise EventError(f"the event for the job {name!r} is not JSON: {problem}") from None
    if isinstance(job, Job):
        home = sys.modules.get(job._home)
        namespace = None if home is None else vars(home)
        expected = event_type(job.handler, job.triggers, namespace)
        raw = with_start(None if data is None else data.data, expected, datetime.now(UTC))
        read_event(raw, expected, job=name, where=job.where, namespace=namespace)
    return data
