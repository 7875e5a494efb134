"""What a step ends with where it gives no result: its failure, or that it has not begun."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from temporalio import activity
from temporalio.api.common.v1 import Payload
from temporalio.exceptions import ApplicationError

from ...errors import EventError, SelfCancelledError
from ...serialization.value_problems import ValueProblem
from ...serialization.wire_names import NOT_BEGUN_FAILURE
from ..wire.attempts import add_attempt_to_failure
from ..wire.calls import StepCall
from ..wire.failures import SentFailureError, step_failure
from ..wire.inputs_check import add_check_to_failure
from ..wire.local_steps import add_key_to_failure
from ..wire.retries import retry_delay
from .at_most_once import report_begin, report_retry
from .step_log import log_step

__all__ = [
    "ANOTHER_WORKERS",
    "add_details",
    "begin_details",
    "failure_of",
    "not_begun",
    "own",
    "pass_on",
    "raise_if_shut_down",
]

#: A call that this worker cannot run may be another's: of the version before or after, while a deploy is under way.
ANOTHER_WORKERS: Final = timedelta(seconds=5)


def pass_on(error: BaseException, task: asyncio.Task[Any] | None) -> None:
    """Raise again what is none of the step's: its cancellation, and the end of the loop, which closes what is open."""
    if isinstance(error, asyncio.CancelledError) and activity.is_cancelled():
        raise error
    if isinstance(error, GeneratorExit):
        try:
            is_running = asyncio.current_task() is task
        except RuntimeError:
            is_running = False
        if not is_running:
            raise error


def own(error: BaseException, what: str) -> BaseException:
    """Return what a step has raised; of a cancellation that nobody asked for an error that says so, since the handler
    would take it for its own.
    """
    return SelfCancelledError(f"the {what} cancelled itself") if isinstance(error, asyncio.CancelledError) else error


def failure_of(error: BaseException, name: str, call: StepCall, info: activity.Info) -> SentFailureError:
    """Return what the server is told of what a step has raised, and when it is tried again."""
    if isinstance(error, ValueProblem):
        error = EventError(f"step {name!r}: its recorded input {error}")
    try:
        delay = retry_delay(error, call.retry, info.attempt + call.before)
    except Exception as err:  # an exception whose attributes raise, or a rule that is none
        log_step(info, f"is not tried again: whether to cannot be found out ({type(err).__name__})", logging.WARNING)
        delay = None
    return step_failure(error, name, delay)


def add_details(failure: ApplicationError, call: StepCall, info: activity.Info) -> None:
    """Put into what a step fails with what stands beside a result."""
    add_check_to_failure(failure, call.check)
    add_attempt_to_failure(failure, info.attempt + call.before)
    if info.is_local:
        add_key_to_failure(failure, call.key)


def not_begun(name: str, why: str, delay: timedelta | None = None) -> SentFailureError:
    """Of which nothing has run: any worker may run it, also one that is to be run at most once.

    Args:
        name: of the step.
        why: it has not begun.
        delay: after which it is tried again.
    """
    again = ANOTHER_WORKERS if delay is None else delay
    return SentFailureError(f"step {name!r} has not begun: {why}", type=NOT_BEGUN_FAILURE, next_retry_delay=again)


def raise_if_shut_down(info: activity.Info) -> None:
    """Raise, of an activity that is cancelled before it has begun, that its worker is shut down, if that is why."""
    why = activity.cancellation_details()
    if why is not None and why.worker_shutdown:  # the SDK would report it as cancelled by the run
        raise not_begun(info.activity_type, "its worker was shut down") from None


async def begin_details(info: activity.Info) -> Sequence[Payload]:
    """Tell the server that a step begins which runs at most once; return what its heartbeats have to say.

    Raises:
        SentFailureError: the server does not answer, so that it has not begun.
    """
    try:
        return await report_begin(info)
    except asyncio.CancelledError:
        await report_retry(info)
        raise_if_shut_down(info)
        raise
    except Exception as err:
        log_step(info, f"has not begun (attempt {info.attempt}): the server was not told: {err!r}", logging.WARNING)
        await report_retry(info)
        raise not_begun(info.activity_type, "the server has not answered that it may") from None
