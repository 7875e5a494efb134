"""The classes of exceptions that are recorded by name, found again: the same in every process.

What a process happens to have imported must not decide: a step that imports a library when it needs it leaves that in
the worker that ran it, and not in the one that replays the run after a restart. What decides is the code. A class is
found if it is a builtin, or of a package that the code of the job names: its own, and those that its module, or another
of the same code base, imports at the top. That is also what an `except` in the handler can name. A module of such a
package is imported when it has not been yet; nothing else is. Those of this package are found by their public names.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import weakref
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, Final

from temporalio.exceptions import FailureError

from ...jobs.job import module_name
from ...serialization.wire_names import PACKAGE
from ..code.mentions import mentions_of
from ..type_tests import is_a
from .public_classes import is_of_this_package, public_class

__all__ = ["exception_classes"]

#: Packages that every worker has.
_ALWAYS: Final = frozenset({"builtins", "pydantic_core"})

_packages: weakref.WeakKeyDictionary[ModuleType, frozenset[str]] = weakref.WeakKeyDictionary()


def exception_classes(references: Iterable[str], namespace: Mapping[str, Any]) -> list[type[BaseException]]:
    """Return the classes among `module:qualname` that can be had in a handler, in their order.

    Args:
        references: the classes.
        namespace: the globals of the handler.
    """
    home = module_name(str(namespace.get("__name__", "")))
    found: list[type[BaseException]] = []
    for reference in references:
        module, _, qualname = reference.partition(":")
        places: list[Any]
        if is_of_this_package(module):
            # One of ours, by its public name alone.
            places = [{qualname: public_class(qualname)}] if module == PACKAGE else []
        elif module == home:
            # The run may have a copy of the module: of that, and of the one that other modules refer back to.
            places = [namespace, vars(_original(namespace) or ModuleType(home))]
        else:
            loaded = _imported(module, home, namespace)
            places = [] if loaded is None else [loaded]
        for place in places:
            cls = _class_at(place, qualname)
            if cls is not None and cls not in found:
                found.append(cls)
    return found


def _class_at(place: Any, qualname: str) -> type[BaseException] | None:
    value: Any = None
    for number, name in enumerate(qualname.split(".")):
        if number == 0 and isinstance(place, Mapping):
            value = place.get(name)
        else:
            try:
                value = getattr(place if number == 0 else value, name, None)
            except Exception:
                return None
        if not isinstance(value, type):
            return None
    # Temporal's own failures are made by its converters alone.
    return value if issubclass(value, BaseException) and not issubclass(value, FailureError) else None


def _imported(name: str, home: str, namespace: Mapping[str, Any]) -> ModuleType | None:
    """Return a module of a package that the code names, imported if need be."""
    parts = name.split(".")
    if not all(part.isidentifier() and part != "__main__" for part in parts):
        return None
    if parts[0] not in _named_packages(home, namespace) and not _is_beside(parts[0], namespace):
        return None
    try:
        # Also where it is there already: another thread may be in the middle of importing it.
        return importlib.import_module(name)
    except Exception:
        return None


def _original(namespace: Mapping[str, Any]) -> ModuleType | None:
    """Return the module that this process has imported under the name of a namespace."""
    name = str(namespace.get("__name__", ""))
    found = sys.modules.get(name)
    if found is None and (main := sys.modules.get("__main__")) is not None and module_name("__main__") == name:
        return main
    return found


def _named_packages(home: str, namespace: Mapping[str, Any]) -> frozenset[str]:
    """Return the top-level packages that the job's module names, and the modules of its code base that it imports."""
    module = _original(namespace)
    if module is None:
        return frozenset(_names(home, namespace, None))
    if module not in _packages:
        _packages[module] = frozenset(_names(home, vars(module), module))
    return _packages[module]


def _names(home: str, namespace: Mapping[str, Any], module: ModuleType | None) -> Iterator[str]:
    yield from (*_ALWAYS, _top(home))
    seen = {home}
    waiting = [(home, namespace, module)]
    while waiting:
        name, values, module = waiting.pop()
        # By what they say as well as by what came of it: `from helpers import LIMIT` leaves no more than a number.
        origins = set(mentions_of(module).imports_at_top) if module is not None else set()
        for attribute, value in list(values.items()):
            # By `type()` alone: a proxy answers for its `__class__` only where there is something behind it.
            if is_a(value, ModuleType):
                if value.__name__ == f"{name}.{attribute}":
                    continue  # whoever imports a module of a package puts it there
                origin = value.__name__
                # `csv.Error` is one of `_csv`.
                yield from (_top(each.__module__) for each in list(vars(value).values()) if _is_exception(each))
            elif is_a(value, type | FunctionType | BuiltinFunctionType):
                origin = getattr(value, "__module__", None) or ""
            else:
                origin = type(value).__module__
            origins.add(str(origin))
        for each in sorted(origins - seen):
            yield _top(each)
            found = sys.modules.get(each)
            if found is not None and _is_of(found, home, namespace):
                seen.add(each)
                waiting.append((each, vars(found), found))


def _is_exception(value: Any) -> bool:
    return is_a(value, type) and issubclass(value, BaseException) and isinstance(value.__module__, str)


def _is_of(module: ModuleType, home: str, namespace: Mapping[str, Any]) -> bool:
    """Return whether a module is of the code base of the job: of its package, or beside its top-level module."""
    if "." in home and _top(module.__name__) == _top(home):
        return True
    return _directory(getattr(module, "__file__", None)) == _directory(namespace.get("__file__")) is not None


def _is_beside(name: str, namespace: Mapping[str, Any]) -> bool:
    """Return whether a top-level module that the code does not name stands beside that of the job."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return False
    beside = _directory(namespace.get("__file__"))
    return spec is not None and beside is not None and _directory(spec.origin) == beside


def _directory(file: Any) -> Path | None:
    return Path(file).parent if isinstance(file, str) else None


def _top(name: str) -> str:
    return name.partition(".")[0]
