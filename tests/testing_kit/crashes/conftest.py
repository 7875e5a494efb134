"""What the crash tests share: a client whose runs keep to the clock on the wall, until they are told to skip."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import TimeSkipper

from terse_temporal import Job, registered_jobs
from terse_temporal.execution.test_doubles import CallDoubles
from terse_temporal.runs.clocks import fast_forward
from terse_temporal.testing import JobEnvironment
from terse_temporal.testing.crashes import CrashPoint, CrashReport, CrashWorkers, ForkServers, survive

from ...effects import Effects
from . import jobs_crashes


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def client(env: JobEnvironment) -> Client:
    """A client of the session's server."""
    return await Client.connect(env.address)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def fork_servers() -> AsyncIterator[ForkServers]:
    """What the worker processes of a session are forked from."""
    async with ForkServers() as servers:
        yield servers


class Bench:
    """Crashes jobs, with their effects in a file."""

    def __init__(self, client: Client, effects: Effects, fork_servers: ForkServers) -> None:
        self.client = client
        self.fork_servers = fork_servers
        self.effects = effects
        self.task_queue = f"crs-{uuid.uuid4()}"
        self._clock = TimeSkipper(client)

    @asynccontextmanager
    async def workers(
        self, job: str, *points: CrashPoint, doubles: CallDoubles | None = None, **more: Any
    ) -> AsyncIterator[CrashWorkers]:
        """Worker processes for a job."""
        async with CrashWorkers(
            self.client,
            task_queue=self.task_queue,
            jobs=[named(job)],
            points=points,
            doubles=doubles,
            servers=self.fork_servers,
            **more,
        ) as workers:
            yield workers

    async def start(self, job: str, task_queue: str = "", workflow_id: str = "") -> WorkflowHandle[Any, Any]:
        """Start a run of it."""
        return await self.client.start_workflow(
            job,
            {"effects": str(self.effects), "to": "ada"},
            id=workflow_id or str(uuid.uuid4()),
            task_queue=task_queue or self.task_queue,
            task_timeout=timedelta(seconds=3),
        )

    async def skip(self, run: WorkflowHandle[Any, Any], duration: timedelta | None) -> None:
        """Let its clock jump."""
        await fast_forward(self._clock, run, duration)

    async def result(self, job: str, *points: CrashPoint, doubles: CallDoubles | None = None) -> Any:
        """What a run gives whose workers die at these points. Every point has to be met."""
        async with self.workers(job, *points, doubles=doubles) as workers:
            run = await self.start(job)
            workers.watch(run)
            async with asyncio.timeout(60):
                result = await workers.result(run)
            assert [crash.point for crash in workers.crashes] == list(points)
        return result

    async def survive(self, job: str, doubles: Callable[[], CallDoubles] | None = None, **more: Any) -> CrashReport:
        """Crash a job everywhere."""

        async def start(task_queue: str, workflow_id: str) -> WorkflowHandle[Any, Any]:
            return await self.start(job, task_queue, workflow_id)

        report = await survive(
            start,
            client=self.client,
            job=named(job),
            skip=self.skip,
            doubles=doubles,
            servers=self.fork_servers,
            **more,
        )
        print(report)
        return report

    def happened(self) -> list[tuple[str, str]]:
        """The effects so far: names of steps, with their keys."""
        return [(name, key) for name, _, key in map(str.split, self.effects.lines())]


@pytest.fixture
def bench(client: Client, effects: Effects, fork_servers: ForkServers) -> Bench:
    """A bench."""
    return Bench(client, effects, fork_servers)


def named(job: str) -> Job:
    """The job of a name, of those to be crashed."""
    found: Sequence[Job] = [each for each in registered_jobs() if each.module == jobs_crashes.__name__]
    return next(each for each in found if each.name == job)
