"""Which modules are the users' own code base: those of the jobs, and what stands beside them."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import itertools
import sys
from collections.abc import Iterable
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType

from ...diagnostics.places import is_users_file
from ...jobs.job import module_name

__all__ = ["FirstParty", "file_of", "loaded_module"]


class FirstParty:
    """The code base that the modules of jobs belong to.

    That is every module of the same root package, and every root module or package in the directory that the root of a
    job's module stands in. Where that is a directory of installed packages, what stands beside it is others' code, and
    only what the same distribution has installed counts.

    Args:
        modules: those of the jobs.
    """

    def __init__(self, modules: Iterable[ModuleType]) -> None:
        modules = list(modules)
        self._jobs = {module_name(module.__name__) for module in modules}
        self._roots = {_root(module_name(module.__name__)) for module in modules} - {"terse_temporal"}
        places = {_place_of_root(root) for root in self._roots}
        self._directories = {place for place in places if place is not None and not _is_installed(place)}
        self._distributions = frozenset(
            each
            for root in self._roots
            if (place := _place_of_root(root)) is not None and _is_installed(place)
            for each in _distributions().get(root, ())
        )
        self._known: dict[str, bool] = {}

    @property
    def directories(self) -> set[Path]:
        """Where they lie, with what they read."""
        installed = {place / root for root in self._roots if (place := _place_of_root(root)) and _is_installed(place)}
        return self._directories | {each for each in installed if each.is_dir()}

    def __contains__(self, name: str) -> bool:
        """Whether a module of that name is, or would be, one of them."""
        if name in self._jobs:
            return True
        root = _root(name)
        if root not in self._known:
            self._known[root] = self._is_ours(root)
        return self._known[root]

    def _is_ours(self, root: str) -> bool:
        if root in self._roots:
            return True
        if root == "terse_temporal" or root in sys.stdlib_module_names:
            return False
        if not self._distributions.isdisjoint(_distributions().get(root, ()) if self._distributions else ()):
            return True
        return bool(self._directories) and _place_of_root(root) in self._directories


def loaded_module(name: str) -> ModuleType | None:
    """Return the module of a name, if it is loaded; also where it is the program that runs."""
    main = sys.modules["__main__"]
    return sys.modules.get(name) or (main if module_name("__main__") == name else None)


def file_of(name: str) -> str | None:
    """Return the file of a module that may not be loaded. Nothing is imported to find it."""
    found, path = None, None
    for parts in itertools.accumulate(name.split("."), "{}.{}".format):
        try:
            found = PathFinder.find_spec(parts, path)
        except (ImportError, ValueError):
            return None
        if found is None:
            return None
        path = list(found.submodule_search_locations or ())
    return found.origin if found is not None and found.has_location else None


def _root(name: str) -> str:
    return name.partition(".")[0]


def _place_of_root(root: str) -> Path | None:
    """Return the directory that a root module or package stands in."""
    module = loaded_module(root)
    if module is not None:
        file, paths = getattr(module, "__file__", None), list(getattr(module, "__path__", ()))
    else:
        try:
            spec = importlib.util.find_spec(root)
        except (ImportError, ValueError):
            spec = None
        file, paths = (None, []) if spec is None else (spec.origin, list(spec.submodule_search_locations or ()))
    if paths:
        return Path(str(paths[0])).resolve().parent
    return Path(str(file)).resolve().parent if file and ("/" in file or "\\" in file) else None


def _is_installed(directory: Path) -> bool:
    return not is_users_file(str(directory))


@functools.cache
def _distributions() -> dict[str, list[str]]:
    """Return the distributions that have installed a root module or package, by its name.

    Reads the records of all of them.
    """
    return {name: list(found) for name, found in importlib.metadata.packages_distributions().items()}
