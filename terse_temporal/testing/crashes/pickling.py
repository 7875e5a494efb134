"""Values on their way from one process of a test to the other.

They are pickled. Both processes are ours, run the same code, and share a socket that nobody else has; nothing of it
reaches a history, or comes from one. Three kinds need help: a function that is nested in another has no name to be
found by, so its code goes along; an exception is rebuilt without its `__init__`, which may insist on more than it
recorded; and what cannot be pickled at all must not stop a run to which it is of no importance.

Not by `cloudpickle`: it sends the globals that a nested function names along with it, so that the function changes a
copy of its module's list, and cannot be sent at all if it names a lock. Here it is put into its module on the other
side. Exceptions it makes by their `__init__`.
"""

from __future__ import annotations

import importlib
import io
import marshal
import pickle
import sys
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any, NoReturn

from ...engine.code.functions import attribute_path
from ...errors import CrashTestError
from ...execution.protocol import UNSET

__all__ = ["Unsendable", "pickle_or_replace", "pickle_value", "unpickle_value"]


def pickle_value(value: Any) -> bytes:
    """Return a value as bytes.

    Raises:
        Exception: it cannot be pickled; of whatever class the value chooses.
    """
    file = io.BytesIO()
    _Pickler(file, protocol=pickle.HIGHEST_PROTOCOL).dump(value)
    return file.getvalue()


def unpickle_value(data: bytes) -> Any:
    """Return the value again."""
    return pickle.loads(data)


def pickle_or_replace(value: Any, what: str) -> bytes:
    """Return a value as bytes, or what says of it that it could not come along.

    Args:
        what: it is, for the message: `the argument 'to' of 'email.send'`.
    """
    try:
        return pickle_value(value)
    except Exception as err:
        return pickle_value(Unsendable(what, f"{type(value).__name__}: {err}"))


class Unsendable:
    """Stands for a value that is in the other process, and says so when it is used."""

    def __init__(self, what: str, why: str) -> None:
        self._what = what
        self._why = why

    def __repr__(self) -> str:
        return f"<{self._what}, which cannot be pickled>"

    def _refuse(self, *_: Any) -> NoReturn:
        raise CrashTestError(
            f"{self._what} is in the worker process, and cannot be pickled to be used in the test's ({self._why})."
            " Compare or change it in the real function, or give a value that can be pickled."
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # asked by Python and libraries, to see what it is
            raise AttributeError(name)
        self._refuse()

    __eq__ = __ne__ = __lt__ = __iter__ = __len__ = __getitem__ = __contains__ = __bool__ = __call__ = _refuse
    __hash__ = None  # type: ignore[assignment]  # as for everything with an `__eq__`


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        if value is UNSET:
            return _unset, ()
        if isinstance(value, FunctionType) and not _is_found_by_name(value):
            if value.__closure__ or "__name__" not in value.__globals__:
                return NotImplemented  # refused by name
            code = marshal.dumps(value.__code__)
            named = (value.__name__, value.__qualname__, value.__defaults__, value.__kwdefaults__)
            return _function, (str(value.__globals__["__name__"]), code, *named)
        if isinstance(value, BaseException):
            return _exception, _parts_of(value)
        return NotImplemented


def _unset() -> Any:
    return UNSET


def _is_found_by_name(function: FunctionType) -> bool:
    module = sys.modules.get(function.__module__ or "")
    return module is not None and attribute_path(vars(module), function.__qualname__) is function


def _function(
    module: str, code: bytes, name: str, qualname: str, defaults: Any, keyword_defaults: Any
) -> Callable[..., Any]:
    function = FunctionType(marshal.loads(code), vars(importlib.import_module(module)), name, defaults)
    function.__qualname__ = qualname
    function.__kwdefaults__ = keyword_defaults
    return function


def _parts_of(error: BaseException) -> tuple[Any, ...]:
    classes = [(cls.__module__, cls.__qualname__) for cls in type(error).__mro__ if issubclass(cls, BaseException)]
    arguments = [argument if _is_packable(argument) else repr(argument) for argument in error.args]
    attributes = {name: value for name, value in vars(error).items() if _is_packable(value)}
    system = None
    if isinstance(error, OSError):
        # The name of the file is not among its arguments.
        system = [*error.args, error.filename] if error.filename is not None else None
    return classes, arguments, attributes, system, error.__cause__, error.__suppress_context__, _inner(error)


def _inner(error: BaseException) -> Any:
    return (error.message, list(error.exceptions)) if isinstance(error, BaseExceptionGroup) else None


def _is_packable(value: Any) -> bool:
    try:
        pickle_value(value)
    except Exception:
        return False
    return True


def _exception(
    classes: list[tuple[str, str]],
    arguments: list[Any],
    attributes: dict[str, Any],
    system: list[Any] | None,
    cause: BaseException | None,
    suppress: bool,
    inner: Any,
) -> BaseException:
    cls = _class(classes)
    given = inner or system or arguments
    # Python's own read their arguments in `__init__`, and insist on nothing that is not among these.
    error = cls(*given) if cls.__module__ == "builtins" else cls.__new__(cls, *given)
    if isinstance(error, OSError):
        OSError.__init__(error, *given)
    error.args = tuple(arguments)
    for name, value in attributes.items():
        try:
            setattr(error, name, value)
        except AttributeError:  # worked out by the class
            continue
    error.__cause__ = cause
    error.__suppress_context__ = suppress
    return error


def _class(classes: Iterable[tuple[str, str]]) -> type[BaseException]:
    """Return the class, or where this process cannot have it, one of its name below the nearest that it can have."""
    first: tuple[str, str] | None = None
    for module, qualname in classes:
        first = first or (module, qualname)
        try:
            found = attribute_path(vars(importlib.import_module(module)), qualname)
        except Exception:  # whatever the import of somebody's module raises
            continue
        if isinstance(found, type) and issubclass(found, BaseException):
            if first == (module, qualname):
                return found
            names = {"__module__": first[0], "__qualname__": first[1]}
            return type(first[1].rpartition(".")[2], (found,), names)
    return Exception  # not reached: BaseException is everywhere
