"""An exception that was raised in a step or in a run, made anew from what was recorded of it.

Its class is one of our own, over an error of this package (`StepError`, `RunFailedError`) and the nearest that can be
had of the classes that the exception was of. None of their code runs on the way: no `__init__`, `__new__`,
`__setattr__` or metaclass, which may ask for more than was recorded, and no `__init_subclass__`, which may keep a
register.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar, Final, TypeVar

from pydantic import ValidationError

from ...errors import TerseError
from .calls import FailureDetail
from .exception_classes import exception_classes
from .failures import slots_of
from .public_classes import RECORDED_AS, reference_of_class
from .validation import METHODS, validation_error

__all__ = ["RebuiltError", "is_rebuilt", "rebuild"]

_ErrorT = TypeVar("_ErrorT", bound="RebuiltError")

#: What asyncio takes for its own: raised in a task, they would not stay in it.
_OF_THE_LOOP: Final = (KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError)

#: Names of attributes in a message.
_MOST_SHOWN: Final = 5

#: A class that Python code made (`Py_TPFLAGS_HEAPTYPE`), and not C.
_HEAP_TYPE: Final = 1 << 9


def is_rebuilt(cls: type) -> bool:
    """Return whether a class is one that was made for a recorded exception to be raised."""
    return issubclass(cls, RebuiltError)


def rebuild(over: type[_ErrorT], detail: FailureDetail, message: str, namespace: Mapping[str, Any]) -> _ErrorT | None:
    """Return a recorded exception made anew, or `None` where none of its classes can be had.

    Args:
        over: what its class derives from in the first place.
        detail: what is recorded of it.
        message: its text.
        namespace: the globals of the code that is to catch it, whose classes come first.
    """
    name = detail.error.rpartition(":")[2].rpartition(".")[2]
    found = [cls for cls in exception_classes([detail.error, *detail.bases], namespace) if _may_be_raised(cls)]
    while found:
        # Those that none of the others derives from; where that cannot be a class, without the nearest.
        bases = [cls for cls in found if not any(other is not cls and issubclass(other, cls) for other in found)]
        for some in (bases, bases[:1]):
            with suppress(Exception):
                return _make_exception(over, name, some, detail, message)
        found.pop(0)
    return None


class RebuiltError(TerseError):
    """In front of all that an exception is made anew of."""

    #: What each of them says of itself, which stands in front of what its class has by these names.
    _own: ClassVar[Mapping[str, str]] = {}

    #: Where it is raised, and what to do where that does not have all of it.
    _raised_in = ""
    _remedy = ""

    #: What it said when it was raised. Its own `__str__` may need what is not there.
    _said = ""

    #: The names of the attributes that it held when it was raised, and that are not recorded.
    _missing: Sequence[str] = ()

    #: Of which class it is not, though what was raised is, and why.
    _other_class = ""

    def __init_subclass__(cls, **_: Any) -> None:
        """Nothing, and nothing of the other bases either."""

    def __init__(self, *args: Any, **_: Any) -> None:
        """Nothing: it is made, and a copy is given what it holds."""
        if isinstance(self, OSError):
            # Its errno and file name are read from the arguments here, as a subclass has an `__init__` of its own.
            with suppress(Exception):
                OSError.__init__(self, *args)

    def __str__(self) -> str:
        return self._said

    def __getattr__(self, name: str) -> Any:
        """Say why something is missing: an attribute, or one that a property of its class reads."""
        try:
            return super().__getattr__(name)  # type: ignore[misc]  # where the class has one
        except Exception:
            text = f"{type(self).__name__!r} object has no attribute {name!r}"
        missing, other_class = type(self)._missing, type(self)._other_class
        if (missing or other_class) and not name.startswith("__"):
            shown = ", ".join(map(repr, [name] if name in missing else missing[:_MOST_SHOWN]))
            without = f"without {shown}, as only attributes that are plain JSON, and not large, are recorded"
            differs = [without] * bool(missing) + [other_class] * bool(other_class)
            text = (
                f"{text} {self._raised_in.format(self)} is made anew from the history, {', and '.join(differs)}."
                f" {self._remedy}"
            )
        raise AttributeError(text, name=name, obj=self)

    def __repr__(self) -> str:
        try:
            return super().__repr__()
        except Exception:
            return f"{type(self).__name__}({self._said!r})"


class _NotRecorded:
    """Stands for an attribute that is not recorded, where its class has something else by that name.

    That is its default, as a rule, which is not what the exception held.
    """

    def __get__(self, instance: object, owner: type) -> Any:
        raise AttributeError


def _other_class(recorded: str, nearest: type[BaseException]) -> str:
    if reference_of_class(nearest) == recorded:
        return ""
    why = "the code of the job does not import it at the top, or nothing can be derived from it"
    return f"not of its class {recorded!r}, as {why}"


def _may_be_raised(cls: type[BaseException]) -> bool:
    return not issubclass(cls, _OF_THE_LOOP) and cls not in (Exception, BaseException)


def _make_exception(
    over: type[_ErrorT], name: str, bases: Sequence[type[BaseException]], detail: FailureDetail, message: str
) -> _ErrorT:
    missing = [*detail.missing, *(METHODS if "errors" in detail.missing else ())]
    own = {"args", "message", *over._own}
    ours: dict[str, Any] = {name: _NotRecorded() for name in missing if name not in own and not name.startswith("__")}
    # `step` and the like stand in front of what the class has by these names, which may be read-only.
    ours |= {"__module__": bases[0].__module__, "_said": message, **over._own}
    ours |= {"_missing": missing, "_other_class": _other_class(detail.error, bases[0]), RECORDED_AS: detail.error}
    cls = _class(name, (over, *bases), ours)
    attributes = dict(detail.attributes)
    if issubclass(cls, ValidationError):
        error: _ErrorT = validation_error(cls, attributes)
        attributes.pop("errors", None)
    else:
        error = _new(cls, detail.arguments or [message])
    slots = slots_of(cls)
    for attribute, value in attributes.items():
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


def _class(name: str, bases: tuple[type[_ErrorT], *tuple[type, ...]], namespace: dict[str, Any]) -> type[_ErrorT]:
    metaclasses = [type(base) for base in bases]
    # The one that derives from all others, as Python would choose, but not called.
    metaclass = next(each for each in metaclasses if all(issubclass(each, other) for other in metaclasses))
    return type.__new__(metaclass, name, bases, namespace)


def _new(cls: type[_ErrorT], arguments: Sequence[Any]) -> _ErrorT:
    made_in_c: type = cls
    while made_in_c.__flags__ & _HEAP_TYPE and made_in_c.__base__ is not None:
        made_in_c = made_in_c.__base__
    error: _ErrorT = made_in_c.__new__(cls, *arguments)
    RebuiltError.__init__(error, *arguments)
    vars(BaseException)["args"].__set__(error, tuple(arguments))
    return error
