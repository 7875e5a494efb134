"""Runs of a job that this worker does not have: renamed, removed, or of another deployment.

Such a run must wait, not fail, because the next worker may have its job. It also must not fill the log, because its
workflow task is tried again for as long as it waits.

One that was started by hand, a moment ago, is more likely misspelt. `terse-temporal trigger` marks its runs as such;
the worker that takes the first workflow task of one, and has no such job, ends it. That it is the worker's decision
leaves no moment in which another may have begun the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from ...diagnostics.logs import logger_of
from ...diagnostics.once import Once
from ...diagnostics.text import did_you_mean, list_names
from ...errors import UnknownJobError
from ...serialization.wire_names import ENDS_IF_UNKNOWN_MEMO

__all__ = ["unknown_job_definition"]

_logger = logger_of("worker")


def unknown_job_definition(known: Iterable[str]) -> type:
    """Return a workflow class for every type that has none: its runs wait, and the worker says so once for each."""
    names = sorted(known)
    said = Once()

    async def run(self: Any, args: Sequence[RawValue]) -> None:
        info = workflow.info()
        problem = f"this worker has no job {info.workflow_type!r}; it has {list_names(names)}"
        problem += did_you_mean(info.workflow_type, names) or "."
        if _ends_here(info):
            raise ApplicationError(problem, type=UnknownJobError.__name__, non_retryable=True)
        message = (
            f"{problem} The run waits until a worker of the task queue {info.task_queue!r} has it. To give it up"
            f" instead: temporal workflow terminate --workflow-id {info.workflow_id}"
        )
        if said.is_new(info.run_id):
            _logger.error("run   %s  waits: %s", info.workflow_id, message)
        # Not a failure of Temporal's, so it fails the workflow task, which is tried again, and not the run.
        raise UnknownJobError(message)

    run.__qualname__ = "UnknownJob.run"
    del run.__annotations__["self"]
    definition = type("UnknownJob", (), {"run": workflow.run(run), "__module__": __name__})
    return workflow.defn(dynamic=True, sandboxed=False)(definition)


def _ends_here(info: workflow.Info) -> bool:
    # Only at its very beginning: later it has come so far by a worker that had the job, or was reset by somebody.
    if (
        info.continued_run_id
        or info.get_current_history_length() > _AT_THE_FIRST_TASK
        or workflow.unsafe.is_replaying()
    ):
        return False
    try:
        return workflow.memo_value(ENDS_IF_UNKNOWN_MEMO, default=False) is True
    except Exception:  # encoded in a way that this worker does not know, or somebody else's
        return False


#: Events: the run was started, the task scheduled and begun.
_AT_THE_FIRST_TASK: Final = 3
