"""`jobs`, the fixture: runs of jobs on a real server, with test doubles for what they talk to."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any, Final, Literal

from temporalio.client import WorkflowHandle
from temporalio.service import RPCError

from ..diagnostics.text import did_you_mean, list_names
from ..durations import to_timedelta
from ..engine.replay.replayer import replay
from ..errors import (
    CrashTestError,
    DurationError,
    JobTestError,
    TestDoubleError,
    UnknownJobError,
)
from ..jobs.job import Job
from ..jobs.registry import registered_jobs
from .all_doubles import Doubles
from .crash_runs import crash_at_boundaries
from .crashes import CrashPoint, CrashReport
from .deliveries import Deliveries, Outgoing
from .job_doubles import JobDoubles
from .job_state import StateOfJob
from .loop_thread import LoopThread
from .model_double import ModelDouble
from .project_jobs import jobs_of_test, jobs_with
from .questions import Inputs
from .run import Run
from .skipping import hear, skip
from .snapshot import RunSnapshot
from .starting import start_in_test
from .step_doubles import StepDoubles, check_step
from .tool_doubles import ToolDoubles
from .watched_run import WatchedRun
from .workers import Workers

__all__ = ["Jobs"]

#: Seconds that a wait of a test takes at most.
TIMEOUT: Final = 30.0


class Jobs:
    """The jobs that a test runs. The fixture `jobs` is one, with a task queue of its own for each job.

    Attributes:
        tools: the test doubles of tools: `jobs.tools.slack.send_message.returns(…)`.
        model: the test double of the model: `jobs.model.replies("…")`.
        steps: the test doubles of single steps: `jobs.steps.charge.raises(…)`.
        jobs: the test doubles of jobs that others start: `jobs.jobs["charge"].returns(…)`.
        inputs: what people answer: `jobs.inputs.approves("crm.delete_customer")`.
        runs: those that the test has started.

    What is not replaced is real. A worker for a job is started with its first run, and costs some 30 ms.
    """

    def __init__(self, loop_thread: LoopThread, *, timeout: float = TIMEOUT, module: ModuleType | None = None) -> None:
        self._loop_thread = loop_thread
        self._timeout = timeout
        self._module = module
        self._doubles = Doubles()
        self._workers = Workers(loop_thread, self._doubles)
        self._deliveries = Deliveries(loop_thread.client, timeout)
        self._delivered: dict[str, Run] = {}
        self.tools: ToolDoubles = self._doubles.tools
        self.model: ModelDouble = self._doubles.model
        self.steps: StepDoubles = self._doubles.steps
        self.jobs: JobDoubles = self._doubles.jobs
        self.jobs._elsewhere = lambda: bool(self._workers.crash_points)
        self.inputs: Inputs = self._doubles.inputs
        self.runs: list[Run] = []

    @property
    def address(self) -> str:
        """`host:port` of the server."""
        return self._loop_thread.address

    @property
    def namespace(self) -> str:
        """The namespace on the server."""
        return self._loop_thread.client.namespace

    async def start(
        self,
        job: Job | str,
        event: Any = None,
        *,
        key: str | None = None,
        id: str | None = None,
        tags: Iterable[str] = (),
    ) -> Run:
        """Start a run.

        Args:
            job: it, or its name.
            event: what it gets: JSON data, a pydantic model or a dataclass. Without it, an empty event.
            key: your own name for the run: the id of the workflow is `<job>/<key>`.
            id: of the workflow; with neither the job's name and a random part.
            tags: as `Job.start` takes them.

        Raises:
            UnknownJobError: no job of that name is registered.
            EventError: the event does not fit the job.
            StartError: the key, id or tags can be none.
            RunExistsError: a run of that id is open.
            SetupError: there are tags, and the server, given as `--terse-address`, does not know them.
            TestDoubleError: there is a test double of a tool that is not there.
        """
        __tracebackhide__ = True
        return await self._loop_thread.run(self._start(_find_job(job), event, key, id, tags))

    async def run(
        self,
        job: Job | str,
        event: Any = None,
        *,
        key: str | None = None,
        id: str | None = None,
        tags: Iterable[str] = (),
    ) -> Any:
        """Start a run, let it come to its end, and return its result: `start` and `Run.result`."""
        __tracebackhide__ = True
        return await (await self.start(job, event, key=key, id=id, tags=tags)).result()

    async def send_event(self, name: str, data: Any = None, *, key: str, id: str | None = None) -> None:
        """Send an event by key to the runs of the test, as `send_event` does: also to those that are started later.

        Args:
            name, data, key, id: as `send_event` takes them.

        Raises:
            EventError: the name, key or id can be none, or the data are no JSON.
        """
        __tracebackhide__ = True
        await self._loop_thread.run(self._workers.send_event(name, data, key=key, id=id))

    async def deliver(
        self,
        source: Literal["github", "stripe", "slack", "linear", "webhook"],
        payload: Any,
        *,
        event: str | None = None,
        id: str | None = None,
        job: Job | str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> list[Run]:
        """Deliver a webhook, signed as its vendor signs, through the gateway, which runs in this process for the test.

        Everything of it is real: the signature, which is made and checked with secrets of the test's own, the limits,
        the filters of the triggers, the spool (in a temporary directory), and the ids of the runs. It returns when the
        delivery was handed on: runs are started, and runs that wait for it have it.

        Args:
            source: the vendor, or `"webhook"` for a job's own address.
            payload: the JSON that the vendor sends; or bytes, which are sent as they are.
            event: the event's name, which GitHub sends in a header, not in the payload: `"push"`,
                `"pull_request.opened"`. Without it, it is derived from the payload where that is of a well-known event.
            id: the delivery's own. Without it, that of the payload, or a new one. The same id again starts nothing, and
                returns the same runs.
            job: whose address it is sent to, for `"webhook"`; by default the only job that has one. For vendors, one of
                the jobs that may be started; by default those that the module of the test has to do with, or all that
                are registered where none of these is for it.
            headers: further ones, or others in the place of those that the vendor sends.

        Returns:
            The runs that it starts, which are none where no trigger is for it.

        Raises:
            DeliveryRefusedError: the gateway refuses it: `.status` and `.answer`.
            MissingExtraError: the extra `gateway` is not installed.
            JobTestError: it cannot be sent, as its event is not known, or no job has an address.
            AssertionError: a run could not be started.

        The first delivery of a test takes some 50 ms more, for the gateway.
        """
        __tracebackhide__ = True
        made = Outgoing(source, payload, event=event, id=id, headers=headers or {})
        only = None if job is None else _find_job(job)
        return await self._loop_thread.run(self._deliver(made, only))

    async def skip(self, duration: str | timedelta) -> None:
        """Let the clocks of all open runs jump ahead, and wait until what that begins has ended or sleeps again.

        Args:
            duration: as for `sleep`. A sleep that ends exactly then is over.

        Raises:
            AssertionError: no run is open, or one does not come to the end of that time.

        A step that waits for its next attempt gets it at the end of the skip, if that comes before: so does the server.
        """
        __tracebackhide__ = True
        await self._loop_thread.run(self._skip(to_timedelta(duration)))

    async def skip_to(self, when: datetime) -> None:
        """Let the clocks of all open runs jump to a moment, as `skip` does.

        Raises:
            DurationError: it is naive, or not ahead on the clock of any run.
        """
        __tracebackhide__ = True
        if when.tzinfo is None:
            raise DurationError(f"skip_to({when!r}): give a datetime with a timezone")
        await self._loop_thread.run(self._skip_to(when))

    def state(self, job: Job | str) -> StateOfJob:
        """Return the state of a job in this test, to set before a run and to read after it."""
        return StateOfJob(self._loop_thread, self._workers, _find_job(job))

    def crash_at(
        self, step: str, moment: Literal["before", "after_effect", "after_record"], *, occurrence: int = 1
    ) -> None:
        """Kill the worker at a step, by SIGKILL, and start another: once, in the runs that the test starts after this.

        These run in worker processes, which import the module of the job again; test doubles stay in the test.

        Args:
            step: its name; a tool's, `generate_text`, or that of a job that is not durable or has a test double, too.
            moment: `"before"` its function has begun; `"after_effect"`, when the function has returned and nobody has
                heard of it, so that it runs again, with the same idempotency key; `"after_record"`, when its result is
                in the history.
            occurrence: which one of that name, counted from 1 in the order in which they begin.

        Raises:
            TestDoubleError: no job has such a step.
            CrashTestError: there is no such moment, or a run of the test has been started.

        A test in which the run never comes there fails. Starting a process takes about a second.
        """
        if step not in self.jobs._doubled:
            check_step(step)
        if moment not in ("before", "after_effect", "after_record"):
            raise CrashTestError(
                f"a worker cannot crash {moment!r} {step!r}: choose one of 'before', 'after_effect', 'after_record'"
            )
        if self._workers.started:
            raise CrashTestError(
                f"jobs.crash_at({step!r}, …) comes too late: the workers of this test are started. Say it before"
                " the first jobs.start(…) or jobs.state(…)."
            )
        self._workers.crash_points.append(CrashPoint(step, moment, occurrence))

    async def survives_crashes(
        self, job: Job | str, event: Any = None, *, same: Callable[[Any, Any], bool] = operator.eq
    ) -> CrashReport:
        """Run a job once for each boundary that it has, with its worker killed there, and compare.

        The boundaries are those of a run that is left in peace: before each step, after its effect and after its
        record, and in each sleep. Every run has test doubles that answer from the start, and the state that the
        test has set. Events that the test sends reach none of them.

        Args:
            job: it, or its name.
            event: what it gets, as for `start`.
            same: whether two results are the same; for those with a time or an id in them, say.

        Returns:
            What became of each run, and what ran again: `print(report)`, `report.repeated`.

        Raises:
            AssertionError: a run ended otherwise than the one in peace, or not at all; something that was recorded ran
                again; or a step got another idempotency key. The message is the report.
            CrashTestError: the run in peace did not end, or a worker cannot be started.

        A step that is killed between its effect and its record runs twice: that is in the report, and no failure.
        About half a second of one processor for each boundary, and once in a session six for the imports of workers.
        """
        __tracebackhide__ = True
        crashed = _find_job(job)
        report = await self._loop_thread.run(
            crash_at_boundaries(self._loop_thread, self._workers, self._doubles, crashed, event, same)
        )
        if not report.passed:
            raise AssertionError(str(report))
        return report

    async def _start(self, job: Job, event: Any, key: str | None, id: str | None, tags: Iterable[str]) -> Run:
        __tracebackhide__ = True
        task_queue = await self._workers.queue_of(job)
        handle = await start_in_test(
            job, event, self._loop_thread.client, task_queue=task_queue, key=key, id=id, tags=tags
        )
        self._workers.watch(job, handle)
        run = Run(self._watch(job, handle))
        self.runs.append(run)
        return run

    async def _deliver(self, made: Outgoing, only: Job | None) -> list[Run]:
        __tracebackhide__ = True
        jobs = self._jobs_for(made) if only is None else jobs_with(only)
        if not jobs:
            raise JobTestError(f"no job of this test has a trigger of {made.source}: import it in the test's module")
        target = made.address_of(jobs if only is None else [only])
        queues = await self._workers.queues_of(jobs)
        started = await self._deliveries.send(made, target, queues)
        for run in await self._all_runs():
            await hear(run)
        return [self._delivered_run(job, run_id) for job, run_id in started]

    def _jobs_for(self, made: Outgoing) -> list[Job]:
        """Return the jobs that hear of a delivery: those of the test.

        Where none of these is started by it, and the test has no run that might wait for it, it is meant for a job that
        the test does not name: then for all that are registered.
        """
        known = jobs_of_test(self._module, [run.job for run in self.runs])
        if self.runs or any(map(made.concerns, known)):
            return known
        return [*known, *(each for each in registered_jobs() if made.concerns(each) and each not in known)]

    def _delivered_run(self, job: Job, id: str) -> Run:
        """Return the run that a delivery has started, the same for one that is delivered again."""
        if id not in self._delivered:
            handle = self._loop_thread.client.get_workflow_handle(id)
            self._workers.watch(job, handle)
            self._delivered[id] = Run(self._watch(job, handle))
            self.runs.append(self._delivered[id])
        return self._delivered[id]

    def _watch(self, job: Job, handle: WorkflowHandle[Any, Any]) -> WatchedRun:
        return WatchedRun(
            self._loop_thread,
            job,
            handle,
            self.inputs,
            timeout=self._timeout,
            trouble=lambda: self._workers.trouble,
            held=lambda: self._doubles.held,
            child=self._child,
            look_for_waits=self._look_for_waits,
        )

    def _look_for_waits(self, job: Job) -> Callable[[str], Awaitable[int]] | None:
        return self._deliveries.looking_for_waits(self._workers.known_queue_of(job))

    def _child(self, name: str, id: str, run_id: str) -> WatchedRun | None:
        """Return a run that another has started; nothing for a workflow that somebody wrote by hand."""
        job = next((each for each in registered_jobs() if each.name == name), None)
        if job is None:
            return None
        return self._watch(job, self._loop_thread.client.get_workflow_handle(id, run_id=run_id))

    async def _all_runs(self) -> list[WatchedRun]:
        """Return the runs of the test, each followed by those that it has started."""
        found, ahead = [], [each._watched for each in self.runs]
        while ahead:
            run = ahead.pop(0)
            found.append(run)
            ahead[:0] = await run.children()
        return found

    async def _open_runs(self, call: str) -> dict[WatchedRun, RunSnapshot]:
        """Return the runs of which time can be skipped, and how they stand."""
        __tracebackhide__ = True
        runs = [each._watched for each in self.runs]
        snapshots = await asyncio.gather(*(run.snapshot() for run in runs))
        found = {run: snapshot for run, snapshot in zip(runs, snapshots, strict=True) if snapshot.is_open}
        if not found:
            raise AssertionError(f"{call}: no run of this test is open")
        return found

    async def _skip(self, duration: timedelta) -> None:
        __tracebackhide__ = True
        await asyncio.gather(*(skip(run, duration) for run in await self._open_runs("jobs.skip")))

    async def _skip_to(self, when: datetime) -> None:
        __tracebackhide__ = True
        clocks = {run: snapshot.clock for run, snapshot in (await self._open_runs("jobs.skip_to")).items()}
        if all(clock >= when for clock in clocks.values()):
            now = min(clocks.values())
            raise DurationError(f"skip_to({when.isoformat()}): it is {now.isoformat()} on the clock of the run")
        # One that is there already stays there.
        await asyncio.gather(*(skip(run, when - clock) for run, clock in clocks.items() if clock < when))

    async def _verify(self) -> None:
        """Replay every run of the test, and see that nothing has gone wrong on the way.

        Raises:
            AssertionError: a history does not fit the code that has just written it.
        """
        __tracebackhide__ = True
        if self._workers.trouble is not None:
            raise AssertionError(f"something went wrong that is not the job's: {self._workers.trouble}")
        try:
            self.steps._check()
        except TestDoubleError as err:
            raise AssertionError(str(err)) from None
        for point in self._workers.not_crashed:
            raise AssertionError(f"no run of this test came to the crash {point}.\n{await self._report()}")
        runs = await self._all_runs()
        jobs = {run.job.name: run.job for run in runs}
        histories = [(await run.snapshot()).history for run in runs]
        async for replayed in replay(jobs.values(), histories, runtime=self._loop_thread.runtime):
            if replayed.failure is not None:
                raise AssertionError(
                    f"the run {replayed.workflow_id} would not survive its own replay: run again from its history, as"
                    f" after a restart, the job {replayed.job!r} does something else. {replayed.failure}\n"
                    f"{replayed.table or ''}"
                )

    async def _close(self) -> None:
        """End what the test has left running, and the workers."""
        self.tools._end()
        await self._deliveries.close()
        runs, ended = [each._watched for each in self.runs], []
        # From the top down: one that waits for another would go on, and start more.
        while runs:
            run = runs.pop(0)
            ended.append(run.id)
            with suppress(RPCError):
                await run.handle.terminate("the test has ended")
            with suppress(RPCError):
                runs += await run.children()
            run.close()
        await self._workers.close(ended)

    async def _report(self) -> str:
        """Return what the runs of the test have done, for one that fails."""
        tables = []
        for run in await self._all_runs():
            snapshot = await run.snapshot()
            tables.append(f"{run.id}  {snapshot.status_text}\n{snapshot.table()}")
        return "\n\n".join(tables)


def _find_job(job: Job | str) -> Job:
    if isinstance(job, Job):
        return job
    known: Mapping[str, Job] = {each.name: each for each in registered_jobs()}
    if job not in known:
        raise UnknownJobError(
            f"no job {job!r} is registered{did_you_mean(job, known)} (there are {list_names(known) or 'none'}). Import"
            " its module in the test, or name it in the settings of pytest: terse_jobs = shop.jobs"
        )
    return known[job]
