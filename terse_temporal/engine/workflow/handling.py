"""A handler from its call to its end: how long it may take, and what its job does when it has failed.

Two things end with the run as it would have ended: what is cancelled because its time is up fails, whatever the handler
makes of that; and `on_failure` has no say in what its run ends with, unless it fails itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import FailureError, is_cancelled_exception

from ...diagnostics.logs import logger_of
from ...diagnostics.places import place_of
from ...durations import format_duration
from ...errors import RunCancelledError, RunTimeoutError, StepError
from ...jobs.failures import RunFailure
from ...jobs.job import Job
from ...serialization.wire_names import ON_FAILURE_MARKER, TIMED_OUT_MEMO
from ..failure_log import log_failure
from ..wire.failures import SentFailureError, bounded_text, failure_text
from .endings import is_of_the_engine, run_failure, users_line
from .execution import DurableExecution

__all__ = ["handled"]

_logger = logger_of("worker")

_R = TypeVar("_R")


async def handled(
    job: Job,
    execution: DurableExecution,
    handle: Callable[[], Awaitable[_R]],
    on_failure: Callable[[RunFailure], Awaitable[object]],
) -> _R:
    """Run a handler within its job's timeout, and the job's `on_failure` after it where it did not end well.

    Args:
        job: of the run.
        execution: of the run.
        handle: calls the handler.
        on_failure: calls the job's; it is not asked for where the job has none.

    Raises:
        BaseException: what the run ends with; what the engine has thrown into the handler passes as it is.
    """
    task = asyncio.current_task()
    limit = None if job.timeout is None else _TimeLimit(job.timeout, task)
    error: BaseException | None = None
    try:
        result = await handle()
    except BaseException as err:
        if _passes(err, task):
            raise
        error = err
    if limit is not None:
        limit.end()
        if limit.is_up:
            error = _time_is_up(job, error)
    if error is None:
        return result
    failure = run_failure(error, job)
    # Not where the handler is ended because its run leaves the cache, which is as a replay without the marker.
    if job.on_failure is not None and execution.recorded(ON_FAILURE_MARKER, True):
        failure = await _after(job, failure, _told(job, error, failure), on_failure)
    if limit is not None and limit.is_up:
        # A listing of runs tells so by it, without the failure of each.
        workflow.upsert_memo({TIMED_OUT_MEMO: True})
    raise failure from failure.__cause__


class _TimeLimit:
    """A timer that cancels the task of the handler. It has no summary, by which sleeps are known in a history.

    A run that is reset has all of its time again, from then on: what it was reset for was mended while its time ran.
    """

    def __init__(self, limit: timedelta, task: asyncio.Task[object] | None) -> None:
        self.is_up = False
        self._task = task
        self._loop = asyncio.get_running_loop()
        self._limit = limit.total_seconds()
        self._reset: float | None = None
        # What comes with a reset, and nothing else: it stands in the history.
        workflow.register_random_seed_callback(self._is_reset)
        self._timer = self._loop.call_later(self._limit, self._fires)

    def end(self) -> None:
        self._timer.cancel()

    def _is_reset(self, _seed: int) -> None:
        self._reset = self._loop.time()

    def _fires(self) -> None:
        # The server keeps the moment that the timer was to fire at first.
        left = 0.0 if self._reset is None else self._reset + self._limit - self._loop.time()
        self._reset = None
        if left > 0:
            self._timer = self._loop.call_later(left, self._fires)
            return
        self.is_up = True
        if self._task is not None:
            self._task.cancel()


def _time_is_up(job: Job, ended_by: BaseException | None) -> RunTimeoutError:
    assert job.timeout is not None
    how = "returned all the same"
    if isinstance(ended_by, asyncio.CancelledError):
        how = f"was cancelled at {users_line(ended_by.__traceback__)}"
    elif ended_by is not None:
        said = failure_text(ended_by)
        name = type(ended_by).__name__
        how = f"raised {said if said.startswith(name) else f'{name}: {said}'} ({users_line(ended_by.__traceback__)})"
    error = RunTimeoutError(
        f"the run is over the timeout of the job {job.name!r} ({job.where}), {format_duration(job.timeout)}:"
        f" its handler {how}",
        job=job.name,
    )
    error.__cause__ = ended_by
    return error


def _passes(error: BaseException, task: asyncio.Task[object] | None) -> bool:
    """Return whether a handler was ended by the engine, and its run is not."""
    return not workflow.in_workflow() or is_of_the_engine(error, task)


def _told(job: Job, error: BaseException, failure: BaseException) -> RunFailure:
    if not isinstance(failure, FailureError) or is_cancelled_exception(failure):
        reason = workflow.cancellation_reason()
        return RunFailure(RunCancelledError.__name__, bounded_text(reason) if reason else "the run was cancelled")
    name = getattr(failure, "type", None) or type(error).__name__
    step = None if isinstance(error, RunTimeoutError) or not job.durable else next(_steps_of(error), None)
    return RunFailure(name, failure.message, step)


def _steps_of(error: BaseException | None) -> Iterator[str]:
    """Yield the names of the steps that an exception comes from: its own, in a group, or behind it."""
    pending, seen = [error], set[int]()
    while pending:
        each = pending.pop(0)
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, StepError) and each.step:
            yield each.step
        pending += each.exceptions if isinstance(each, BaseExceptionGroup) else ()
        pending.append(each.__cause__ or (None if each.__suppress_context__ else each.__context__))


async def _after(
    job: Job,
    failure: BaseException,
    told: RunFailure,
    on_failure: Callable[[RunFailure], Awaitable[object]],
) -> BaseException:
    """Run the job's `on_failure`, and return what the run ends with."""
    task = asyncio.current_task()
    while task is not None and task.cancelling():
        task.uncancel()  # or a TaskGroup in it would take what it is about for its own cancellation
    said = f"run   {workflow.info().workflow_id}  {job.name}"
    if not workflow.unsafe.is_replaying():
        _logger.info("%s has failed (%s), and its on_failure begins", said, told.type)
    try:
        await on_failure(told)
    except BaseException as err:
        if _passes(err, task):
            raise
        also = run_failure(err, job)
        if not workflow.unsafe.is_replaying():
            log_failure(_logger, logging.ERROR, f"{said}: its on_failure failed: {failure_text(err)}", also)
        return _both(job, failure, told, err, also)
    return failure


def _both(
    job: Job, failure: BaseException, told: RunFailure, error: BaseException, also: BaseException
) -> SentFailureError:
    """Return a failure that says both: of the type of the first, unless that is a cancellation, which says nothing."""
    assert job.on_failure is not None
    name = type(error).__name__
    said = failure_text(error)
    first = told.message
    if (not isinstance(failure, FailureError) or is_cancelled_exception(failure)) and workflow.cancellation_reason():
        first = f"the run was cancelled: {first}"
    message = bounded_text(
        f"{first}; and its on_failure ({place_of(job.on_failure)}) failed at {users_line(error.__traceback__)}:"
        f" {said if said.startswith(name) else f'{name}: {said}'}"
    )
    named = failure if isinstance(failure, SentFailureError) else also
    details = named.details if isinstance(named, SentFailureError) else ()
    both = SentFailureError(message, *details, type=getattr(named, "type", None) or name, non_retryable=True)
    both.__cause__ = named.__cause__
    both.raised = named.raised if isinstance(named, SentFailureError) else None
    return both
