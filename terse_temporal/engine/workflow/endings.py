"""How runs end: what one fails with, and the line in the worker's log that says so.

Whatever leaves a handler fails its run: an application failure of the exception's class, never retried, and never the
workflow task alone. Let through is only what the engine itself throws into a handler, or through it.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from traceback import walk_tb
from types import TracebackType
from typing import Final

from temporalio import workflow
from temporalio.bridge.proto.workflow_activation import RemoveFromCache
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, is_cancelled_exception

from ...diagnostics.logs import logger_of
from ...diagnostics.places import is_users, place
from ...diagnostics.redaction import redact
from ...durations import format_duration
from ...errors import SideEffectError, StepError, StepInterruptedError
from ...jobs.job import Job
from ..determinism.task_order import exit_of
from ..failure_log import log_failure
from ..wire.calls import FailureDetail, read_failure_detail
from ..wire.failures import (
    SentFailureError,
    bounded_text,
    failure_detail,
    failure_text,
    recorded_cause,
    sendable_text,
    trim_tracebacks,
)
from ..wire.reset_points import cause_details

__all__ = ["is_of_the_engine", "log_cut_off", "log_end", "run_failure", "users_line"]

#: Bytes of the details of a failure that a handler makes itself. The server takes 2 MiB of a failure in all.
_LARGEST_DETAILS: Final = 1_000_000

_logger = logger_of("worker")


def is_of_the_engine(error: BaseException, task: asyncio.Task[object] | None) -> bool:
    """Return whether the engine has thrown an exception into a handler, which is to be let through as it is.

    Args:
        task: that of the handler.
    """
    if isinstance(error, workflow.NondeterminismError | workflow.ContinueAsNewError):
        return True
    # Of a run that leaves the cache: the handler is not to go on, and asked for more.
    if type(error).__module__.startswith("temporalio.worker."):
        return True
    # Thrown in by `close()`, when nobody holds the handler any more: at the end of the process, or by the collector,
    # perhaps while another run is on this thread.
    return isinstance(error, GeneratorExit) and (task is None or _current_task() is not task)


def _current_task() -> asyncio.Task[object] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # no loop
        return None


def run_failure(error: BaseException, job: Job) -> BaseException:
    """Return what a run fails with when its handler raised `error`; as it is, where the run was cancelled."""
    if isinstance(error, SentFailureError):  # it is one already
        return error
    error = exit_of(error)
    if is_cancelled_exception(error) and workflow.cancellation_reason() is not None:
        return error
    if isinstance(error, FailureError) and error.failure is not None:
        return recorded_cause(error)
    if isinstance(error, ApplicationError):
        return _sendable(error)
    if _is_refused_by_the_loop(error):
        error = SideEffectError(
            f"the network, or a thread or process, was used at {users_line(error.__traceback__)}, in the handler of a"
            " durable job. The handler is replayed from the top whenever the run goes on, and it would happen again:"
            " move it into a step, await job_step(run=…)."
        ).with_traceback(error.__traceback__)
    trim_tracebacks(error)
    # A job that is not durable is one step: the exception is its handler's.
    name = type(error).__name__
    if type(error) is StepError and not job.durable:
        name = error.error_type
    # As a step's, so that whoever waits for the run gets an exception of its class.
    detail = _raised_in_place(error, job) or failure_detail(error, error.step if isinstance(error, StepError) else "")
    failure = SentFailureError(
        failure_text(error), detail.to_wire(), *cause_details(error), type=sendable_text(name), non_retryable=True
    )
    failure.__cause__ = recorded_cause(error.__cause__ if isinstance(error, StepError) and error.__cause__ else error)
    failure.raised = error
    return failure


def _raised_in_place(error: BaseException, job: Job) -> FailureDetail | None:
    """Return what is recorded of the exception of a handler that is not durable, which is none of a step."""
    recorded = error.__cause__.cause if isinstance(error.__cause__, ActivityError) else None
    if job.durable or type(error) is StepInterruptedError or not isinstance(recorded, ApplicationError):
        return None
    detail = read_failure_detail(recorded)
    return None if detail is None else replace(detail, step="")


def log_end(job: Job, failure: BaseException | None, how: str = "done") -> None:
    """Say in the worker's log how a run has ended, once: not when it is replayed, or leaves the cache."""
    if workflow.unsafe.is_replaying() or isinstance(failure, workflow.NondeterminismError):
        return
    if failure is None and not _logger.isEnabledFor(logging.INFO):
        return
    info = workflow.info()
    took = format_duration(timedelta(seconds=round((workflow.now() - info.workflow_start_time).total_seconds(), 3)))
    said = f"run   {info.workflow_id}  {job.name}"
    if failure is None:
        _logger.info("%s %s after %s", said, how, took)
    elif isinstance(failure, workflow.ContinueAsNewError):
        _logger.info("%s continues as a new run after %s", said, took)
    elif is_cancelled_exception(failure):
        _logger.info("%s cancelled after %s", said, took)
    else:
        log_failure(_logger, logging.ERROR, f"{said} failed after {took}: {failure}", failure)


def log_cut_off(info: workflow.Info, why: RemoveFromCache, *, has_ended: bool) -> None:
    """Say in the worker's log that a run has been ended from outside, when it leaves the cache for that.

    The server tells a worker so only when it hands in a workflow task. Of a run that waits when it is terminated, the
    worker is told nothing.
    """
    if why.reason == RemoveFromCache.TASK_NOT_FOUND and not has_ended:
        _logger.info(
            "run   %s  %s is not this worker's any more: it was terminated, its time was up, or its workflow task took"
            " longer than the server waits, and is given to whichever worker asks",
            info.workflow_id,
            info.workflow_type,
        )


def _sendable(error: ApplicationError) -> ApplicationError:
    """Return an application failure that the handler made itself, with its details if they can be sent."""
    try:
        size = sum(each.ByteSize() for each in workflow.payload_converter().to_payloads(error.details))
    except Exception:
        size = _LARGEST_DETAILS
    failure = SentFailureError(
        bounded_text(redact(error.message)),
        *(error.details if size < _LARGEST_DETAILS else ()),
        type=None if error.type is None else sendable_text(error.type),
        non_retryable=error.non_retryable,
        next_retry_delay=error.next_retry_delay,
        category=error.category,
    )
    failure.__cause__ = recorded_cause(error.__cause__) if error.__cause__ is not None else None
    failure.raised = error
    return failure


def _is_refused_by_the_loop(error: BaseException) -> bool:
    """Return whether it is the workflow's event loop that says it does not do this, also from within a group."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(_is_refused_by_the_loop, error.exceptions))
    traceback = error.__traceback__ if isinstance(error, NotImplementedError) else None
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback is not None and traceback.tb_frame.f_globals.get("__name__") == "asyncio.events"


def users_line(traceback: TracebackType | None) -> str:
    """Return the last line of the user's in a traceback."""
    lines = [each for each in walk_tb(traceback) if is_users(each[0])]
    return place(lines[-1][0].f_code.co_filename, lines[-1][1]) if lines else "an unknown line"
