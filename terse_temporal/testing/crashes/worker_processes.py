"""The worker processes of a test, one after the other: each is killed at a point, and another takes its place."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NoReturn, Self, TypeVar

from temporalio.client import Client, WorkflowHandle

from ...engine.code.functions import FunctionIndex
from ...engine.state.store import state_workflow_id
from ...errors import CrashTestError
from ...execution.test_doubles import CallDoubles
from ...jobs.job import Job
from ...state import StateId
from ..served import listings
from .call_coordinator import CallCoordinator
from .channel import Handler
from .executions import Execution, Executions
from .fork_server import ForkServers, worker_hash_seed
from .histories import is_asleep
from .loss import hand_in, report_loss, until_no_turn
from .model_coordinator import ModelCoordinator
from .modules import module_places
from .points import ActivityMark, CrashPoint, Ending, Moment
from .process import WorkerProcess
from .setup import Setup, connection_of

__all__ = ["Crash", "CrashWorkers"]

_T = TypeVar("_T")

#: Seconds. Starting takes one; a machine with too much to do, and modules that import a great deal, take many.
_START_TIMEOUT: Final = 60.0

#: Seconds between two looks at whether a run sleeps.
_SNAPSHOT_EVERY: Final = 0.02

#: Seconds that a process which is to be killed may take to hand in the turns of handlers that it is at.
_SETTLED_WITHIN: Final = 2.0

#: Endings that are points.
_AFTER: Final[frozenset[Ending]] = frozenset(["returned", "failed"])


@dataclass(frozen=True, slots=True)
class Crash:
    """A worker process was killed.

    Attributes:
        point: where.
        workflow_id: of the run that it was for.
        attempt: of the step; 0 for a sleep.
        pid: of the process.
    """

    point: CrashPoint
    workflow_id: str
    attempt: int
    pid: int


@dataclass(frozen=True, slots=True)
class _Report:
    mark: ActivityMark
    ending: Ending
    data: bytes


class CrashWorkers:
    """A worker process on a task queue, for the length of an `async with` block, and another after each crash.

    Args:
        client: of the server. The processes connect as it has.
        task_queue: where they take their work from. No other worker should.
        jobs: what they run. Their modules are imported in the processes.
        points: where a process is killed, each once.
        doubles: asked before a function or model is called, in this process.
        hash_seed: which of a few values of `PYTHONHASHSEED` the first process has; each later one has the next. So the
            order of sets is another after each crash, and the same whenever the test is repeated.
        servers: what the processes are forked from; by default some of their own.
        options: further options for `build_worker`, such as `max_cached_workflows`; they are pickled.

    Raises:
        CrashTestError: on entering: a job cannot be loaded in another process, or that cannot start, with the last
            lines that it printed.

    Entering takes a tenth of a second, and so does each crash; a second more where there is no fork server yet for the
    hash seed. A killed worker is reported to the server at once, for runs that have been watched or that have had a
    step (see `loss.py`). The limits that it keeps for slow workers are those of production.
    """

    def __init__(
        self,
        client: Client,
        *,
        task_queue: str,
        jobs: Sequence[Job],
        points: Sequence[CrashPoint] = (),
        doubles: CallDoubles | None = None,
        hash_seed: int = 0,
        servers: ForkServers | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.crashes: list[Crash] = []
        #: Runs that no worker with this code can go on with, by workflow id, with what the worker said of it.
        self.blocked: dict[str, str] = {}
        self._client = client
        self._points = list(points)
        self._doubles = doubles
        self._seeds = map(worker_hash_seed, itertools.count(hash_seed))
        self._servers = servers or ForkServers()
        self._own_servers = None if servers else self._servers
        self._setup = Setup(
            modules=module_places(jobs),
            jobs=[job.name for job in jobs],
            connection=connection_of(client),
            task_queue=task_queue,
            options=dict(options or {}),
            offers=doubles is not None,
            doubled_jobs=frozenset() if doubles is None else frozenset(doubles.jobs()),
            served={} if doubles is None else listings(doubles.servers),
        )
        self._index = FunctionIndex(jobs)
        self._executions = Executions()
        #: Workflow and run id of those that may be in the cache of a process, or have a step in it. The state of a job
        #: is a workflow too.
        self._runs: dict[tuple[str, str], None] = {
            (state_workflow_id(StateId(client.namespace, task_queue, job.name)), ""): None for job in jobs
        }
        self._watches: set[asyncio.Task[None]] = set()
        self._process: WorkerProcess | None = None
        self._crashing: tuple[CrashPoint, str, int] | None = None
        self._last_word: _Report | None = None
        self._killed: str | None = None
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> Self:
        self._directory = tempfile.TemporaryDirectory(prefix="terse-crashes-")
        #: Ends with an error when no process runs any more.
        self.failed: asyncio.Future[NoReturn] = asyncio.get_running_loop().create_future()
        self._ready = asyncio.Event()
        self._keeping = asyncio.ensure_future(self._keep_running())
        try:
            await self.until(self._ready.wait())
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        closing = asyncio.ensure_future(self._close())
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError:
            await closing  # a process must not be left behind, and it takes no longer than a few seconds
            raise

    @property
    def executions(self) -> list[Execution]:
        """What has been run, in the order in which it was first begun."""
        return list(self._executions)

    def output(self) -> str:
        """Return what the processes have printed so far, the log of the worker included."""
        return self._output.read_text(errors="replace") if self._output.exists() else ""

    def watch(self, run: WorkflowHandle[Any, Any]) -> None:
        """Tell of a run on the task queue. Needed for the point `asleep`, and so that its loss is reported at once.

        A run whose client skips time does not stop at its sleeps long enough to be met there.
        """
        self._runs[run.id, run.first_execution_run_id or run.result_run_id or ""] = None
        for point in self._points:
            if point.moment == "asleep":
                task = asyncio.ensure_future(self._kill_asleep(point, run))
                self._watches.add(task)
                task.add_done_callback(self._unwatch)

    async def crashed(self, point: CrashPoint) -> Crash:
        """Wait until a process has been killed at a point, and the next one takes work."""

        async def happened() -> Crash:
            async with self._changed:
                await self._changed.wait_for(lambda: any(crash.point is point for crash in self.crashes))
            await self._ready.wait()
            return next(crash for crash in self.crashes if crash.point is point)

        return await self.until(happened())

    async def result(self, run: WorkflowHandle[Any, Any]) -> Any:
        """Return the result of a run.

        Raises:
            temporalio.client.WorkflowFailureError: it failed.
            CrashTestError: no worker can go on with it: it does other things on a replay than are recorded; or no
                process runs.
        """

        async def blocked() -> NoReturn:
            async with self._changed:
                await self._changed.wait_for(lambda: run.id in self.blocked)
            raise CrashTestError(
                "replayed in another process, the run did something else than is recorded. An order that hangs on a set"
                f" or on hash(), or a value that only the first process had, is another there.\n{self.blocked[run.id]}"
            )

        stuck = asyncio.ensure_future(blocked())
        try:
            return await self.until(run.result(), stuck)
        finally:
            stuck.cancel()
            await asyncio.gather(stuck, return_exceptions=True)

    async def until(self, what: Awaitable[_T], *or_failing: asyncio.Future[NoReturn]) -> _T:
        """Wait for something, or raise why no process runs any more."""
        waiting = asyncio.ensure_future(what)
        try:
            others: list[asyncio.Future[Any]] = [self.failed, *or_failing]
            await asyncio.wait([waiting, *others], return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                for other in others:
                    if other.done():
                        other.result()
            return await waiting
        finally:
            if not waiting.done():
                waiting.cancel()
                await asyncio.wait([waiting])

    @property
    def _output(self) -> Path:
        return Path(self._directory.name) / "output"

    async def _close(self) -> None:
        for task in (self._keeping, *self._watches):
            task.cancel()
        await asyncio.wait([self._keeping, *self._watches])
        if self._process is not None:
            await self._process.stop()
        if self._own_servers is not None:
            await self._own_servers.close()
        if self.failed.done():
            self.failed.exception()  # looked at, so that nobody complains that it was not
        self.failed.cancel()
        self._directory.cleanup()

    async def _keep_running(self) -> None:
        try:
            while True:
                await self._one_life()
        except CrashTestError as err:
            self.failed.set_exception(err)
        except Exception as err:
            error = CrashTestError(f"the worker processes of the task queue {self._setup.task_queue!r} are lost: {err}")
            error.__cause__ = err
            self.failed.set_exception(error)

    async def _one_life(self) -> None:
        """Start a process, and see it to its end; returns if that was a crash that was asked for."""
        started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        calls = CallCoordinator(self._doubles, self._index) if self._doubles is not None else None
        handlers = self._handlers(started)
        if calls is not None and self._doubles is not None:
            handlers |= {**calls.handlers, **ModelCoordinator(self._doubles).handlers}
        process = await WorkerProcess.start(
            self._servers, self._setup, handlers, hash_seed=next(self._seeds), output=self._output
        )
        self._process = process
        ended = asyncio.ensure_future(process.ended())
        try:
            identity = await self._has_started(process, started, ended)
            if self._killed is not None:
                # What the server has handed to it in its last moment, or even after.
                await report_loss(self._client, self._runs, self._killed)
            self._ready.set()
            status = await asyncio.shield(ended)
            self._ready.clear()
            if self._crashing is None:
                raise CrashTestError(
                    f"the worker process ended by itself ({_how(status)}); it printed last:\n{process.last_lines()}"
                )
            await self._recover(process, identity)
        finally:
            ended.cancel()
            await asyncio.wait([ended])
            if calls is not None:
                await calls.close()

    async def _has_started(
        self, process: WorkerProcess, started: asyncio.Future[str], ended: asyncio.Future[int]
    ) -> str:
        try:
            async with asyncio.timeout(_START_TIMEOUT):
                either: list[asyncio.Future[Any]] = [started, ended]
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            raise CrashTestError(
                f"the worker process was not ready within {_START_TIMEOUT:.0f} s; it printed last:\n"
                f"{process.last_lines()}"
            ) from None
        if not started.done():
            raise CrashTestError(
                f"the worker process ended before it was ready ({_how(ended.result())}); it printed last:\n"
                f"{process.last_lines()}"
            )
        try:
            return started.result()
        except CrashTestError as err:
            raise CrashTestError(f"{err}\nThe worker process printed last:\n{process.last_lines()}") from None

    async def _recover(self, process: WorkerProcess, identity: str) -> None:
        """Tell everybody of a crash."""
        assert self._crashing is not None
        point, workflow_id, attempt = self._crashing
        report, self._last_word = self._last_word, None
        # Before the report, so that the run is in no cache when it goes on.
        await report_loss(self._client, self._runs, identity, but=report.mark if report else None)
        if report is not None:
            await hand_in(self._client, report.mark, report.ending, report.data, identity)
        self._crashing, self._killed = None, identity
        async with self._changed:
            self.crashes.append(Crash(point, workflow_id, attempt, process.pid))
            self._changed.notify_all()

    def _handlers(self, started: asyncio.Future[str]) -> dict[str, Handler]:
        async def ready(identity: str) -> None:
            started.set_result(identity)

        async def failed(why: str) -> None:
            started.set_exception(CrashTestError(why))

        async def called(mark: ActivityMark, name: str, key: str) -> None:
            self._executions.called(mark, name, key)

        async def blocked(workflow_id: str, why: str) -> None:
            async with self._changed:
                self.blocked[workflow_id] = why
                self._changed.notify_all()

        return {
            "ready": ready,
            "failed": failed,
            "before": self._failing_loudly(self._before),
            "after": self._failing_loudly(self._after),
            "called": called,
            "blocked": blocked,
        }

    def _failing_loudly(self, handler: Handler) -> Handler:
        """Return what goes wrong in the answer is no failure of the step that asked, which might be tried again for
        ever.
        """

        async def loud(*data: Any) -> Any:
            try:
                return await handler(*data)
            except Exception as err:
                if not self.failed.done():
                    why = str(err) if isinstance(err, CrashTestError) else repr(err)
                    self.failed.set_exception(CrashTestError(f"the crash could not be made: {why}"))
                raise

        return loud

    async def _before(self, mark: ActivityMark) -> None:
        await self._block_if_killed()
        execution = self._executions.of(mark)
        self._runs[mark.workflow_id, mark.run_id] = None
        if (point := self._due(execution, "before")) is not None:
            await self._kill(point, mark)
        self._executions.begun(mark)

    async def _after(self, mark: ActivityMark, ending: Ending, report: bytes) -> None:
        execution = self._executions.of(mark)
        self._executions.ended(mark, ending)
        if ending not in _AFTER:
            return
        await self._block_if_killed()
        if (point := self._due(execution, "after_effect")) is not None:
            await self._kill(point, mark)
        if (point := self._due(execution, "after_record")) is not None:
            if mark.is_local:
                raise CrashTestError(
                    f"{mark.name!r} is a local step, which is recorded with what the handler does next"
                )
            self._last_word = _Report(mark, ending, report)
            await self._kill(point, mark)

    def _due(self, execution: Execution, moment: Moment) -> CrashPoint | None:
        for point in self._points:
            here = (point.name, point.moment, point.occurrence) == (execution.name, moment, execution.occurrence)
            if here:
                # By identity: one may be wanted twice.
                self._points = [each for each in self._points if each is not point]
                return point
        return None

    async def _block_if_killed(self) -> None:
        """Wait for ever, where a process asks that is about to be killed, or has been."""
        if self._crashing is not None:
            await asyncio.Event().wait()

    async def _kill(self, point: CrashPoint, mark: ActivityMark) -> NoReturn:
        assert self._process is not None
        self._crashing = (point, mark.workflow_id, mark.attempt)
        with suppress(TimeoutError):
            async with asyncio.timeout(_SETTLED_WITHIN):
                # That of a local step is part of its handler's turn.
                own = (mark.workflow_id, mark.run_id) if mark.is_local else None
                await until_no_turn(self._client, [run for run in self._runs if run != own])
        self._process.kill()
        await asyncio.Event().wait()  # there is nobody to be answered; cancelled with the process
        raise AssertionError

    async def _kill_asleep(self, point: CrashPoint, run: WorkflowHandle[Any, Any]) -> None:
        while not await is_asleep(run, point.occurrence):  # noqa: ASYNC110  it is the server that knows
            await asyncio.sleep(_SNAPSHOT_EVERY)
        while self._crashing is not None:  # another point came first
            async with self._changed:
                await self._changed.wait()
        await self._ready.wait()
        if point in self._points:
            self._points = [each for each in self._points if each is not point]
            assert self._process is not None
            self._crashing = (point, run.id, 0)
            self._process.kill()

    def _unwatch(self, task: asyncio.Task[None]) -> None:
        self._watches.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not self.failed.done():
            self.failed.set_exception(CrashTestError(f"a run cannot be looked at: {error}"))


def _how(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"status {status}"
