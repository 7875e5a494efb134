"""Starting a run in a test."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from temporalio.client import Client, WorkflowHandle

from ..errors import EventError
from ..jobs.job import Job
from ..jobs.run_requests import run_request
from ..runs.starting import start_run

__all__ = ["start_in_test"]


async def start_in_test(
    job: Job | str,
    event: Any,
    client: Client,
    *,
    task_queue: str,
    key: str | None = None,
    id: str | None = None,
    tags: Iterable[str] = (),
) -> WorkflowHandle[Any, Any]:
    """Start a run, by the arguments of `Job.start`, and return its handle. An open run of that id is an error.

    Raises:
        EventError: the event does not fit the job. For one that is given by its name, the run says so.
        RunExistsError: a run of that id is open.
    """
    __tracebackhide__ = True
    try:
        request = run_request(job, event, key=key, id=id, tags=tags, task_queue=task_queue)
    except EventError as error:
        raise error from None  # it says all that its cause does, of which pytest would show the source
    return (await start_run(replace(request, if_exists=None), client)).handle
