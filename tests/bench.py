"""Running jobs of tests: one worker on the session's server, and what a run has left behind."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from terse_temporal import Job
from terse_temporal.engine.wire.history import RunHistory
from terse_temporal.testing import JobEnvironment

from .effects import Effects

__all__ = ["Bench", "Run", "cache_on", "scheduled", "steps", "timers"]

#: For runs that end in their first workflow task, or whose promise is kept in the activity: with the cache at zero
#: nothing more is replayed that would tell.
cache_on = pytest.mark.parametrize("cache", [1000], indirect=True)

Run = WorkflowHandle[Any, Any]

#: Seconds after which a run that has not ended counts as one that hangs.
PATIENCE = 60


class Bench:
    """Runs jobs on a worker of the test's own. Every event carries the path of the file of side effects."""

    def __init__(self, env: JobEnvironment, cache: int, task_queue: str, effects: Effects) -> None:
        self.env = env
        self.cache = cache
        self.task_queue = task_queue
        self.effects = effects

    def worker(self, *jobs: Job, **options: Any) -> AbstractAsyncContextManager[Worker]:
        """A worker for the length of the block."""
        return self.env.worker(jobs, task_queue=self.task_queue, max_cached_workflows=self.cache, **options)

    async def start(self, job: Job | str, **event: Any) -> Run:
        """Start a run, without a worker of its own. By its name, so that the run says what is wrong with its event."""
        name = job if isinstance(job, str) else job.name
        return await self.env.start(name, {"effects": str(self.effects), **event}, task_queue=self.task_queue)

    async def start_raw(self, job: Job, *inputs: Any) -> Run:
        """Start a run as any client of Temporal can, with whatever inputs."""
        return await self.env.client.start_workflow(
            job.name, args=inputs, id=f"{job.name}-{uuid.uuid4()}", task_queue=self.task_queue
        )

    async def start_on_the_wall_clock(self, job: Job | str, *, on: Client | None = None, **event: Any) -> Run:
        """Start a run that takes as long as it sleeps, by another client if one is given."""
        client = on or await Client.connect(self.env.address)
        name = job if isinstance(job, str) else job.name
        return await client.start_workflow(
            name,
            {"effects": str(self.effects), **event},
            id=f"{name}-{uuid.uuid4()}",
            task_queue=self.task_queue,
            # A workflow task that fails again and again is left to time out, for ten seconds otherwise.
            task_timeout=timedelta(seconds=2),
        )

    async def result(self, run: Run) -> Any:
        """The result of a run, or an error if it hangs."""
        async with asyncio.timeout(PATIENCE):
            return await run.result()

    async def failure(self, run: Run) -> ApplicationError:
        """What a run failed with: always an application failure that is not retried."""
        with pytest.raises(WorkflowFailureError) as caught:
            await self.result(run)
        failure = caught.value.cause
        assert isinstance(failure, ApplicationError)
        assert failure.non_retryable
        return failure

    async def reset(self, run: Run) -> Run:
        """Have the latest run of an id begin again after its first workflow task, as `temporal workflow reset` does."""
        client = self.env.client
        answer = await client.workflow_service.reset_workflow_execution(
            ResetWorkflowExecutionRequest(
                namespace=client.namespace,
                workflow_execution=WorkflowExecution(workflow_id=run.id),
                reason="a test",
                workflow_task_finish_event_id=4,
                request_id=uuid.uuid4().hex,
            ),
            retry=True,  # the server ends requests that a busy machine keeps it from answering in time
        )
        return client.get_workflow_handle(run.id, run_id=answer.run_id)

    async def run(self, job: Job, **event: Any) -> Any:
        """Run a job from start to end, and return its result."""
        async with self.worker(job):
            return await self.result(await self.start(job, **event))

    async def fail(self, job: Job, **event: Any) -> ApplicationError:
        """Run a job that fails, and return with what."""
        async with self.worker(job):
            return await self.failure(await self.start(job, **event))

    async def refuse(self, job: Job, **event: Any) -> ApplicationError:
        """Run a job that fails before it has scheduled anything, and return with what."""
        async with self.worker(job):
            run = await self.start(job, **event)
            failure = await self.failure(run)
        assert await scheduled(run) == []
        return failure


async def scheduled(run: Run) -> list[str]:
    """The names of the activities in the history of a run, in order."""
    return [
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in (await run.fetch_history()).events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    ]


async def steps(run: Run) -> list[str]:
    """The names of the steps of a run, local ones too, in order."""
    return [each.name for each in RunHistory((await run.fetch_history()).events).steps]


async def timers(run: Run) -> list[float]:
    """The seconds of the timers in the history of a run, in order."""
    return [
        event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta().total_seconds()
        for event in (await run.fetch_history()).events
        if event.event_type == EventType.EVENT_TYPE_TIMER_STARTED
    ]
