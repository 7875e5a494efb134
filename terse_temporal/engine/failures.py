"""Failures on their way from a step to the handler, and from the handler to the run.

    step raises  ->  application failure  ->  exception in the handler  ->  application failure of the run

In the handler an exception is of its own class *and* a `StepError`. A class is looked for by name in the job's module
and in the modules that are loaded; it is never imported for the purpose, and its `__init__` is not called. Where the
class is not to be had, a plain `StepError` tells its name.
"""

from __future__ import annotations

import asyncio
import builtins
import sys
from collections.abc import Mapping
from datetime import timedelta
from traceback import walk_tb
from types import TracebackType
from typing import Any, Final

from temporalio import exceptions, workflow
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    CancelledError,
    FailureError,
    TimeoutType,
    is_cancelled_exception,
)

from ..errors import SideEffectError, StepError, StepInterruptedError, StepTimeoutError, TerseError
from ..execution import RetryRule
from ..faults import next_delay
from ..jobs import module_name
from ..places import is_users, only_users_traceback, place, users_traceback
from ..redaction import error_text, redacted, redacted_value
from ..values import encoded_size
from .functions import attribute_path, reference_of_class
from .wire import FailureDetail, plain_json, read_failure_detail

__all__ = [
    "INTERRUPTED",
    "is_refusal",
    "recordable_cause",
    "refused",
    "retry_delay",
    "retry_to_wire",
    "run_failure",
    "step_exception",
    "step_failure",
]

#: The failure type of a step that was cut off by its worker's shutdown. Retried, like a lost worker.
INTERRUPTED: Final = "StepInterrupted"

#: The types of a worker's refusals.
_REFUSALS: Final = frozenset(["WireError", "UnknownFunctionError", "UnknownJobError", "UnknownToolError"])

#: Characters of an exception's text, and bytes of each thing that it holds, that are recorded. An answer of the server
#: over its limit would not be taken, and the step run again for ever.
_LONGEST_TEXT: Final = 10_000


def step_failure(error: BaseException, step: str, next_retry_delay: timedelta | None) -> ApplicationError:
    """What a step raised, as Temporal records it. Without a delay it is not retried."""
    cls = type(error)
    shown = only_users_traceback if isinstance(error, TerseError) else users_traceback
    error.__traceback__ = shown(error.__traceback__)
    detail = FailureDetail(
        step=step,
        error=reference_of_class(cls),
        arguments=redacted_value(list(error.args)) if _is_recordable(list(error.args)) else [],
        attributes={name: redacted_value(value) for name, value in vars(error).items() if _is_recordable(value)},
    )
    return ApplicationError(
        _message(error),
        detail.to_wire(),
        type=cls.__name__,
        non_retryable=next_retry_delay is None,
        next_retry_delay=next_retry_delay,
    )


def refused(what: str, error: Exception, again: timedelta) -> ApplicationError:
    """What a worker says to a call that it cannot run, of which it has run nothing."""
    return ApplicationError(f"{what} refused: {error}", type=type(error).__name__, next_retry_delay=again)


def is_refusal(error: ActivityError) -> bool:
    """Whether a worker refused the call, and so has run nothing. What a step or a job raises has details."""
    cause = error.cause
    return isinstance(cause, ApplicationError) and cause.type in _REFUSALS and not cause.details


def retry_delay(error: BaseException, rule: Mapping[str, Any] | None, attempt: int) -> timedelta | None:
    """How long to wait before the next attempt, or `None` if there is to be none."""
    if rule is None or (isinstance(error, ApplicationError) and error.non_retryable):
        return None
    # Compared by name: the classes named in the handler are of its own copy of the module.
    listed = bool({reference_of_class(cls) for cls in type(error).__mro__}.intersection(rule["on"]))
    numbers = {name: rule[name] for name in ("max_attempts", "initial", "multiplier", "max_delay")}
    seconds = next_delay(error, RetryRule(**numbers, on=(), faults=rule.get("faults")), attempt, listed=listed)
    return None if seconds is None else timedelta(seconds=seconds)


def retry_to_wire(rule: RetryRule) -> dict[str, Any]:
    """A retry rule for `StepCall.retry`."""
    wire: dict[str, Any] = {
        "max_attempts": rule.max_attempts,
        "initial": rule.initial,
        "multiplier": rule.multiplier,
        "max_delay": rule.max_delay,
        "on": [reference_of_class(cls) for cls in rule.on],
    }
    if rule.faults is not None:
        wire["faults"] = rule.faults
    return wire


def step_exception(error: ActivityError, step: str, where: str, namespace: Mapping[str, Any]) -> BaseException:
    """What the handler sees of a failed step."""
    cause = error.cause
    if isinstance(cause, CancelledError):
        return asyncio.CancelledError(cause.message)
    if isinstance(cause, ApplicationError) and cause.type != INTERRUPTED:
        detail = read_failure_detail(cause)
        cls = _find_class(detail.error, namespace) if detail else None
        raised = _rebuilt(cls, detail, cause.message) if cls and detail else None
        if raised is None:
            raised = StepError(cause.message)
        raised.message = cause.message
        raised.step = step
        raised.error_type = cause.type or StepError.__name__
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


def run_failure(error: BaseException) -> BaseException:
    """What a run fails with when its handler raised: never retried, and never the workflow task alone.

    Non-determinism is the exception to that: it passes through, and the run waits for code that fits.
    """
    if isinstance(error, workflow.NondeterminismError | FailureError):
        return error
    if is_cancelled_exception(error) and workflow.cancellation_reason() is not None:
        return error
    # Others that are no `Exception` are the engine's own, for control flow.
    if not isinstance(error, Exception | SystemExit | KeyboardInterrupt | asyncio.CancelledError):
        return error
    if _is_refused_by_the_loop(error):
        error = SideEffectError(
            f"the network, or a thread or process, was used at {_users_line(error.__traceback__)}, in the handler of a"
            " durable job. The handler is replayed from the top whenever the run goes on, and it would happen again:"
            " move it into a step, await job_step(run=…)."
        ).with_traceback(error.__traceback__)
    failure = ApplicationError(_message(error), type=type(error).__name__, non_retryable=True)
    failure.__cause__ = recordable_cause(error.__cause__ if isinstance(error, StepError) and error.__cause__ else error)
    return failure


def recordable_cause(error: BaseException) -> BaseException | None:
    """The exception, to be recorded as the cause of a failure; `None` if it and its causes say too much for that.

    That is a text without end, or one that is secret.
    """
    length = 0
    each: BaseException | None = error
    while each is not None and length <= 5 * _LONGEST_TEXT:
        try:
            text = str(each)
        except Exception:
            return None
        if redacted(text) != text:
            return None
        length += len(text) + 1
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
    return error if length <= 5 * _LONGEST_TEXT else None


def _message(error: BaseException) -> str:
    text = _text(error)
    # A little more, so that what was cut in the step is not cut again.
    return text if len(text) <= _LONGEST_TEXT + 100 else f"{text[:_LONGEST_TEXT]}… ({len(text):,} characters in all)"


def _text(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        inner = "; ".join(f"{type(each).__name__}: {_text(each)}" for each in error.exceptions)
        return f"{error.message}: {inner}"
    return error_text(error)


def _is_recordable(value: Any) -> bool:
    return plain_json(value) and encoded_size(value) <= _LONGEST_TEXT


def _is_refused_by_the_loop(error: BaseException) -> bool:
    """Whether it is the workflow's event loop that says it does not do this, also from within a group of tasks."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(_is_refused_by_the_loop, error.exceptions))
    traceback = error.__traceback__ if isinstance(error, NotImplementedError) else None
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback is not None and traceback.tb_frame.f_globals.get("__name__") == "asyncio.events"


def _users_line(traceback: TracebackType | None) -> str:
    """The last line of the user's in a traceback."""
    lines = [each for each in walk_tb(traceback) if is_users(each[0])]
    return place(lines[-1][0].f_code.co_filename, lines[-1][1]) if lines else "an unknown line"


def _reason(cause: BaseException | None) -> str:
    if isinstance(cause, exceptions.TimeoutError):
        return "its worker was lost (no sign of life for some seconds)."
    return "its worker was shut down before it was done."


def _find_class(reference: str, namespace: Mapping[str, Any]) -> type[Exception] | None:
    module, _, qualname = reference.partition(":")
    if module == module_name(str(namespace.get("__name__", ""))):
        found = attribute_path(namespace, qualname)
    else:
        loaded = builtins if module == "builtins" else sys.modules.get(module)
        found = attribute_path(vars(loaded), qualname) if loaded is not None else None
    # Temporal's own failures are made by its converters alone.
    return (
        found
        if isinstance(found, type) and issubclass(found, Exception) and not issubclass(found, FailureError)
        else None
    )


def _rebuilt(cls: type[Exception], detail: FailureDetail, message: str) -> StepError | None:
    try:
        # In front of what the class itself has by these names, which may be read-only.
        ours = {"__module__": cls.__module__, "message": "", "step": "", "error_type": ""}
        both = cls if issubclass(cls, StepError) else type(cls.__name__, (StepError, cls), ours)
        error = both.__new__(both, *(detail.arguments or [message]))
        if isinstance(error, OSError):
            # Its errno and file name are read from the arguments by `__init__`, when a subclass has one of its own.
            OSError.__init__(error, *detail.arguments)
        error.args = tuple(detail.arguments or [message])
        for name, value in detail.attributes.items():
            setattr(error, name, value)
    except Exception:
        # A class that insists on more than it recorded: an exception group, or one with a layout of its own.
        return None
    return error if isinstance(error, StepError) else None
