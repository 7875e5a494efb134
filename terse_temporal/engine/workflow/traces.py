"""What executing a module leaves in the process, so that executing it for every run would pile up."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Sized
from types import FunctionType, ModuleType
from typing import Any

from ...diagnostics.places import is_users_file
from ...diagnostics.python_private import functions_at_exit
from ..type_tests import is_a

__all__ = ["Traces"]


class Traces:
    """The state of the process before a module is executed once more.

    Args:
        module: the one that is executed. What it holds itself is not looked at.
    """

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._before = self._count()

    def left_behind(self) -> str | None:
        """Return what has come to the process since, in words."""
        now = self._count()
        grown = [what for what, count in now.items() if count > self._before.get(what, count)]
        return " and ".join(grown) or None

    def _count(self) -> dict[str, int]:
        loggers = [logging.root, *logging.root.manager.loggerDict.values()]
        counts = {
            "a handler on a logger": sum(len(getattr(logger, "handlers", ())) for logger in loggers),
            "a thread": threading.active_count(),
            "a function for atexit": functions_at_exit(),
        }
        seen = set()
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if module is self._module or not isinstance(file, str) or not is_users_file(file):
                continue
            for attribute, value in list(vars(module).items()):
                registry = _registry(value)
                if registry is not None and id(registry) not in seen and not attribute.startswith("__"):
                    seen.add(id(registry))
                    counts[f"something in {name}.{attribute}"] = len(registry)
        return counts


def _registry(value: Any) -> Sized | None:
    if type(value) in (list, dict, set):
        return value  # type: ignore[no-any-return]  # it is one of these
    # Of `functools.singledispatch`.
    return getattr(value, "registry", None) if is_a(value, FunctionType) else None
