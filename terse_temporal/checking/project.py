"""The modules of a code base: those that are asked about, and those of the user's own that they import.

Nothing is imported to find a module, since that would run it: `importlib.util.find_spec` imports the packages above the
one that it looks for. A dotted name is looked up here as Python's path finder does it, in the directories of `sys.path`
that hold code of the user's.
"""

from __future__ import annotations

import ast
import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from ..diagnostics.places import NO_SOURCES, is_users_file, shown_path
from ..diagnostics.text import did_you_mean
from ..engine.code.first_party import file_of
from ..errors import JobLoadError
from .scopes import Class, Function, Scope
from .source import Module, read_module

__all__ = ["Project", "targets_of"]

#: What is known by its name, wherever its source may be.
_KNOWN: Final = frozenset({"terse_temporal", "temporalio"})


class Project:
    """Finds modules, and reads each once.

    Attributes:
        targets: the modules that were asked about, in order.
    """

    def __init__(self) -> None:
        self.targets: list[Module] = []
        self._modules: dict[str, Module | None] = {}
        self._libraries: dict[str, Module | None] = {}
        self._of_path: dict[Path, Module] = {}
        self._of_scope: dict[Scope, Module] = {}
        self._functions: dict[ast.AST, Function] = {}
        self._classes: dict[ast.AST, Class] = {}
        # A plain script may have been started with '' for the current directory.
        self._roots = [str(Path.cwd())]
        self._elsewhere = [path for path in map(os.path.abspath, filter(None, sys.path)) if not _is_library(path)]

    def add(self, target: str) -> None:
        """Read what a target names.

        Args:
            target: a dotted module, the path of a file or of a package, every module of which is read.

        Raises:
            JobLoadError: it does not exist, or is not Python.
        """
        if target.endswith(".py") or "/" in target or os.sep in target or target in (os.curdir, os.pardir):
            path = _path(target)
        else:
            path = self._path_of(target)
        for file in [path] if path.stem != "__init__" else sorted(_modules_below(path.parent)):
            module = self._read(file)
            if module not in self.targets:
                self.targets.append(module)

    def module(self, name: str) -> Module | None:
        """Return the module of the user's own by a dotted name, read if it is there and can be."""
        if name in self._modules:
            return self._modules[name]
        found: Module | None = None
        top = name.partition(".")[0]
        if name and top not in _KNOWN and top not in sys.stdlib_module_names and (path := self._find(name)) is not None:
            try:
                found = self._of_path.get(path) or self._keep(read_module(name, path))
            except JobLoadError:
                found = None  # not asked about: what cannot be read is not followed
        self._modules[name] = found
        return found

    def library(self, name: str) -> Module | None:
        """Return an installed module by its dotted name, read if its source is there.

        It is not followed into further ones.
        """
        if name not in self._libraries:
            found: Module | None = None
            path = file_of(name) if name.partition(".")[0] not in _KNOWN else None
            if path is not None and path.endswith(".py"):
                with contextlib.suppress(JobLoadError):
                    found = read_module(name, Path(path))
            self._libraries[name] = found
        return self._libraries[name]

    def module_of(self, scope: Scope) -> Module:
        """Return the module that a scope is in."""
        return self._of_scope[scope.module()]

    def function(self, node: ast.AST) -> Function | None:
        return self._functions.get(node)

    def class_(self, node: ast.AST) -> Class | None:
        return self._classes.get(node)

    def _read(self, path: Path) -> Module:
        if path in self._of_path:
            return self._of_path[path]
        named = path.parent if path.stem == "__init__" else path.with_suffix("")
        root = named.parent
        while (root / "__init__.py").exists() and root.parent != root:
            root = root.parent
        name = ".".join(named.relative_to(root).parts)
        if str(root) not in self._roots:
            self._roots.append(str(root))
        module = self._keep(read_module(name, path))
        self._modules[name] = module
        return module

    def _keep(self, module: Module) -> Module:
        self._of_path[module.path] = module
        self._of_scope[module.names.top] = module
        self._functions.update(module.names.function_of)
        self._classes.update(module.names.class_of)
        return module

    def _find(self, name: str) -> Path | None:
        parts = name.split(".")
        for root in (*self._roots, *self._elsewhere):
            base = os.path.join(root, *parts)  # noqa: PTH118  asked often, and paths are slow
            for file in (os.path.join(base, "__init__.py"), f"{base}.py"):  # noqa: PTH118  likewise
                if os.path.isfile(file) and not _is_library(file):  # noqa: PTH113  likewise
                    return Path(file)
        return None

    def _path_of(self, target: str) -> Path:
        path = self._find(target) if all(target.split(".")) else None
        if path is not None:
            return path
        here = Path.cwd()
        if all(target.split(".")) and here.joinpath(*target.split(".")).is_dir():
            return _path(str(Path(*target.split("."))))
        others = [_dotted_name(each, here) for each in _modules_below(here, deep=False)]
        raise JobLoadError(
            f"there is no module {target!r}"
            + (did_you_mean(target, others, most=1) or f"; looked in {str(here)!r} and the rest of sys.path")
        )


def _path(target: str) -> Path:
    path = Path(os.path.abspath(target))  # noqa: PTH100  Path has no way to do this without following links
    if not path.exists():
        siblings = {
            file.name: f"{Path(target).parent / file.name}" for file in path.parent.glob("*.py") if file != path
        }
        hint = did_you_mean(path.name, siblings, most=1, written=siblings) or f" in {str(Path.cwd())!r}"
        raise JobLoadError(f"there is no file {target!r}{hint}")
    if path.is_dir():
        if not (path / "__init__.py").exists():
            inside = [entry for entry in sorted(path.iterdir()) if entry.suffix == ".py" or _is_package(entry)]
            names = ", ".join(repr(shown_path(str(entry))) for entry in inside)
            raise JobLoadError(
                f"the directory {target!r} is not a package: it has no `__init__.py`. Add one,"
                f" or name its files and packages: {names or 'it has none'}."
            )
        return path / "__init__.py"
    if path.suffix != ".py":
        raise JobLoadError(f"{target!r} is not a Python file: name a module, a .py file or a package")
    return path


def _modules_below(directory: Path, *, deep: bool = True, around: frozenset[str] = frozenset()) -> Iterator[Path]:
    """Yield the modules of a package, and of the packages in it."""
    around |= {os.path.realpath(directory)}
    for entry in sorted(directory.iterdir()):
        if entry.suffix == ".py" and entry.is_file():
            yield entry
        # A link to a package that it is in has no end.
        elif _is_package(entry) and not (entry.is_symlink() and os.path.realpath(entry) in around):
            yield from _modules_below(entry, around=around) if deep else [entry / "__init__.py"]


def _is_package(path: Path) -> bool:
    return path.name not in NO_SOURCES and (path / "__init__.py").is_file()


def _dotted_name(path: Path, root: Path) -> str:
    named = path.parent if path.stem == "__init__" else path.with_suffix("")
    return ".".join(named.relative_to(root).parts)


def _is_library(path: str) -> bool:
    return not (is_users_file(path) and is_users_file(os.path.realpath(path)))


def targets_of(names: Sequence[str]) -> Project:
    """Return a project of the targets.

    Raises:
        JobLoadError: one does not exist, or is not Python.
    """
    project = Project()
    for name in names:
        project.add(name)
    return project
