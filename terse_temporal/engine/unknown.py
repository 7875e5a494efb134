"""Runs of a job that this worker does not have: renamed, removed, or of another deployment.

Such a run must wait, not fail, because the next worker may have its job. It also must not fill the log, because its
workflow task is tried again for as long as it waits.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue

from ..errors import UnknownJobError
from ..once import Once

__all__ = ["is_dynamic", "unknown_job_definition"]

_logger = logging.getLogger("terse_temporal.worker")


def unknown_job_definition(known: Iterable[str]) -> type:
    """A workflow class for every type that has none: its runs wait, and the worker says so once for each."""
    names = ", ".join(sorted(known))
    said = Once()

    async def run(self: Any, args: Sequence[RawValue]) -> None:
        info = workflow.info()
        message = (
            f"this worker has no job {info.workflow_type!r}; it has {names}. The run waits until a worker of the task"
            f" queue {info.task_queue!r} has it. To give it up instead: temporal workflow terminate --workflow-id"
            f" {info.workflow_id}"
        )
        if said.is_new(info.run_id):
            _logger.error("run   %s  waits: %s", info.workflow_id, message)
        # Not a failure of Temporal's, so it fails the workflow task, which is tried again, and not the run.
        raise UnknownJobError(message)

    run.__qualname__ = "UnknownJob.run"
    del run.__annotations__["self"]
    definition = type("UnknownJob", (), {"run": workflow.run(run), "__module__": __name__})
    return workflow.defn(dynamic=True, sandboxed=False)(definition)


def is_dynamic(definition: type) -> bool:
    """Whether a workflow class takes every type that has none of its own. A worker has room for one."""
    found = getattr(definition, "__temporal_workflow_definition", None)
    return found is not None and found.name is None
