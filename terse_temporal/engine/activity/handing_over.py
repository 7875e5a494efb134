"""Local steps that take too long, or give too much, go on as activities.

While a local step runs, its workflow task is open: the server is told nothing of the run, so that queries, signals,
and the commands of other branches wait. And what it gives goes into the message that ends the task, together with all
the others. So one that is not done in two seconds, or gives a large result, is *handed over*: what is recorded of it is
a failure that says so, and the handler asks for an activity of the same key. The function runs on meanwhile. The worker
that has it answers the activity with what it comes to. As a rule the server gives the activity to that worker at once.

Another worker leaves it to that one for some seconds, and then runs the function itself: that one is gone. Before that
a worker that is not asked for what it runs ends it, so that no step runs twice at the same time.

Tried and left: to let the workflow task go on, which the SDK's core does by a new task every eight seconds (each time
everything waits for so long), and to end the function and begin it anew, which makes a step of three seconds one of
five.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from temporalio import activity
from temporalio.api.failure.v1 import Failure
from temporalio.common import RawValue
from temporalio.converter import DefaultFailureConverter, DefaultPayloadConverter
from temporalio.exceptions import ApplicationError

from ...diagnostics.logs import logger_of
from ...diagnostics.once import Once
from ...durations import format_duration
from ...serialization.wire_names import HANDED_OVER_FAILURE
from ..limits import LARGEST_LOCAL, LOCAL_PATIENCE
from ..sdk_private import ActivityContext
from ..wire.calls import StepCall
from ..wire.failures import SentFailureError

__all__ = ["HandedOverSteps"]

_logger = logger_of("worker")

#: How long a worker keeps a step that it has handed over and that nobody asks for, and how long others leave it to it.
_KEPT: Final = timedelta(seconds=5)
_LEFT: Final = timedelta(seconds=6)


@dataclass(slots=True)
class _Running:
    task: asyncio.Task[Any]
    context: ActivityContext
    end: asyncio.TimerHandle | None = None


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
        running = self._take(call, info) or _Running(asyncio.ensure_future(start()), ActivityContext.current())
        if await _ends(running.task, LOCAL_PATIENCE.total_seconds()) and not _is_large(running.task):
            return running.task.result()
        if not running.task.done() and self._said.is_new(f"{where()} {info.activity_type}"):
            _logger.warning(
                "step  %s  %s (%s) is a local step and takes longer than %s. It goes on as an ordinary one, which costs"
                " more than one that is ordinary from the beginning: leave out local=True, which is for what is short.",
                info.workflow_id,
                info.activity_type,
                where(),
                format_duration(LOCAL_PATIENCE),
            )
        self._keep(call, info, running)
        raise _handed_over(info, runs=True)

    def is_left_to_another(self, call: StepCall, info: activity.Info) -> bool:
        """Return whether an activity is a step that another worker may be running."""
        if info.is_local or not call.runs_on or self._key(call, info) in self._running:
            return False
        return info.current_attempt_scheduled_time - info.scheduled_time < _LEFT

    def go_on(self, call: StepCall, info: activity.Info) -> Callable[[], Coroutine[Any, Any, Any]] | None:
        """Return what waits for a step that runs here, or has run; `None` where it does not."""
        if info.is_local or not call.runs_on:
            return None
        running = self._take(call, info)
        return None if running is None else functools.partial(_result, running.task)

    def end(self) -> None:
        """End what runs, as the worker is over."""
        for running in self._running.values():
            _end(running)
        self._running.clear()

    def _key(self, call: StepCall, info: activity.Info) -> tuple[str, str]:
        return info.workflow_run_id or "", call.key

    def _take(self, call: StepCall, info: activity.Info) -> _Running | None:
        running = self._running.pop(self._key(call, info), None)
        if running is not None:
            if running.end is not None:
                running.end.cancel()
            # It is part of this activity now: by this one's cancellation it is cancelled, by its info it beats.
            running.context.become_current()
        return running

    def _keep(self, call: StepCall, info: activity.Info, running: _Running) -> None:
        key = self._key(call, info)
        self._running[key] = running
        running.task.add_done_callback(_look_at_its_error)

        def end() -> None:
            if self._running.get(key) is running:
                del self._running[key]
                _end(running)

        running.end = asyncio.get_running_loop().call_later(_KEPT.total_seconds(), end)


def _handed_over(info: activity.Info, *, runs: bool) -> SentFailureError:
    said = {"attempt": info.attempt, "runs": runs}
    return SentFailureError("it goes on as an activity", said, type=HANDED_OVER_FAILURE, non_retryable=True)


def _end(running: _Running) -> None:
    if running.end is not None:
        running.end.cancel()
    running.task.cancel()


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
