"""A run that failed, as who waits for it sees it: an exception of the class that was raised, and a `RunFailedError`.

What a failure says may be another program's, or made by hand: it is read as text, and no class is made of it but those
that the code of the waiting side can name itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from temporalio import exceptions
from temporalio.api.failure.v1 import Failure
from temporalio.client import WorkflowFailureError
from temporalio.converter import DefaultFailureConverter, PayloadConverter
from temporalio.exceptions import ApplicationError, CancelledError, ChildWorkflowError, FailureError, TerminatedError

from ...diagnostics.text import shorten
from ...errors import RunCancelledError, RunFailedError, RunTerminatedError, RunTimeoutError
from .calls import read_failure_detail
from .rebuilt_exceptions import RebuiltError, rebuild

__all__ = ["run_exception"]

#: Characters of a message that is kept. Ours are shorter; another program's may be two mebibytes.
_LONGEST_MESSAGE: Final = 20_000

#: Characters of a reason that is kept.
_LONGEST_REASON: Final = 2_000

# What the server and the SDK say of a cancellation, and of a run that was terminated, which says nothing.
_CANCELLED: Final = ("Workflow execution canceled", "Workflow cancelled", "Cancelled")
_TERMINATED: Final = ("Workflow execution terminated", "Terminated")


class _RebuiltRunError(RebuiltError, RunFailedError):
    _own: ClassVar[Mapping[str, str]] = {"id": "", "run_id": "", "job": "", "error_type": ""}
    _raised_in = "where the run is waited for: what the run {0.id!r} raised"
    _remedy = "Return from the run what is needed of it, or raise an exception in it that holds plain values."


def run_exception(
    error: BaseException | Failure, *, job: str, id: str, run_id: str, namespace: Mapping[str, Any], reason: str = ""
) -> RunFailedError:
    """Return what the waiting side sees of a run that has not ended well.

    Args:
        error: what the SDK raised for it, or the failure in its history.
        job: the job's name.
        id: the workflow id.
        run_id: of the run that failed.
        namespace: the globals of the code that is to catch it, whose classes come first.
        reason: what was said by whoever cancelled it, which the failure does not tell.
    """
    cause = _cause(error)
    found = _exception(cause, f"the run {id!r} of the job {job!r}", namespace, reason)
    # Not by assignment: the class may not let anything be set.
    held = vars(found)
    own = {"id": id, "run_id": run_id, "job": job}
    held.update(own if isinstance(found, RunTimeoutError) else {**own, "error_type": _type_of(cause, found)})
    held["__notes__"] = [f"in the run {id!r} of the job {job!r} (run id {run_id})"]
    return found


def _cause(error: BaseException | Failure) -> BaseException:
    if isinstance(error, Failure):
        return _cause(_decoded(error))
    while isinstance(error, WorkflowFailureError | ChildWorkflowError) and error.__cause__ is not None:
        error = error.__cause__
    return error


def _decoded(failure: Failure) -> BaseException:
    try:
        return DefaultFailureConverter().from_failure(failure, PayloadConverter.default)
    except Exception:  # details that only another converter can read
        return ApplicationError(failure.message, type=failure.application_failure_info.type or None)


def _exception(cause: BaseException, run: str, namespace: Mapping[str, Any], reason: str) -> RunFailedError:
    message = _message(cause)
    if isinstance(cause, CancelledError):
        said = shorten(reason, _LONGEST_REASON) or message
        return RunCancelledError(f"{run} was cancelled{_reason(said, *_CANCELLED)}")
    if isinstance(cause, TerminatedError):
        return RunTerminatedError(f"{run} was terminated{_reason(message, *_TERMINATED)}")
    if isinstance(cause, exceptions.TimeoutError):
        return RunTimeoutError(f"{run} ran longer than the timeout that it was started with")
    if not isinstance(cause, ApplicationError):
        return RunFailedError(message)
    if cause.type == RunTimeoutError.__name__:
        return RunTimeoutError(message)
    try:
        detail = read_failure_detail(cause)
        raised = rebuild(_RebuiltRunError, detail, message, namespace) if detail else None
    except Exception:  # details that cannot be decoded
        raised = None
    if raised is None:
        return RunFailedError(message)
    if detail is not None and detail.step:
        vars(raised)["step"] = detail.step
    return raised


def _type_of(cause: BaseException, found: RunFailedError) -> str:
    while isinstance(cause, FailureError):
        if isinstance(cause, ApplicationError):
            return cause.type or RunFailedError.__name__
        if cause.__cause__ is None:
            break
        cause = cause.__cause__  # of a workflow written by hand: that of its activity
    return type(found).__name__


def _message(cause: BaseException) -> str:
    text = cause.message if isinstance(cause, FailureError) else str(cause)
    while isinstance(cause, exceptions.ActivityError | ChildWorkflowError) and cause.__cause__ is not None:
        cause = cause.__cause__
        text = f"{text}: {cause.message if isinstance(cause, FailureError) else cause}"
    return shorten(text, _LONGEST_MESSAGE, with_length=True, escape=False)


def _reason(message: str, *says_nothing: str) -> str:
    return "" if message in ("", *says_nothing) else f": {message}"
