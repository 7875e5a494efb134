"""What a job's `on_failure` is told, and what it has to be."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..diagnostics.places import place_of
from ..errors import JobDefinitionError

__all__ = ["RunFailure", "check_on_failure"]

_ARGUMENTS = 2


@dataclass(frozen=True, slots=True)
class RunFailure:
    """What the handler of a run has ended with, as the job's `on_failure` is told.

    Attributes:
        type: the class name of what the handler raised, such as `"ConnectionError"`; `"RunTimeoutError"` where the run
            was over its timeout, `"RunCancelledError"` where it was cancelled.
        message: the text of it; of a run that was cancelled the reason, if one was given.
        step: the name of the step whose failure it was, or came of; `None` where no step caused it.
    """

    type: str
    message: str
    step: str | None = None


def check_on_failure(function: Callable[..., Any], *, durable: bool, where: str) -> None:
    """Check what `create_job` is given.

    Args:
        function: it.
        durable: whether the job is.
        where: the job and its place, for messages.

    Raises:
        JobDefinitionError: it cannot be called as it will be.
    """
    if not callable(function) or inspect.isclass(function):
        raise JobDefinitionError(f"{where}: on_failure is {function!r}; give a function of (event, failure)")
    name = f"its on_failure {getattr(function, '__qualname__', repr(function))!r} ({place_of(function)})"
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
        raise JobDefinitionError(f"{where}: {name} has a `yield`; it is called once, and returns")
    if durable and not inspect.iscoroutinefunction(inspect.unwrap(function)):
        raise JobDefinitionError(f"{where} is durable, and {name} is not a coroutine function: write `async def`")
    try:
        inspect.signature(function).bind(*[None] * _ARGUMENTS)
    except TypeError:
        raise JobDefinitionError(
            f"{where}: {name} takes {inspect.signature(function)}; it is called with (event, failure)"
        ) from None
