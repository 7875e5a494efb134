"""The runs of `jobs.survives_crashes`: each with a task queue, test doubles and a state of its own."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

from temporalio.client import WorkflowHandle
from temporalio.service import RPCError

from ..engine.state.store import TemporalStore
from ..jobs.job import Job
from ..jobs.registry import registered_job
from ..runs.clocks import fast_forward
from ..state import StateId
from .all_doubles import Doubles
from .crashes import CrashReport, survive
from .loop_thread import LoopThread
from .project_jobs import jobs_with
from .questions import asked_text
from .skipping import skip_from_wait_to_wait, skip_to_the_end
from .starting import start_in_test
from .watched_run import WatchedRun
from .workers import Workers

__all__ = ["crash_at_boundaries"]

#: Seconds for a jump to the end of a sleep, in which a worker may be killed and started anew.
_SKIPPED_WITHIN: Final = 60.0


async def crash_at_boundaries(
    loop_thread: LoopThread,
    workers: Workers,
    doubles: Doubles,
    job: Job,
    event: Any,
    same: Callable[[Any, Any], bool],
) -> CrashReport:
    """Crash a job at each of its boundaries. What it says and raises is as `Jobs.survives_crashes` says."""
    answering: list[asyncio.Task[None]] = []
    unanswered: list[str] = []

    async def start(task_queue: str, workflow_id: str) -> WorkflowHandle[Any, Any]:
        # Of the run in peace, which comes first: no other would do better.
        if doubles.troubles:
            raise doubles.troubles[0]
        _refuse_unanswered(job, unanswered)
        await _copy_state(loop_thread, workers, job, task_queue)
        handle = await start_in_test(job, event, loop_thread.client, task_queue=task_queue, id=workflow_id)
        answering.append(asyncio.create_task(_accompany(run_of(job, handle), unanswered)))
        return handle

    def run_of(job: Job, handle: WorkflowHandle[Any, Any], timeout: float = 0) -> WatchedRun:
        run = WatchedRun(loop_thread, job, handle, doubles.inputs, timeout=timeout, trouble=lambda: None, child=child)
        # Its process may be about to be killed: a task with an answer that it takes along is lost for ten seconds.
        run.answers_when_idle = True
        return run

    def child(name: str, workflow_id: str, run_id: str) -> WatchedRun | None:
        found = registered_job(name)
        handle = loop_thread.client.get_workflow_handle(workflow_id, run_id=run_id)
        return None if found is None else run_of(found, handle)

    async def skip(handle: WorkflowHandle[Any, Any], duration: timedelta | None) -> None:
        if duration is None and doubles.inputs._any:
            # What is asked is answered before its time is up, and before anybody is reminded.
            accompanied = run_of(job, handle, _SKIPPED_WITHIN)
            accompanied.answers = False  # as the one that accompanies it does
            await skip_from_wait_to_wait(accompanied)
        else:
            await fast_forward(loop_thread.skipper, handle, duration)

    try:
        report = await survive(
            start,
            client=loop_thread.client,
            job=job,
            jobs=jobs_with(job),
            skip=skip,
            doubles=lambda: doubles.fresh().doubles(),
            same=same,
            servers=loop_thread.fork_servers,
        )
    finally:
        for task in answering:
            task.cancel()
        await asyncio.gather(*answering, return_exceptions=True)
    _refuse_unanswered(job, unanswered)
    return report


def _refuse_unanswered(job: Job, unanswered: list[str]) -> None:
    if unanswered:
        raise AssertionError(f"the job {job.name!r}, in runs that the test does not see, {unanswered[0]}")


async def _accompany(run: WatchedRun, unanswered: list[str]) -> None:
    """Answer what a run asks, as `jobs.inputs` says, until it has ended; end one that asks what nobody answers.

    The same goes for the runs that it starts, whose sleeps take no time: the server skips none of the run's while they
    are open.
    """
    others: dict[WatchedRun, list[asyncio.Task[Any]]] = {}
    try:
        await _answer_questions(run, unanswered, others)
    finally:
        tasks = [task for both in others.values() for task in both]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _answer_questions(
    run: WatchedRun, unanswered: list[str], others: dict[WatchedRun, list[asyncio.Task[Any]]]
) -> None:
    while True:
        with suppress(RPCError):
            snapshot = await run.snapshot()
            if not snapshot.is_open:
                return
            for child in run.read_children(only_open=True):
                if child not in others:
                    accompanying = asyncio.create_task(_accompany(child, unanswered))
                    others[child] = [accompanying, asyncio.create_task(skip_to_the_end(child))]
            for question in snapshot.questions:
                is_open = question.until is None and not snapshot.has_pending_work and not snapshot.sleeps
                if is_open and run.inputs._answer_to(question) is None:
                    unanswered.append(asked_text([question]))
                    await run.handle.terminate("nobody answers what it asks")
                    return
        await asyncio.sleep(0.05)


async def _copy_state(loop_thread: LoopThread, workers: Workers, job: Job, task_queue: str) -> None:
    """Set what the test has set for its own runs, for one that is to be crashed."""
    if not workers.has(job):
        return
    client = loop_thread.client
    store = TemporalStore(lambda: client)
    items = await store.items(StateId(client.namespace, await workers.queue_of(job), job.name))
    for key, value in items.items():
        await store.set(StateId(client.namespace, task_queue, job.name), key, value, write=uuid.uuid4().hex)
