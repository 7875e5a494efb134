"""A failed step, as the handler sees it: an exception that is of the class that was raised, and a `StepError`.

It is made anew from what was recorded. Its class is one of our own, over `StepError` and the nearest that can be had of
the classes that the exception was of. None of their code runs on the way: no `__init__`, `__new__`, `__setattr__` or
metaclass, which may ask for more than was recorded, and no `__init_subclass__`, which may keep a register.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from temporalio import exceptions
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError, TimeoutType

from ..errors import StepError, StepInterruptedError, StepTimeoutError
from .classes import exception_classes
from .failures import INTERRUPTED, slots_of
from .wire import FailureDetail, read_failure_detail

__all__ = ["is_rebuilt", "step_exception"]

#: What asyncio takes for its own: raised in a task, they would not stay in it.
_OF_THE_LOOP: Final = (KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError)

#: A class that Python code made (`Py_TPFLAGS_HEAPTYPE`), and not C.
_HEAP_TYPE: Final = 1 << 9


def step_exception(error: ActivityError, step: str, where: str, namespace: Mapping[str, Any]) -> BaseException:
    """What the handler sees of a failed step.

    Args:
        error: what the SDK raised.
        step: the step's name.
        where: the line of the call, for messages.
        namespace: the globals of the handler, whose classes come first.
    """
    cause = error.cause
    if isinstance(cause, CancelledError):
        return asyncio.CancelledError(cause.message)
    if isinstance(cause, ApplicationError) and cause.type != INTERRUPTED:
        detail = read_failure_detail(cause)
        raised = _rebuilt(detail, cause.message, namespace) if detail else None
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


def is_rebuilt(cls: type) -> bool:
    """Whether a class is one that was made for a step's exception to be raised in a handler."""
    return issubclass(cls, _RebuiltError)


def _reason(cause: BaseException | None) -> str:
    if isinstance(cause, exceptions.TimeoutError):
        return "its worker was lost (no sign of life for some seconds)."
    return "its worker was shut down before it was done."


class _RebuiltError(StepError):
    """In front of all that an exception is made anew of."""

    #: What it said when it was raised. Its own `__str__` may need what is not there.
    _said = ""

    def __init_subclass__(cls, **_: Any) -> None:
        """Nothing, and nothing of the other bases either."""

    def __str__(self) -> str:
        return self._said

    def __repr__(self) -> str:
        try:
            return super().__repr__()
        except Exception:
            return f"{type(self).__name__}({self._said!r})"


def _rebuilt(detail: FailureDetail, message: str, namespace: Mapping[str, Any]) -> StepError | None:
    name = detail.error.rpartition(":")[2].rpartition(".")[2]
    found = [cls for cls in exception_classes([detail.error, *detail.bases], namespace) if _may_be_raised(cls)]
    while found:
        # Those that none of the others derives from; where that cannot be a class, without the nearest.
        bases = [cls for cls in found if not any(other is not cls and issubclass(other, cls) for other in found)]
        for some in (bases, bases[:1]):
            with suppress(Exception):
                return _made(name, some, detail, message)
        found.pop(0)
    return None


def _may_be_raised(cls: type[BaseException]) -> bool:
    return not issubclass(cls, _OF_THE_LOOP) and cls not in (Exception, BaseException)


def _made(name: str, bases: Sequence[type[BaseException]], detail: FailureDetail, message: str) -> StepError:
    # `step` and `error_type` stand in front of what the class has by these names, which may be read-only.
    ours = {"__module__": bases[0].__module__, "_said": message, "step": "", "error_type": ""}
    cls = _class(name, (_RebuiltError, *bases), ours)
    error = _new(cls, detail.arguments or [message])
    slots = slots_of(cls)
    for attribute, value in detail.attributes.items():
        if attribute in slots:
            with suppress(AttributeError, TypeError):  # one that builtins let nobody set
                slots[attribute].__set__(error, value)
        else:
            vars(error)[attribute] = value
    # The class's own `message` is kept, where it has one and that can be read.
    try:
        error.message  # noqa: B018
    except Exception:
        type.__setattr__(cls, "message", message)
    return error


def _class(name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> type[StepError]:
    metaclasses = [type(base) for base in bases]
    # The one that derives from all others, as Python would choose, but not called.
    metaclass = next(each for each in metaclasses if all(issubclass(each, other) for other in metaclasses))
    return type.__new__(metaclass, name, bases, namespace)


def _new(cls: type[StepError], arguments: Sequence[Any]) -> StepError:
    made_in_c: type = cls
    while made_in_c.__flags__ & _HEAP_TYPE and made_in_c.__base__ is not None:
        made_in_c = made_in_c.__base__
    error: StepError = made_in_c.__new__(cls, *arguments)
    if isinstance(error, OSError):
        # Its errno and file name are read from the arguments by `__init__`, when a subclass has one of its own.
        with suppress(Exception):
            OSError.__init__(error, *arguments)
    vars(BaseException)["args"].__set__(error, tuple(arguments))
    return error
