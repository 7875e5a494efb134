"""A Temporal server for tests: the real one, on a clock of its own for every run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from types import TracebackType
from typing import Any, Self, Unpack

from temporalio.client import Client, WorkflowHandle
from temporalio.testing import TimeSkipper
from temporalio.worker import Worker

from ..converter import with_environment
from ..devserver import DevServer
from ..durations import to_timedelta
from ..errors import ServerUnavailableError
from ..jobs.job import Job
from ..runs.clocks import fast_forward
from ..runs.starting import DEFAULT_TASK_QUEUE
from ..state import StateStore
from ..worker import TemporalWorkerOptions, build_worker
from .starting import start_in_test

__all__ = ["JobEnvironment"]


class JobEnvironment:
    """A real Temporal server in a process of its own, in memory, for the length of an `async with` block.

    Every run that is started through it skips time: while nothing but a timer is open, the run's clock jumps to the
    timer's end, so that a job with `sleep("3d")` takes about as long as one without.

    Args:
        skip_time: `False` keeps to the clock on the wall.

    Raises:
        MissingExtraError: there is no Temporal CLI on this machine.

    Starting it takes about a fifth of a second: share one among the tests of a session where that matters.
    """

    def __init__(self, *, skip_time: bool = True) -> None:
        self._skip_time = skip_time
        self._server = DevServer(time_skipping=True)
        self._client: Client | None = None

    async def __aenter__(self) -> Self:
        await self._server.__aenter__()
        try:
            client = await Client.connect(
                self._server.address, namespace=self._server.namespace, data_converter=with_environment()
            )
        except BaseException:
            await self._server.__aexit__()
            raise
        self._clock = TimeSkipper(client)
        self._client = self._clock.client if self._skip_time else client
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._client = None
        await self._server.__aexit__()
        # A process that ends right after this is aborted, 4 times out of 15 measured, because a thread of the SDK's is
        # still on its way out (https://github.com/temporalio/sdk-python/issues/300). Not once after a pause.
        await asyncio.sleep(0.1)

    @property
    def client(self) -> Client:
        """A client of the server. Runs that it starts skip time."""
        if self._client is None:
            raise ServerUnavailableError(
                "the environment is not running: use it as `async with JobEnvironment() as env:`"
            )
        return self._client

    @property
    def address(self) -> str:
        """`host:port` of the server, for processes under test."""
        return self._server.address

    @asynccontextmanager
    async def worker(
        self,
        jobs: Iterable[Job] | None = None,
        *,
        task_queue: str = DEFAULT_TASK_QUEUE,
        state_store: StateStore | None = None,
        continue_after: int | None = None,
        **worker_options: Unpack[TemporalWorkerOptions],
    ) -> AsyncIterator[Worker]:
        """Run a worker in this process for the length of the block. The arguments are those of `build_worker`."""
        async with build_worker(
            self.client,
            jobs=jobs,
            task_queue=task_queue,
            state_store=state_store,
            continue_after=continue_after,
            **worker_options,
        ) as worker:
            yield worker

    async def start(
        self, job: Job | str, event: Any = None, *, id: str | None = None, task_queue: str = DEFAULT_TASK_QUEUE
    ) -> WorkflowHandle[Any, Any]:
        """Start a run with an event, and return its handle.

        Raises:
            EventError: the event does not fit the job. For one that is given by its name, the run says so.
            RunExistsError: a run of that id is open.
        """
        return await start_in_test(job, event, self.client, task_queue=task_queue, id=id)

    async def run(self, job: Job | str, event: Any = None, **options: Any) -> Any:
        """Start a run, as `start` does, and return its result.

        Raises:
            temporalio.client.WorkflowFailureError: the run failed; its `cause` tells with what.
        """
        return await (await self.start(job, event, **options)).result()

    async def skip(self, run: WorkflowHandle[Any, Any], duration: str | timedelta) -> None:
        """Let the clock of one run jump ahead, up to its end if that comes first."""
        await fast_forward(self._clock, run, to_timedelta(duration))
