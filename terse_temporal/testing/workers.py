"""The workers of one test: for jobs that belong together one in this process, or one that crashes in its own."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from typing import Any, Final

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError

from ..engine.events.messages import events_workflow_id
from ..engine.state.store import state_workflow_id
from ..errors import MountError
from ..execution.test_doubles import use_doubles
from ..jobs.job import Job
from ..jobs.run_events import send_event
from ..serialization.wire_names import EVENTS_WORKFLOW, WAITS_WORKFLOW
from ..state import StateId
from ..worker import build_worker
from .all_doubles import Doubles
from .chosen_ids import delete_runs_of_chosen_ids
from .crashes import CrashPoint, CrashWorkers
from .loop_thread import LoopThread
from .project_jobs import jobs_with

__all__ = ["Workers"]

_TOLD: Final = EventType.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED
_TAKEN: Final = EventType.EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED
_NOT_TAKEN: Final = EventType.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED


class Workers:
    """Workers that are started when a job is first needed, each on a task queue of its own.

    A worker has all jobs that belong together, so that they can start each other.

    Attributes:
        crash_points: where workers that are started from now on are killed.
    """

    def __init__(self, loop_thread: LoopThread, doubles: Doubles) -> None:
        self._loop_thread = loop_thread
        self._doubles = doubles
        self._name = f"test-{uuid.uuid4()}"
        self._open = AsyncExitStack()
        self._starting = asyncio.Lock()
        self._queues: dict[str, str] = {}
        self._jobs: dict[str, list[Job]] = {}
        self._processes: dict[str, CrashWorkers] = {}
        self._errors: list[BaseException] = []
        self._sent: list[Callable[[str], Awaitable[None]]] = []
        self.crash_points: list[CrashPoint] = []

    async def queue_of(self, job: Job) -> str:
        """Return the task queue of a job, with a worker on it."""
        async with self._starting:
            if job.name not in self._queues:
                await self._start_on_a_queue(jobs_with(job))
            self._doubles.tools._check()
        return self._queues[job.name]

    async def queues_of(self, jobs: Sequence[Job]) -> dict[str, list[Job]]:
        """Return the task queues of some jobs, with all jobs of each. Those that have no worker get one together."""
        async with self._starting:
            if any(job.name not in self._queues for job in jobs):
                await self._start_on_a_queue(jobs)
            self._doubles.tools._check()
        return {queue: self._jobs[queue] for queue in dict.fromkeys(self._queues[job.name] for job in jobs)}

    async def _start_on_a_queue(self, jobs: Sequence[Job]) -> None:
        # Whoever has a worker keeps it: a job may have been made since.
        together = [each for each in jobs if each.name not in self._queues]
        task_queue = f"{self._name}-{together[0].name}"
        if self.crash_points:
            await self._start_process(together, task_queue)
        else:
            await self._start(together, task_queue)
        self._queues.update({each.name: task_queue for each in together})
        self._jobs[task_queue] = together
        for send in self._sent:
            await send(task_queue)

    async def send_event(self, name: str, data: Any, *, key: str, id: str | None) -> None:
        """Send an event by key to the task queues of the test, and to those that there will be."""
        async with self._starting:

            async def send(task_queue: str) -> None:
                await send_event(name, data, key=key, id=id, client=self._loop_thread.client, task_queue=task_queue)

            # What is wrong with it is wrong now.
            for task_queue in set(self._queues.values()) or {self._name}:
                await send(task_queue)
            # Brought to the runs that wait, before the test skips their time.
            for task_queue in set(self._queues.values()):
                await self._brought(events_workflow_id(task_queue, name, key))
            self._sent.append(send)

    async def _brought(self, workflow_id: str) -> None:
        """Wait until the workflow of a key has done all that it was told: 10 seconds at most."""
        events = self._loop_thread.client.get_workflow_handle(workflow_id)
        with suppress(TimeoutError):
            async with asyncio.timeout(10):
                while True:
                    described = await events.describe()
                    kinds = Counter(each.event_type for each in (await events.fetch_history()).events)
                    is_at_work = described.raw_description.HasField("pending_workflow_task")
                    if described.status is not WorkflowExecutionStatus.RUNNING:
                        return
                    if not is_at_work and kinds[_TOLD] == kinds[_TAKEN] + kinds[_NOT_TAKEN]:
                        return
                    await asyncio.sleep(0.02)

    @property
    def started(self) -> bool:
        """Whether there are any yet."""
        return bool(self._queues)

    def known_queue_of(self, job: Job) -> str | None:
        """Return the task queue of a job that has a worker."""
        return self._queues.get(job.name)

    def has(self, job: Job) -> bool:
        """Return whether a job has a worker."""
        return job.name in self._queues

    def watch(self, job: Job, run: WorkflowHandle[Any, Any]) -> None:
        """Tell of a run that was started."""
        if (process := self._processes.get(job.name)) is not None:
            process.watch(run)

    @property
    def not_crashed(self) -> Iterable[CrashPoint]:
        """The points to which no run has come."""
        crashed = [crash.point for workers in self._processes.values() for crash in workers.crashes]
        return [point for point in self.crash_points if not any(each is point for each in crashed)]

    @property
    def trouble(self) -> str | None:
        """What went wrong that is no job's fault."""
        lost = [workers.failed.exception() for workers in self._processes.values() if workers.failed.done()]
        first = next(iter([*self._doubles.troubles, *self._errors, *lost]), None)
        return None if first is None else f"{type(first).__name__}: {first}"

    async def close(self, runs: Iterable[str]) -> None:
        """End them, and what `runs`, the ids of runs that have been ended, and others have left on the server."""
        async with self._open:
            if not self._loop_thread.own_server:
                await self._end_states()
        if self._loop_thread.own_server:  # on another, people look at the runs
            queues = {self._name, *self._queues.values()}
            await delete_runs_of_chosen_ids(self._loop_thread.client, queues, runs)

    async def _start(self, jobs: Sequence[Job], task_queue: str) -> None:
        with use_doubles(self._doubles.doubles()):
            worker = build_worker(
                self._loop_thread.client,
                jobs=jobs,
                task_queue=task_queue,
                # A test that has ended does not care for what it has left running.
                graceful_shutdown_timeout=timedelta(),
                on_fatal_error=self._fatal,
            )
            try:
                await self._open.enter_async_context(worker)
            except MountError as err:
                raise MountError(
                    f"{err} In a test, all of its tools can have test doubles: jobs.tools.serve(…)."
                ) from None

    async def _start_process(self, jobs: Sequence[Job], task_queue: str) -> None:
        workers = CrashWorkers(
            self._loop_thread.client,
            task_queue=task_queue,
            jobs=jobs,
            points=self.crash_points,
            doubles=self._doubles.doubles(),
            servers=self._loop_thread.fork_servers,
        )
        await self._open.enter_async_context(workers)
        self._processes.update({job.name: workers for job in jobs})

    async def _fatal(self, error: BaseException) -> None:
        self._errors.append(error)

    async def _end_states(self) -> None:
        # On a server of the user's, they would stay for ever.
        client = self._loop_thread.client
        for task_queue in {self._name, *self._queues.values()}:
            types = f'WorkflowType IN ("{EVENTS_WORKFLOW}", "{WAITS_WORKFLOW}")'
            query = f'{types} AND TaskQueue = "{task_queue}" AND ExecutionStatus = "Running"'
            with suppress(RPCError):
                async for found in client.list_workflows(query):
                    await client.get_workflow_handle(found.id).terminate("the test has ended")
        for job, task_queue in self._queues.items():
            state = client.get_workflow_handle(state_workflow_id(StateId(client.namespace, task_queue, job)))
            with suppress(RPCError):
                await state.terminate("the test has ended")
