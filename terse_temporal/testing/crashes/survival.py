"""Running a job once for each boundary that it has, and crashing its worker there.

Where the boundaries are, a first run tells, which is left in peace; it too is in a worker process, so that nothing but
the crash is different. Each run has a task queue, a worker process and test doubles of its own, so that scripts begin
anew, and several run at once: they mostly wait.
"""

from __future__ import annotations

import asyncio
import operator
import os
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeAlias

from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from ...durations import format_duration
from ...errors import CrashTestError
from ...execution.test_doubles import CallDoubles
from ...jobs.job import Job
from .executions import Execution
from .fork_server import ForkServers
from .histories import (
    Place,
    is_asleep,
    places,
    read_history,
    recorded_attempts,
    until_next_attempt,
    until_next_sleep_ends,
)
from .report import Boundary, CrashReport, Outcome, Repeat
from .worker_processes import CrashWorkers

__all__ = ["Skip", "Start", "survive"]

Run: TypeAlias = WorkflowHandle[Any, Any]

#: Starts a run of the job, on a task queue, under a workflow id. Its clock must be that on the wall.
Start: TypeAlias = Callable[[str, str], Awaitable[Run]]

#: Lets the clock of a run jump ahead, by so much; `None` is over all sleeps, to its end. As `clocks.fast_forward` does,
#: it lets a run be that has ended meanwhile.
Skip: TypeAlias = Callable[[Run, timedelta | None], Awaitable[object]]

_SNAPSHOT_EVERY: Final = 0.02  # seconds


async def survive(
    start: Start,
    *,
    client: Client,
    job: Job,
    skip: Skip,
    jobs: Sequence[Job] = (),
    doubles: Callable[[], CallDoubles] | None = None,
    same: Callable[[Any, Any], Any] = operator.eq,
    at_once: int | None = None,
    limit: timedelta = timedelta(seconds=60),
    options: Mapping[str, Any] | None = None,
    servers: ForkServers | None = None,
) -> CrashReport:
    """Run a job once in peace, and once for each of its boundaries with a crash there.

    Args:
        start: starts a run of it.
        client: of the server.
        job: the job.
        skip: lets time pass.
        jobs: others that the workers are to have too.
        doubles: makes those of one run.
        same: whether two results mean the same; by default, that they are equal.
        at_once: how many runs are under way at once; by default twice the number of processors.
        limit: how long one run may take, from when its worker is ready.
        options: further options for `build_worker`.
        servers: what worker processes are forked from; by default some for this call.

    Raises:
        CrashTestError: the run in peace did not end, or a worker process cannot be started.

    It takes about half a second of one processor for each boundary, and one for each fork server that is not there yet,
    of six. A step has three boundaries, a sleep one.
    """
    if servers is None:
        async with ForkServers() as own:
            return await survive(
                start,
                client=client,
                job=job,
                skip=skip,
                jobs=jobs,
                doubles=doubles,
                same=same,
                at_once=at_once,
                limit=limit,
                options=options,
                servers=own,
            )
    jobs = [job, *(each for each in jobs if each is not job)]
    trial = _Trial(start, client, jobs, skip, doubles, limit, options, servers)
    uncrashed = await trial.run(None, 0)
    if uncrashed.problem or uncrashed.outcome is None:
        raise CrashTestError(f"the run of {job.name!r} that nobody crashed did not end: {uncrashed.problem}")
    room = asyncio.Semaphore(at_once or 2 * (os.cpu_count() or 1))

    async def boundary(place: Place, number: int) -> Boundary:
        async with room:
            return _compare(place, await trial.run(place, number), uncrashed, same)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(boundary(place, number)) for number, place in enumerate(uncrashed.places, 1)]
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None  # the first to go wrong; the others were ended because of it
    return CrashReport(job.name, uncrashed.outcome, [task.result() for task in tasks], durable=job.durable)


@dataclass(frozen=True, slots=True)
class _Ended:
    """A run, and what is known of it."""

    workflow_id: str
    outcome: Outcome | None
    crashed: bool
    places: Sequence[Place]
    steps: Sequence[str]
    recorded: Mapping[str, int]
    executions: Sequence[Execution]
    problem: str
    seconds: float


@dataclass(frozen=True, slots=True)
class _Trial:
    start: Start
    client: Client
    jobs: Sequence[Job]
    skip: Skip
    doubles: Callable[[], CallDoubles] | None
    limit: timedelta
    options: Mapping[str, Any] | None
    servers: ForkServers

    async def run(self, place: Place | None, number: int) -> _Ended:
        """Return one run, crashed at a place, or at none."""
        began = time.monotonic()
        name = f"{self.jobs[0].name}-crash-{number}-{uuid.uuid4()}"
        workers = CrashWorkers(
            self.client,
            task_queue=name,
            jobs=self.jobs,
            points=[place.point] if place else [],
            doubles=self.doubles() if self.doubles else None,
            # Others from run to run, and in the end each together with the next: with the same two for all, half of the
            # sets would have one order in both.
            hash_seed=2 * number + number // 3,
            options=self.options,
            servers=self.servers,
        )
        async with workers:
            run = await self.start(name, name)
            outcome, problem = None, ""
            try:
                async with asyncio.timeout(self.limit.total_seconds()):
                    outcome = await self._outcome(workers, run, place)
            except TimeoutError:
                problem = f"it did not end within {format_duration(self.limit)}. {await _describe_wait(run, workers)}"
            except CrashTestError as err:
                problem = str(err)
            if outcome is None:
                await _give_up(run)
            history = await read_history(run)
            return _Ended(
                workflow_id=run.id,
                outcome=outcome,
                crashed=bool(workers.crashes),
                places=places(history),
                steps=[step.name for step in history.steps],
                recorded=recorded_attempts(history),
                executions=workers.executions,
                problem=problem,
                seconds=time.monotonic() - began,
            )

    async def _outcome(self, workers: CrashWorkers, run: Run, place: Place | None) -> Outcome:
        workers.watch(run)
        result = asyncio.ensure_future(workers.result(run))
        skipping = asyncio.ensure_future(self._skip_to_end(workers, run, place))
        both: list[asyncio.Future[Any]] = [result, skipping]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not result.done():
                await skipping  # which may have failed
            return Outcome(await result)
        except WorkflowFailureError as err:
            cause = err.cause
            kind = cause.type if isinstance(cause, ApplicationError) else None
            return Outcome(failure=kind or type(cause).__name__, message=getattr(cause, "message", str(cause)))
        finally:
            for each in both:
                each.cancel()
            await asyncio.gather(*both, return_exceptions=True)

    async def _skip_to_end(self, workers: CrashWorkers, run: Run, place: Place | None) -> None:
        if place is not None:
            # To change the clock of a run gives its worker something to do: killed at that moment, it would be missed
            # only after the timeout of a workflow task, ten seconds by default.
            crashed = asyncio.ensure_future(workers.crashed(place.point))
            asleep = asyncio.ensure_future(self._come_to(run, place))
            either: list[asyncio.Future[Any]] = [crashed, asleep]
            try:
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                if place.point.moment == "asleep":
                    await crashed
            finally:
                for each in either:
                    each.cancel()
                await asyncio.gather(*either, return_exceptions=True)
        await self.skip(run, None)

    async def _come_to(self, run: Run, place: Place) -> None:
        """Wait until the run sleeps, or is over. If it is to be killed asleep, let the sleeps before that one pass,
        each by itself: all skipped at once, that one would be over too. So do waits for the next attempt of a step.
        """
        sleep = place.point.occurrence if place.point.moment == "asleep" else 1
        while not await is_asleep(run, sleep):
            rest = await until_next_sleep_ends(run, sleep) or await until_next_attempt(run)
            if rest is not None:
                await self.skip(run, rest)
            await asyncio.sleep(_SNAPSHOT_EVERY)


def _compare(place: Place, ended: _Ended, uncrashed: _Ended, same: Callable[[Any, Any], Any]) -> Boundary:
    before, after = uncrashed.outcome, ended.outcome
    assert before is not None
    is_same = (
        after is not None
        and (before.failure, before.message) == (after.failure, after.message)
        and (bool(before.failure) or bool(same(before.result, after.result)))
    )
    return Boundary(
        point=place.point,
        what=place.what,
        crashed=ended.crashed,
        outcome=after,
        same=is_same,
        steps=ended.steps,
        same_steps=list(ended.steps) == list(uncrashed.steps),
        repeats=_repeats(ended, uncrashed),
        problem=ended.problem,
        seconds=ended.seconds,
    )


def _repeats(ended: _Ended, uncrashed: _Ended) -> list[Repeat]:
    usual = _again(uncrashed)
    found = []
    for name, times in _again(ended).items():
        named = [each for each in ended.executions if each.name == name]
        two_keys = any(each.changed_keys for each in named)
        # A later attempt than the recorded one, or another activity under the key of one. What is recorded is known of
        # the run itself; a child run has activities of the same ids.
        late = any(
            max(each.begun, default=0) > ended.recorded.get(each.activity_id, 1 << 30)
            for each in named
            if each.workflow_id == ended.workflow_id
        )
        keys = [key for each in named for key in sorted(each.keys)]
        late = late or len(set(keys)) < len(keys)
        more = max(times - usual[name], 0)
        if more or two_keys or late:
            found.append(Repeat(name, more, sorted(set(keys)), not two_keys, late))
    return found


def _again(ended: _Ended) -> Counter[str]:
    """Return how often each step began after its first time."""
    again: Counter[str] = Counter()
    for each in ended.executions:
        again[each.name] += max(len(each.begun) - 1, 0)
    return again


async def _describe_wait(run: Run, workers: CrashWorkers) -> str:
    """Return what a run that does not end waits for, as far as anybody can tell."""
    described = (await run.describe()).raw_description
    pending = [f"{each.activity_type.name!r} (attempt {each.attempt})" for each in described.pending_activities]
    waits = f"Open are the steps {', '.join(pending)}." if pending else "No step of it is open."
    lines = "\n".join(f"  | {line}" for line in workers.output().splitlines()[-20:])
    return f"{waits} Its workers printed last:\n{lines or '  | (nothing)'}"


async def _give_up(run: Run) -> None:
    try:
        await run.terminate("the crash test gave it up")
    except RPCError:  # it has ended after all
        return
