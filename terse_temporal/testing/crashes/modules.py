"""The modules of jobs, under the same names in another process.

Steps are recorded as `module:function`, so a worker process must have each module under the name that it has here. That
is mostly what an import by that name gives; a test module, though, may have been loaded from its file under a name that
nothing on `sys.path` leads to (pytest's `importlib` mode), and then it is loaded so again, the packages above it first.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from types import ModuleType

from ...errors import CrashTestError, TerseError
from ...jobs.job import Job
from ...jobs.registry import registered_jobs

__all__ = ["ModulePlace", "load_places", "loaded_jobs", "module_places"]


@dataclass(frozen=True, slots=True)
class ModulePlace:
    """A module, or a package above one: its name, its file, and where a package looks for what is in it."""

    name: str
    file: str | None
    path: Sequence[str] | None


def module_places(jobs: Iterable[Job]) -> list[ModulePlace]:
    """Return where the modules of jobs are, each after the packages above it.

    Raises:
        CrashTestError: a job is defined in a script that is being run, or in a module that has gone.
    """
    places: dict[str, ModulePlace] = {}
    for job in jobs:
        name = job._home
        if name == "__main__":
            raise CrashTestError(
                f"the job {job.name!r} ({job.where}) is defined in the script that is being run, which another process"
                " cannot import. Define it in a module, and import that."
            )
        if name not in sys.modules:
            raise CrashTestError(
                f"the job {job.name!r} ({job.where}) is of the module {name!r}, which is not loaded here any more, so"
                " that another process cannot be told where it is"
            )
        parts = name.split(".")
        for count in range(1, len(parts) + 1):
            each = ".".join(parts[:count])
            if each not in places and (module := sys.modules.get(each)) is not None:
                places[each] = _place(each, module)
    return list(places.values())


def load_places(places: Iterable[ModulePlace]) -> None:
    """Import the modules, in a process that has none of them.

    Raises:
        CrashTestError: one cannot be imported.
    """
    for place in places:
        if place.name in sys.modules:
            continue
        try:
            _load(place)
        except TerseError:
            raise
        except (Exception, SystemExit) as err:
            raise CrashTestError(
                f"the module {place.name!r} ({place.file or 'a package without a file'}) cannot be imported in a worker"
                f" process: {type(err).__name__}: {err}"
            ) from err


def loaded_jobs(names: Collection[str]) -> list[Job]:
    """Return the jobs of these names, which loading the modules has made.

    Raises:
        CrashTestError: one of them is not there.
    """
    jobs = {job.name: job for job in registered_jobs()}
    for name in names:
        if name not in jobs:
            raise CrashTestError(
                f"the job {name!r} is not there when its module is imported in another process: a function makes it, or"
                " only some circumstance. Create it at the top level of a module."
            )
    return [jobs[name] for name in names]


def _place(name: str, module: ModuleType) -> ModulePlace:
    file = getattr(module, "__file__", None)
    path = getattr(module, "__path__", None)
    return ModulePlace(
        name,
        os.path.abspath(file) if file else None,  # noqa: PTH100  links are not followed, as imports do not
        None if path is None else [str(each) for each in path],
    )


def _load(place: ModulePlace) -> None:
    if _is_found_by_name(place):
        importlib.import_module(place.name)
        return
    if place.file is None:
        module = ModuleType(place.name)
        module.__path__ = list(place.path or ())
    else:
        search = None if place.path is None else list(place.path)
        spec = importlib.util.spec_from_file_location(place.name, place.file, submodule_search_locations=search)
        if spec is None or spec.loader is None:
            raise CrashTestError(f"the module {place.name!r} cannot be loaded from its file {place.file!r}")
        module = importlib.util.module_from_spec(spec)
    sys.modules[place.name] = module
    try:
        if place.file is not None:
            assert module.__spec__ is not None
            assert module.__spec__.loader is not None
            module.__spec__.loader.exec_module(module)
    except BaseException:
        del sys.modules[place.name]
        raise
    above, _, name = place.name.rpartition(".")
    if above in sys.modules:
        setattr(sys.modules[above], name, module)


def _is_found_by_name(place: ModulePlace) -> bool:
    try:
        spec = importlib.util.find_spec(place.name)
    except (ImportError, ValueError, AttributeError):  # a package above it is none
        return False
    if spec is None:
        return False
    if place.file is None or spec.origin is None:
        return place.file is None and spec.origin is None
    return os.path.realpath(spec.origin) == os.path.realpath(place.file)
