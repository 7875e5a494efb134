"""The job's module as a run sees it: the process's own, or a copy for that run.

A run must not see what another left in a global, and its clock is the run's by what the names of its module stand for.
Most modules have nothing at their top level that a run could change (`module_state.py` looks): these are shared by all
runs, with the names that stand for a clock or for randomness replaced in place, once. Nothing is executed twice, so a
metric, a table or a log handler that is made there is made once.

Any other module is executed afresh for every run. The copy is made from the code that the process already runs, never
from the file, which may have been edited since: a worker is one version of the code from start to end.

The SDK's own sandbox re-imports modules by replacing `sys.modules`, the import and several builtins of the whole
process while any workflow is active, and refuses classes that are made at run time.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from traceback import walk_tb
from types import CodeType, FunctionType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from ...diagnostics.places import is_users, place
from ...errors import JobDefinitionError
from ...jobs.job import Job, module_name
from ...jobs.registry import collecting
from ..code.module_source import names_in
from ..code.module_state import reasons_for_a_copy
from ..determinism.clock import RunClock, clock_of_module, use_clock
from ..determinism.module_proxy import deterministic, deterministic_builtins
from .traces import Traces

__all__ = ["JobSource"]

_loading = threading.Lock()


class JobSource:
    """Gives the runs of one job their module.

    Args:
        job: as registered in this process.

    Raises:
        JobDefinitionError: the module of the handler is none that could be executed again.
    """

    def __init__(self, job: Job) -> None:
        module = sys.modules.get(job._home)
        if module is None or not getattr(module, "__file__", None):
            raise JobDefinitionError(
                f"the job {job.name!r} ({job.where}) is not written in a module with a file, and a run may need to"
                " execute that module afresh. Put the job into a .py file."
            )
        self.job = job
        self._source = _source_of(module, job)

    def prepare(self) -> None:
        """Find out before a worker starts whether runs can have what they need.

        Raises:
            JobDefinitionError: each run needs a copy of the module, and it cannot be executed again, or leaves
                something in the process each time, or is not kept apart from others by it.
        """
        source = self._source
        if source.shared:
            return
        for reason in source.reasons:
            if not reason.is_cured:
                raise JobDefinitionError(
                    f"the job {self.job.name!r} ({self.job.where}): {reason.what}: what a handler puts into a module by"
                    " way of sys.modules, all runs would see. Keep it in a variable of the handler, in the job's state,"
                    " or write `global` in a function, so that every run has a copy of its own."
                )
        traces = Traces(source.module)
        try:
            self.copy(clock_of_module(datetime.now(UTC), ""))
        except (Exception, SystemExit) as err:
            if not source.share_if_uncertain():
                raise self._refusal(_failed_line(err, source.module), f"{type(err).__name__}: {err}") from err
        else:
            if (left := traces.left_behind()) is not None and not source.share_if_uncertain():
                raise self._refusal(source.module.__file__ or "", f"it leaves {left} in the process each time")

    def _refusal(self, line: str, wrong: str) -> JobDefinitionError:
        reasons = "; ".join(reason.what for reason in self._source.reasons if reason.certain)
        return JobDefinitionError(
            f"the job {self.job.name!r} ({self.job.where}): every run needs a copy of its module, which is executed"
            f" again for that, and {line} can be executed only once: {wrong}. The copy is needed because of {reasons}."
            " Move the one or the other into another module, and import it."
        )

    def copy(self, clock: RunClock) -> tuple[Job, dict[str, Any]]:
        """Return the job as a run has it, and the globals of its module.

        Args:
            clock: the clock and randomness of the top level, if that is executed.
        """
        source = self._source
        if source.shared:
            return self.job, vars(source.module)
        jobs, namespace = source.execute(clock)
        job = jobs.get(self.job.name)
        if job is None:
            # Created by a function that importing the module does not call, in a test for example: the same handler,
            # over the fresh globals.
            job = replace(
                self.job,
                handler=_over(self.job.handler, namespace),
                filter=_over(self.job.filter, namespace),
                on_failure=_over(self.job.on_failure, namespace),
            )
        return job, namespace


class _ModuleSource:
    """A module of jobs, for all of its jobs and for all workers of the process."""

    def __init__(self, module: ModuleType, code: CodeType | None) -> None:
        self.module = module
        self.code = code
        self.reasons = reasons_for_a_copy(module, code)
        self.shared = not self.reasons

    def share_if_uncertain(self) -> bool:
        """Share a module that cannot be copied, where it is not known that runs would see each other."""
        if not any(reason.certain for reason in self.reasons):
            self.shared = True
            self.make_deterministic()
        return self.shared

    def make_deterministic(self) -> None:
        """In a module that is shared, put what is deterministic under the names of clocks and randomness."""
        if not self.shared:
            return
        assert self.code is not None  # without it there is a reason, and a certain one
        names, namespace = names_in(self.code), vars(self.module)
        for name, value in list(namespace.items()):
            stands_for_it = deterministic(value, names)
            if stands_for_it is not value:
                namespace[name] = stands_for_it

    def execute(self, clock: RunClock) -> tuple[dict[str, Job], dict[str, Any]]:
        """Execute it afresh: the jobs that it creates, and its globals."""
        original = self.module
        name = module_name(original.__name__)
        fresh = ModuleType(name, original.__doc__)
        for attribute in ("__file__", "__spec__", "__loader__", "__package__", "__path__", "__cached__"):
            if hasattr(original, attribute):
                setattr(fresh, attribute, getattr(original, attribute))
        namespace = vars(fresh)
        namespace["__builtins__"] = deterministic_builtins()
        with _loading, use_clock(clock), collecting() as jobs:
            before, path = sys.modules.get(name), list(sys.path)
            entry = sys.modules[name] = _Loading(fresh, original)
            try:
                self._executor()(fresh)
            finally:
                if before is None:
                    del sys.modules[name]
                else:
                    sys.modules[name] = before
                sys.path[:] = path
        for each, value in list(namespace.items()):
            if value is entry:
                namespace[each] = fresh
        return jobs, namespace

    def _executor(self) -> Callable[[ModuleType], None]:
        code = self.code
        if code is not None:
            return lambda fresh: exec(code, vars(fresh))
        # A loader that only knows how to execute; pytest's, which rewrites assertions, is one.
        loader = self.module.__spec__.loader if self.module.__spec__ else None
        if loader is None or not hasattr(loader, "exec_module"):
            raise JobDefinitionError(f"the module {self.module.__name__!r} cannot be executed again")
        return loader.exec_module


class _Loading(ModuleType):
    """What `sys.modules` holds while a copy is being made.

    Class bodies are completed by what is there under the name of their module, so the thread that executes the copy
    must find that; every other thread, which may import or unpickle something by that name, the process's own module.
    """

    def __init__(self, fresh: ModuleType, original: ModuleType) -> None:
        super().__init__(original.__name__)
        thread = threading.get_ident()
        ModuleType.__setattr__(
            self, "_target", lambda: fresh if threading.get_ident() == thread and _loading.locked() else original
        )

    def __getattribute__(self, name: str) -> Any:
        return getattr(ModuleType.__getattribute__(self, "_target")(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(ModuleType.__getattribute__(self, "_target")(), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(ModuleType.__getattribute__(self, "_target")(), name)


_sources: WeakKeyDictionary[ModuleType, _ModuleSource] = WeakKeyDictionary()


def _source_of(module: ModuleType, job: Job) -> _ModuleSource:
    code = job._module_code
    if code is None or code.co_filename != module.__file__:
        code = _code_from_loader(module)
    found = _sources.get(module)
    if found is None or (found.code is not code and found.code != code):
        found = _sources[module] = _ModuleSource(module, code)
    found.make_deterministic()  # also one that was there: a module that has been reloaded has the originals again
    return found


def _code_from_loader(module: ModuleType) -> CodeType | None:
    spec = module.__spec__
    get_code = getattr(spec and spec.loader, "get_code", None)
    # By the name it was found by: run with `python -m`, a module calls itself `__main__`, which a loader of one module
    # refuses, and one of many takes for another.
    try:
        code = get_code(spec.name) if spec and get_code else None
    except ImportError:
        return None
    return code if isinstance(code, CodeType) else None


def _failed_line(error: BaseException, module: ModuleType) -> str:
    """Return the line of the module that failed, else the last of the user's."""
    lines = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__) if is_users(frame)]
    of_module = [each for each in lines if each[0] == module.__file__]
    file, line = (of_module or lines or [(str(Path(str(module.__file__))), 1)])[-1]
    return place(file, line)


def _over(function: Callable[..., Any] | None, namespace: dict[str, Any]) -> Any:
    if not isinstance(function, FunctionType):
        return function
    copy = FunctionType(function.__code__, namespace, function.__name__, function.__defaults__, function.__closure__)
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__annotations__ = function.__annotations__
    copy.__qualname__ = function.__qualname__
    copy.__module__ = function.__module__
    return copy
