"""Starting a run of a job by its name."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..execution.run_operations import IfExists
from .job import Job
from .registry import registered_job
from .run_requests import run_request
from .runs import Run, run_operations, started

if TYPE_CHECKING:
    from temporalio.client import Client

__all__ = ["start_run"]


def start_run(
    job: Job | str,
    event: Any = None,
    *,
    key: str | None = None,
    id: str | None = None,
    if_exists: IfExists = "attach",
    delay: str | timedelta | datetime | None = None,
    tags: Iterable[str] = (),
    client: Client | None = None,
    task_queue: str | None = None,
) -> Coroutine[Any, Any, Run]:
    """Start a run of a job by its name, where its module is not at hand: as `Job.start` does, with its arguments.

    Args:
        job: the job's name. One that is registered in this process is taken as `Job.start` takes it. Of any other
            nothing can be checked here: an event that does not fit fails the run, with every wrong field; and if no
            worker of the task queue has such a job, the run waits for one that has.
        event: JSON data, a pydantic model or a dataclass; `None` is an empty event.
        key, id, if_exists, delay, tags, client, task_queue: as for `Job.start`.

    Returns:
        What to await for the `Run`.
    """
    operations = run_operations(client)
    known = registered_job(job) if isinstance(job, str) else job
    request = run_request(
        known or job, event, key=key, id=id, if_exists=if_exists, delay=delay, tags=tags, task_queue=task_queue
    )
    return started(operations, request)
