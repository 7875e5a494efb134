"""`jobs`, the fixture: runs of jobs on a real server, with stand-ins for what they talk to."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from datetime import datetime, timedelta
from typing import Any, Final

from temporalio.service import RPCError

from ..durations import to_timedelta
from ..engine.replays import replay
from ..engine.state_store import state_workflow_id
from ..errors import DurationError, StandInError, TerseError, UnknownJobError
from ..invocation import cached_codec
from ..jobs import Job, registered_jobs
from ..stand_ins import FunctionCall, StandIns, with_stand_ins
from ..state import StateId
from ..tools.tool import listed, nearest
from ..values import ValueProblem
from ..worker import build_worker
from .backstage import Backstage
from .inputs import Inputs
from .model_double import ModelDouble
from .run import Run, run_table
from .state_of_job import StateOfJob
from .step_doubles import StepDoubles
from .tool_doubles import ToolDoubles

__all__ = ["Jobs"]

#: Seconds that a wait of a test takes at most.
TIMEOUT: Final = 30.0


class Jobs:
    """The jobs that a test runs. The fixture `jobs` is one, with a task queue of its own for each job.

    Attributes:
        tools: what stands in for tools: `jobs.tools.slack.send_message.returns(…)`.
        model: what stands in for the model: `jobs.model.replies("…")`.
        steps: what stands in for single steps: `jobs.steps.charge.raises(…)`.
        inputs: what people answer: `jobs.inputs.approves("crm.delete_customer")`.
        runs: those that the test has started.

    What is not replaced is real. A worker for a job is started with its first run, and costs some 30 ms.
    """

    def __init__(self, backstage: Backstage, *, timeout: float = TIMEOUT) -> None:
        self._backstage = backstage
        self._timeout = timeout
        self._name = f"test-{uuid.uuid4()}"
        self._open = AsyncExitStack()
        self._queues: dict[str, str] = {}
        self._starting = asyncio.Lock()
        self._troubles: list[BaseException] = []
        self.tools = ToolDoubles()
        self.model = ModelDouble()
        self.steps = StepDoubles()
        self.inputs = Inputs()
        self.runs: list[Run] = []

    @property
    def address(self) -> str:
        """`host:port` of the server."""
        return self._backstage.address

    @property
    def namespace(self) -> str:
        """The namespace on the server."""
        return self._backstage.client.namespace

    async def start(self, job: Job | str, event: Any = None, *, id: str | None = None) -> Run:
        """Start a run.

        Args:
            job: it, or its name.
            event: what it gets: JSON data, a pydantic model or a dataclass. Without it, an empty event.
            id: of the workflow; without it the job's name and a random part.

        Raises:
            UnknownJobError: no job of that name is registered.
            StandInError: something stands in for a tool that is not there.
        """
        __tracebackhide__ = True
        return await self._backstage.run(self._start(_named(job), event, id))

    async def run(self, job: Job | str, event: Any = None) -> Any:
        """Start a run, let it come to its end, and return its result: `start` and `Run.result`."""
        __tracebackhide__ = True
        return await (await self.start(job, event)).result()

    async def skip(self, duration: str | timedelta) -> None:
        """Let the clocks of all open runs jump ahead, and wait until what that begins has ended or sleeps again.

        Args:
            duration: as for `sleep`. A sleep that ends exactly then is over.

        Raises:
            AssertionError: no run is open, or one does not come to the end of that time.
        """
        __tracebackhide__ = True
        await self._backstage.run(self._skip(to_timedelta(duration)))

    async def skip_to(self, when: datetime) -> None:
        """Let the clocks of all open runs jump to a moment, as `skip` does.

        Raises:
            DurationError: it is naive, or not ahead on the clock of any run.
        """
        __tracebackhide__ = True
        if when.tzinfo is None:
            raise DurationError(f"skip_to({when!r}): give a datetime with a timezone")
        await self._backstage.run(self._skip_to(when))

    def state(self, job: Job | str) -> StateOfJob:
        """The state of a job in this test, to set before a run and to read after it."""
        return StateOfJob(self, _named(job))

    async def _start(self, job: Job, event: Any, id: str | None) -> Run:
        task_queue = await self._worker(job)
        handle = await self._backstage.client.start_workflow(
            job.name,
            args=[] if event is None else [_data(event)],
            id=id or f"{job.name}-{uuid.uuid4()}",
            task_queue=task_queue,
        )
        self.runs.append(run := Run(self, job, handle))
        return run

    async def _worker(self, job: Job) -> str:
        """The task queue of a job, with a worker on it."""
        async with self._starting:
            if job.name not in self._queues:
                task_queue = f"{self._name}-{job.name}"
                with with_stand_ins(self._stand_ins()):
                    worker = build_worker(
                        self._backstage.client,
                        jobs=[job],
                        task_queue=task_queue,
                        # A test that has ended does not care for what it has left running.
                        graceful_shutdown_timeout=timedelta(),
                        on_fatal_error=self._fatal,
                    )
                    await self._open.enter_async_context(worker)
                self._queues[job.name] = task_queue
            self.tools._check()
        return self._queues[job.name]

    def _stand_ins(self) -> StandIns:
        async def call(made: FunctionCall) -> Any:
            if made.reference.startswith("@sdk:"):
                return await made.proceed()
            doubles = self.tools if made.reference.startswith("@tool:") else self.steps
            try:
                return await doubles._answer(made)
            except StandInError as err:
                # The job may catch it, or a model be told of it: the test fails all the same.
                self._troubles.append(err)
                raise

        return StandIns(call, self.model._instead_of, frozenset(self.tools._servers))

    async def _fatal(self, error: BaseException) -> None:
        self._troubles.append(error)

    def _worker_trouble(self) -> str | None:
        """What went wrong that is no job's fault."""
        first = next(iter(self._troubles), None)
        return (
            None if first is None else f"{'' if isinstance(first, TerseError) else f'{type(first).__name__}: '}{first}"
        )

    async def _open_runs(self) -> list[Run]:
        looks = await asyncio.gather(*(run._look() for run in self.runs))
        return [run for run, look in zip(self.runs, looks, strict=True) if look.is_open]

    async def _skip(self, duration: timedelta) -> None:
        __tracebackhide__ = True
        runs = await self._open_runs()
        if not runs:
            raise AssertionError("jobs.skip: no run of this test is open")
        await asyncio.gather(*(run._skip(duration) for run in runs))

    async def _skip_to(self, when: datetime) -> None:
        __tracebackhide__ = True
        runs = await self._open_runs()
        if not runs:
            raise AssertionError("jobs.skip_to: no run of this test is open")
        clocks = [(await run._look()).clock for run in runs]
        if all(clock >= when for clock in clocks):
            raise DurationError(f"skip_to({when.isoformat()}): it is {min(clocks).isoformat()} on the clock of the run")
        # One that is there already stays there.
        await asyncio.gather(
            *(run._skip(when - clock) for run, clock in zip(runs, clocks, strict=True) if clock < when)
        )

    async def _verify(self) -> None:
        """Replay every run of the test, and see that nothing has gone wrong on the way.

        Raises:
            AssertionError: a history does not fit the code that has just written it.
        """
        __tracebackhide__ = True
        if self._troubles:
            raise AssertionError(f"what stands in for others in this test did not do: {self._worker_trouble()}")
        for run in self.runs:
            async for replayed in replay([run.job], [(await run._look()).history]):
                if replayed.failure is not None:
                    raise AssertionError(
                        f"the run {run.id} would not survive its own replay: run again from its history, as after a"
                        f" restart, the job {run.job.name!r} does something else. {replayed.failure}\n"
                        f"{replayed.table or ''}"
                    )

    async def _close(self) -> None:
        """End what the test has left running, and the workers."""
        self.tools._end()
        async with self._open:
            for run in self.runs:
                with suppress(RPCError):
                    await run._handle.terminate("the test has ended")
            if not self._backstage.own_server:
                await self._end_states()

    async def _end_states(self) -> None:
        # On a server of the user's, they would stay for ever.
        for job, task_queue in self._queues.items():
            of = StateId(self.namespace, task_queue, job)
            with suppress(RPCError):
                await self._backstage.client.get_workflow_handle(state_workflow_id(of)).terminate("the test has ended")

    async def _report(self) -> str:
        """What the runs of the test have done, for one that fails."""
        tables = []
        for run in self.runs:
            look = await run._look()
            status = "running" if look.status is None else look.status.name.lower()
            tables.append(f"{run.id}  {status}\n{run_table(look)}")
        return "\n\n".join(tables)


def _named(job: Job | str) -> Job:
    if isinstance(job, Job):
        return job
    known: Mapping[str, Job] = {each.name: each for each in registered_jobs()}
    if job not in known:
        raise UnknownJobError(
            f"no job {job!r} is registered{nearest(job, known)} (there are {listed(known) or 'none'}). Import its"
            " module in the test, or name it in the settings of pytest: terse_jobs = shop.jobs"
        )
    return known[job]


def _data(event: Any) -> Any:
    try:
        return cached_codec(Any).dump(event)
    except ValueProblem as problem:
        raise TerseError(f"this is no event, which is JSON: {problem}") from None
