"""A failed step, as the handler sees it: an exception that is of the class that was raised, and a `StepError`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

from temporalio import exceptions
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError, TimeoutType

from ...errors import StepError, StepInterruptedError, StepTimeoutError
from ...serialization.wire_names import STEP_INTERRUPTED_FAILURE
from .calls import read_failure_detail
from .rebuilt_exceptions import RebuiltError, rebuild

__all__ = ["step_exception"]


class _RebuiltStepError(RebuiltError, StepError):
    _own: ClassVar[Mapping[str, str]] = {"step": "", "error_type": ""}
    _raised_in = "in the handler: what the step {0.step!r} raised"
    _remedy = (
        "Return from the step what the handler needs of it, or raise an exception in the step that holds plain values."
    )


def step_exception(error: ActivityError, step: str, where: str, namespace: Mapping[str, Any]) -> BaseException:
    """Return what the handler sees of a failed step.

    Args:
        error: what the SDK raised.
        step: the step's name.
        where: the line of the call, for messages.
        namespace: the globals of the handler, whose classes come first.
    """
    cause = error.cause
    if isinstance(cause, CancelledError):
        return asyncio.CancelledError(cause.message)
    if isinstance(cause, ApplicationError) and cause.type != STEP_INTERRUPTED_FAILURE:
        detail = read_failure_detail(cause)
        raised: StepError | None = rebuild(_RebuiltStepError, detail, cause.message, namespace) if detail else None
        if raised is None:
            raised = StepError(cause.message)
        for name, value in (("step", step), ("error_type", cause.type or StepError.__name__)):
            vars(raised)[name] = value
        return raised
    if isinstance(cause, exceptions.TimeoutError) and cause.type == TimeoutType.START_TO_CLOSE:
        return StepTimeoutError(
            f"step {step!r} ({where}) ran past its timeout, and its worker could not end it: something in it blocks the"
            " event loop. Make the function a plain `def`, or make that call with `await asyncio.to_thread(…)`.",
            step=step,
        )
    return StepInterruptedError(
        f"step {step!r} ({where}) was interrupted: {_reason(cause)} It may have happened or not, and"
        ' on_interrupt="fail" says not to run it again.',
        step=step,
    )


def _reason(cause: BaseException | None) -> str:
    if isinstance(cause, ApplicationError):
        return f"{cause.message}."
    # Of the server itself, where there is to be no other attempt: the step was being cancelled.
    return "its worker was lost (no sign of life for some seconds)."
