"""A copy of a job's module for every run.

A run must not see what another left in a global, and its clock is pinned by what the names of its module stand for. So
the module that a job is written in, and only that one, is executed afresh for every run; everything it imports is
shared. The copy is made from the code that the process already runs, never from the file, which may have been edited
since: a worker is one version of the code from start to end.

The SDK's own sandbox does this by replacing `sys.modules`, the import and several builtins of the whole process while
any workflow is active, and refuses classes that are made at run time. Here the module's dictionary is all that is
swapped.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from types import CodeType, FunctionType, ModuleType
from typing import Any

from ..errors import JobDefinitionError
from ..jobs import Job, collecting, module_name
from .module_proxy import deterministic_builtins
from .pinned import Pins, pinned_to

__all__ = ["JobSource"]

_loading = threading.Lock()


class JobSource:
    """Makes copies of one job.

    Args:
        job: as registered in this process.

    Raises:
        JobDefinitionError: the module of the handler cannot be executed again.
    """

    def __init__(self, job: Job) -> None:
        module = sys.modules.get(job._home)
        if module is None or not getattr(module, "__file__", None):
            raise JobDefinitionError(
                f"the job {job.name!r} ({job.where}) is not written in a module with a file, and every run"
                " executes that module afresh. Put the job into a .py file."
            )
        self.job = job
        self._module = module
        self._execute = _executor(job, module)

    def copy(self, pins: Pins) -> tuple[Job, dict[str, Any]]:
        """The job as a fresh execution of its module makes it, and the globals of that.

        Args:
            pins: the clock and randomness of the module's top level.
        """
        original = self._module
        name = module_name(original.__name__)
        fresh = ModuleType(name, original.__doc__)
        for attribute in ("__file__", "__spec__", "__loader__", "__package__", "__path__", "__cached__"):
            if hasattr(original, attribute):
                setattr(fresh, attribute, getattr(original, attribute))
        namespace = vars(fresh)
        namespace["__builtins__"] = deterministic_builtins()
        with _loading, pinned_to(pins), collecting() as jobs:
            # Class bodies are completed by what `sys.modules` holds under the name of their module.
            before = sys.modules.get(name)
            sys.modules[name] = fresh
            try:
                self._execute(fresh)
            finally:
                if before is None:
                    del sys.modules[name]
                else:
                    sys.modules[name] = before
        job = jobs.get(self.job.name)
        if job is None:
            # Created by a function that importing the module does not call, in a test for example: the same handler,
            # over the fresh globals.
            job = replace(
                self.job, handler=_over(self.job.handler, namespace), filter=_over(self.job.filter, namespace)
            )
        return job, namespace


def _executor(job: Job, module: ModuleType) -> Callable[[ModuleType], None]:
    code = job._module_code
    if code is None or code.co_filename != module.__file__:
        code = _code_from_loader(module)
    if code is not None:
        return lambda fresh: exec(code, vars(fresh))
    # A loader that only knows how to execute; pytest's, which rewrites assertions, is one.
    loader = module.__spec__.loader if module.__spec__ else None
    if loader is None or not hasattr(loader, "exec_module"):
        raise JobDefinitionError(f"the module of the job {job.name!r} ({job.where}) cannot be executed again")
    return loader.exec_module


def _code_from_loader(module: ModuleType) -> CodeType | None:
    spec = module.__spec__
    get_code = getattr(spec and spec.loader, "get_code", None)
    # By the name it was found by: run with `python -m`, a module calls itself `__main__`, which a loader of one module
    # refuses, and one of many takes for another.
    code = get_code(spec.name) if spec and get_code else None
    return code if isinstance(code, CodeType) else None


def _over(function: Callable[..., Any] | None, namespace: dict[str, Any]) -> Any:
    if not isinstance(function, FunctionType):
        return function
    copy = FunctionType(function.__code__, namespace, function.__name__, function.__defaults__, function.__closure__)
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__annotations__ = function.__annotations__
    copy.__qualname__ = function.__qualname__
    copy.__module__ = function.__module__
    return copy
