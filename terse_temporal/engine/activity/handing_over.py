"""Local steps that take too long, or give too much, go on as activities.

While a local step runs, its workflow task is open: the server is told nothing of the run, so that queries, signals,
and the commands of other branches wait. And what it gives goes into the message that ends the task, together with all
the others. So one that is not done in two seconds, or gives a large result, is *handed over*: what is recorded of it is
a failure that says so, and the handler asks for an activity of the same key. The function runs on meanwhile. The worker
that has it answers the activity with what it comes to. As a rule the server gives the activity to that worker at once,
but all of its places for steps may be taken.

Another worker asks the run first, by a query that comes to the worker which had it last: while that one has the step,
it is left to it, and when that one is gone, another worker answers. A worker that is not asked for what it runs looks
every few seconds whether the run still waits for it.

Tried and left: to let the workflow task go on, which the SDK's core does by a new task every eight seconds (each time
everything waits for so long), and to end the function and begin it anew, which makes a step of three seconds one of
five.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from temporalio import activity
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.failure.v1 import Failure
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import WorkflowQueryFailedError
from temporalio.common import RawValue
from temporalio.converter import DefaultFailureConverter, DefaultPayloadConverter
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from ...diagnostics.logs import logger_of
from ...diagnostics.once import Once
from ...durations import format_duration
from ...serialization.wire_names import HANDED_OVER_FAILURE, RUNS_ON_QUERY
from ..limits import LARGEST_LOCAL, LOCAL_PATIENCE
from ..sdk_private import ActivityContext
from ..wire.calls import StepCall
from ..wire.failures import SentFailureError
from ..workflow.handed_over import RUNS_ON
from .recent_results import run_and_key

__all__ = ["HandedOverSteps"]

_logger = logger_of("worker")

#: How often a worker looks whether a step that it has handed over, and that nobody has asked for, is still waited for.
_LOOKS_EVERY: Final = timedelta(seconds=5)

#: For how long it is left to another worker, where the run does not answer.
_LEFT: Final = timedelta(seconds=6)

#: How long it may take to answer, which is a matter of milliseconds. A step whose worker was killed is to be running
#: again within ten seconds, of which the server takes seven to miss it.
_ANSWERS_IN: Final = timedelta(seconds=1.5)

_STARTED: Final = PendingActivityState.PENDING_ACTIVITY_STATE_STARTED


@dataclass(slots=True)
class _Running:
    task: asyncio.Task[Any]
    context: ActivityContext
    began: float
    watch: asyncio.Task[None] | None = None


class HandedOverSteps:
    """The local steps of a worker that go on, or are done, until they are asked for as activities.

    Args:
        at_once: hand each over before it is run. On a worker that caches no runs the SDK's core cancels a local
            activity as soon as another task comes, and begins it anew, for ever where it is that task which it waits
            for.
    """

    def __init__(self, *, at_once: bool = False) -> None:
        self._at_once = at_once
        self._running: dict[tuple[str, str], _Running] = {}
        self._said = Once()

    async def run(self, call: StepCall, start: Callable[[], Coroutine[Any, Any, Any]], where: Callable[[], str]) -> Any:
        """Run a local step, for a short while.

        Args:
            call: of it.
            start: runs it.
            where: returns `file:line` of its function.

        Raises:
            SentFailureError: it goes on, and is to be asked for as an activity.
            BaseException: what `start` raises.
        """
        info = activity.info()
        if self._at_once:
            raise _handed_over(info, runs=False)
        running = self._take(call, info) or _Running(
            asyncio.ensure_future(start()), ActivityContext.current(), time.monotonic()
        )
        if await _ends(running.task, LOCAL_PATIENCE.total_seconds()) and not _is_large(running.task):
            return running.task.result()
        is_long = not running.task.done()
        if self._said.is_new(f"{where()} {info.activity_type} {is_long}"):
            why = f"takes longer than {format_duration(LOCAL_PATIENCE)}" if is_long else "gives more than 64 KiB"
            _logger.warning(
                "step  %s  %s (%s) is a local step and %s. It goes on as an ordinary one, which costs more than one"
                " that is ordinary from the beginning: leave out local=True, which is for what is short and small.",
                info.workflow_id,
                info.activity_type,
                where(),
                why,
            )
        self._keep(call, info, running)
        raise _handed_over(info, runs=True)

    def may_be_anothers(self, call: StepCall, info: activity.Info) -> bool:
        """Return whether an activity is a step that another worker may be running."""
        return call.runs_on and not info.is_local and run_and_key(call, info) not in self._running

    async def is_anothers(self, call: StepCall, info: activity.Info) -> bool:
        """Return whether another worker is running it, or has its result."""
        run = activity.client().get_workflow_handle(info.workflow_id or "", run_id=info.workflow_run_id)
        try:
            return (await run.query(RUNS_ON_QUERY, call.key, rpc_timeout=_ANSWERS_IN)) is True
        except (RPCError, WorkflowQueryFailedError):
            return info.current_attempt_scheduled_time - info.scheduled_time < _LEFT

    def go_on(self, call: StepCall, info: activity.Info) -> tuple[Callable[[], Coroutine[Any, Any, Any]], float] | None:
        """Return what waits for a step that runs here, or has run, and when that began; `None` where it does not."""
        if info.is_local or not call.runs_on:
            return None
        running = self._take(call, info)
        return None if running is None else (functools.partial(_result, running.task), running.began)

    def end(self) -> None:
        """End what runs, as the worker is over."""
        for running in self._running.values():
            running.task.cancel()
            if running.watch is not None:
                running.watch.cancel()
        RUNS_ON.difference_update(self._running)
        self._running.clear()

    def _take(self, call: StepCall, info: activity.Info) -> _Running | None:
        running = self._running.pop(run_and_key(call, info), None)
        RUNS_ON.discard(run_and_key(call, info))
        if running is not None:
            if running.watch is not None:
                running.watch.cancel()
            # It is part of this activity now: by this one's cancellation it is cancelled, by its info it beats.
            running.context.become_current()
        return running

    def _keep(self, call: StepCall, info: activity.Info, running: _Running) -> None:
        key = run_and_key(call, info)
        self._running[key] = running
        RUNS_ON.add(key)
        running.task.add_done_callback(_look_at_its_error)
        running.watch = asyncio.ensure_future(self._watch(key, info, running))

    async def _watch(self, key: tuple[str, str], info: activity.Info, running: _Running) -> None:
        """End a step that nobody waits for any more: its run is over, or another worker has begun it."""
        seen: object = ()
        while True:
            await asyncio.sleep(_LOOKS_EVERY.total_seconds())
            pending = await _pending(info)
            # Only what is so twice: the handler's turn may still be under way, and one that another worker has for a
            # moment, to leave it to this one, is begun as well.
            now = None if pending is None else pending.attempt if pending.state == _STARTED else ()
            if now != () and now == seen:
                break
            seen = now
        if self._running.get(key) is running:
            del self._running[key]
            RUNS_ON.discard(key)
            running.task.cancel()


def _handed_over(info: activity.Info, *, runs: bool) -> SentFailureError:
    said = {"attempt": info.attempt, "runs": runs}
    return SentFailureError("it goes on as an activity", said, type=HANDED_OVER_FAILURE, non_retryable=True)


async def _pending(info: activity.Info) -> PendingActivityInfo | None:
    """Return what the server says of the activity that a local step was handed over to; `None` where there is none."""
    run = activity.client().get_workflow_handle(info.workflow_id or "", run_id=info.workflow_run_id)
    try:
        described = (await run.describe()).raw_description
    except RPCError as err:
        if err.status == RPCStatusCode.NOT_FOUND:
            return None
        return PendingActivityInfo()  # the server is away, and nothing is known
    return next((each for each in described.pending_activities if each.activity_id == info.activity_id), None)


def _look_at_its_error(task: asyncio.Task[Any]) -> None:
    """Let nobody complain of an error that nobody has asked for."""
    if not task.cancelled():
        task.exception()


async def _ends(task: asyncio.Task[Any], seconds: float) -> bool:
    """Return whether a step ends in time. Cancelled meanwhile, it is cancelled, and this ends when it does."""
    try:
        await asyncio.wait([task], timeout=seconds)
    except asyncio.CancelledError:
        task.cancel()
        await _result(task)
        raise
    return task.done()


async def _result(task: asyncio.Task[Any]) -> Any:
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            task.cancel()
    return task.result()


def _is_large(task: asyncio.Task[Any]) -> bool:
    """Return whether what a step came to is too much for the message that ends a workflow task."""
    if task.cancelled():
        return False
    error = task.exception()
    if isinstance(error, ApplicationError):
        failure = Failure()
        # With its causes, of which there may be many, each with its traceback.
        DefaultFailureConverter().to_failure(error, DefaultPayloadConverter(), failure)
        return failure.ByteSize() > LARGEST_LOCAL
    if error is not None:
        return False
    result = task.result()
    return isinstance(result, RawValue) and len(result.payload.data) > LARGEST_LOCAL
