"""Versions of one module of jobs, and histories of runs that have come to a certain event."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle, WorkflowHistory

from terse_temporal.engine.replay.replayer import Replayed, replay
from terse_temporal.jobs.job import Job
from terse_temporal.jobs.registry import collecting
from terse_temporal.worker import build_worker

_T = TypeVar("_T")

#: A job that has come to its sleep has three calls behind it.
ONBOARD = """
import asyncio
from pydantic import BaseModel
from temporalio import workflow
from terse_temporal import create_job, job_step, log, sleep

class Customer(BaseModel):
    email: str

def create_account():
    return "account-1"

def send_welcome():
    return "message-1"

def send_check_in():
    return "message-2"

@create_job(name="rpl-onboard", durable=True)
async def onboard(event):
    log("onboarding begins")
    await job_step(run=create_account)
    await job_step(run=send_welcome)
    await sleep("3d")
    log("three days later")
    await job_step(run=send_check_in)
    return "done"
"""


@contextmanager
def version(source: str, folder: Path) -> Iterator[list[Job]]:
    """The jobs of a module with that source, from a file, and unknown to the registry."""
    name = f"rpl_{uuid.uuid4().hex}"
    file = folder / f"{name}.py"
    file.write_text(source)
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with collecting() as jobs:
            spec.loader.exec_module(module)
        yield list(jobs.values())
    finally:
        del sys.modules[name]


@asynccontextmanager
async def running(
    client: Client, jobs: Sequence[Job], *, task_queue: str | None = None, **options: Any
) -> AsyncIterator[str]:
    """A worker with these jobs, on the task queue that is yielded."""
    task_queue = task_queue or f"rpl-{uuid.uuid4()}"
    async with build_worker(client, jobs=jobs, task_queue=task_queue, **options):
        yield task_queue


async def started(client: Client, job: str, task_queue: str, event: Any = None, **options: Any) -> Any:
    """A run of a job."""
    args = [] if event is None else [event]
    return await client.start_workflow(job, args=args, id=f"{job}-{uuid.uuid4()}", task_queue=task_queue, **options)


async def come_to(run: WorkflowHandle[Any, Any], kind: EventType.ValueType, *, times: int = 1) -> WorkflowHistory:
    """The history of a run as soon as it has an event of a kind."""
    return await eventually(
        run.fetch_history, lambda history: sum(event.event_type == kind for event in history.events) >= times
    )


async def eventually(ask: Callable[[], Awaitable[_T]], until: Callable[[_T], bool]) -> _T:
    """Ask until the answer is as wanted."""
    async with asyncio.timeout(100):
        while not until(answer := await ask()):  # noqa: ASYNC110  it happens elsewhere, and tells nobody
            await asyncio.sleep(0.02)
        return answer


async def replayed(jobs: Sequence[Job] | None, *histories: WorkflowHistory, **options: Any) -> list[Replayed]:
    """What comes of histories."""
    return [each async for each in replay(jobs, histories, **options)]
