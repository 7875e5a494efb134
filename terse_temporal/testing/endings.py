"""What a run has failed with, in words, and whether that is what a test expects."""

from __future__ import annotations

from collections.abc import Sequence

from temporalio.exceptions import ActivityError, ApplicationError, CancelledError

from ..engine.wire.rebuilt_exceptions import is_rebuilt
from ..errors import StepError

__all__ = ["describe_failure", "is_of"]


def describe_failure(failure: BaseException | None) -> str:
    """Return what a run failed with, in a line."""
    if isinstance(failure, CancelledError):
        return "cancellation"
    if isinstance(failure, ApplicationError):
        kind = failure.type or ""
        return failure.message if failure.message.startswith(f"{kind}:") else f"{kind}: {failure.message}"
    return f"{type(failure).__name__}: {getattr(failure, 'message', failure)}"


def is_of(failure: ApplicationError, wanted: type[BaseException] | str) -> bool:
    """Return whether a failure is of a class, or of one that derives from it; or of the name."""
    if isinstance(wanted, str):
        return failure.type == wanted
    if failure.type == wanted.__name__:
        return True
    if wanted is StepError and isinstance(failure.__cause__, ActivityError):
        return True
    # By the names of classes that are loaded: a failure is a string.
    return any(cls.__name__ == failure.type for cls in _descendants(wanted))


def _descendants(cls: type[BaseException]) -> Sequence[type[BaseException]]:
    found, waiting = [], [cls]
    while waiting:
        for each in type.__subclasses__(waiting.pop()):
            # Not what a handler saw of a step's error once, which has the name of that error.
            if not is_rebuilt(each):
                found.append(each)
                waiting.append(each)
    return found
