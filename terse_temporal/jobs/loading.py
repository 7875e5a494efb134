"""Finding the jobs that a person names: a module, a file, or a package.

The hard part is that a module has one name. Steps are recorded as `module:function`, so a file has to be imported under
the name it would have anywhere else (`shop.jobs.onboarding`, not `onboarding`), or another worker could not find its
functions; and two files cannot both be `jobs`.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import pkgutil
import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from ..diagnostics.places import is_users_file, place, shown_path
from ..diagnostics.text import did_you_mean
from ..errors import JobDefinitionError, JobLoadError
from .job import Job
from .registry import registered_jobs

__all__ = ["load_jobs", "load_modules"]


def load_jobs(targets: Sequence[str]) -> list[Job]:
    """Import what the targets name, and return the jobs defined there, in the order of definition.

    Args:
        targets: each a dotted module (`samples.onboarding`), the path of a file (`samples/onboarding.py`) or a package
            (`samples`, `./samples`), every module of which is imported. The current directory goes first on `sys.path`,
            as with `python -m`. A file inside a package gets its dotted name; any other goes by its own name, with its
            directory on `sys.path` too.

    Raises:
        JobLoadError: a target does not exist, cannot be imported, has no jobs, or would be a module that another file
            already is.
        JobDefinitionError: a job in one of them is declared wrongly, or has the name of another.
    """
    _look_here_first()
    jobs: dict[str, Job] = {}
    for target in targets:
        before = registered_jobs()
        modules = {module.__name__ for module in _import_target(target)}
        found = [job for job in registered_jobs() if job.module in modules or job not in before]
        if not found:
            raise JobLoadError(_without_jobs(target, modules))
        jobs |= {job.name: job for job in found}
    return list(jobs.values())


def load_modules(targets: Sequence[str]) -> list[ModuleType]:
    """Import what the targets name, as `load_jobs`, whether jobs are defined there or not.

    Raises:
        JobLoadError, JobDefinitionError: as `load_jobs`.
    """
    _look_here_first()
    return [module for target in targets for module in _import_target(target)]


def _look_here_first() -> None:
    importlib.invalidate_caches()
    here = str(Path.cwd())
    if sys.path[:1] not in ([here], [""]):
        sys.path.insert(0, here)


def _import_target(target: str) -> Iterator[ModuleType]:
    if target.endswith(".py") or "/" in target or os.sep in target or target in (os.curdir, os.pardir):
        package = _import_path(target)
    else:
        package = _import_name(target, _find(target, target), target)
    yield package
    # Each is imported here before the walk goes on, so that it never meets an import error, which it would swallow.
    for info in pkgutil.walk_packages(getattr(package, "__path__", ()), f"{package.__name__}."):
        if info.name.rpartition(".")[2] != "__main__":  # to import that is to run a program
            yield _import_name(info.name, _find(info.name, target), target)


def _import_path(target: str) -> ModuleType:
    # Not resolved: a mounted file may be a link into a directory whose name means nothing.
    path = Path(os.path.abspath(target))  # noqa: PTH100  Path has no way to do this without following links
    if not path.exists():
        siblings = (f"{Path(target).parent / other.name}" for other in path.parent.glob("*.py"))
        raise JobLoadError(f"there is no file {target!r}{_nearest(target, siblings) or f' in {str(Path.cwd())!r}'}")
    if path.is_dir():
        if not (path / "__init__.py").exists():
            files = ", ".join(repr(shown_path(str(file))) for file in sorted(path.glob("*.py")))
            raise JobLoadError(
                f"the directory {target!r} is not a package: it has no `__init__.py`. Add one,"
                f" or name its files: {files or 'it has none'}."
            )
        path /= "__init__.py"
    elif path.suffix != ".py":
        raise JobLoadError(f"{target!r} is not a Python file: jobs are loaded from a module, a .py file or a package")
    # A package is imported under the name of its directory.
    named = path.parent if path.stem == "__init__" else path.with_suffix("")
    root = named.parent
    while (root / "__init__.py").exists():
        root = root.parent
    parts = named.relative_to(root).parts
    if any("." in part for part in parts):
        raise JobLoadError(f"{target!r} cannot be imported: a module's name has no dot in it. Rename the file.")
    if str(root) not in sys.path:
        sys.path.insert(1, str(root))
    name = ".".join(parts)
    spec = _find(name, target) if len(parts) > 1 else _spec_of_file(name, path)
    if not _is_file(spec.origin, path):
        raise JobLoadError(_two_files(name, path, spec.origin))
    return _import_name(name, spec, target)


def _spec_of_file(name: str, path: Path) -> ModuleSpec:
    """Return the module a path means, whatever else of that name could be found on `sys.path` before it."""
    if name in sys.stdlib_module_names:
        raise JobLoadError(_two_files(name, path, f"{name!r} of the standard library"))
    search = [str(path.parent)] if path.stem == "__init__" else None
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=search)
    assert spec is not None  # it is, for a path that ends in .py
    return spec


def _find(name: str, target: str) -> ModuleSpec:
    """Find a module by its dotted name. This imports the packages above it."""
    missing = name
    try:
        if all(name.split(".")) and (spec := importlib.util.find_spec(name)) is not None:
            return spec
    except JobDefinitionError:
        raise
    except (Exception, SystemExit) as error:
        above = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
        if above is None or not f"{name}.".startswith(f"{above}."):
            raise JobLoadError(_failed(target, error, None)) from error
        missing = above
    parent = missing.rpartition(".")[0]
    where = getattr(sys.modules.get(parent), "__path__", []) if parent else [str(Path.cwd())]
    others = (f"{parent}.{info.name}".lstrip(".") for info in pkgutil.iter_modules(where))
    raise JobLoadError(
        f"there is no module {missing!r}"
        + (f", which {target!r} is to be found in" if missing != target else "")
        + (_nearest(missing, others) or f"; looked in {str(Path.cwd())!r} and the rest of sys.path")
    )


def _import_name(name: str, spec: ModuleSpec, target: str) -> ModuleType:
    """Import a module once, whatever name it was imported by before."""
    loaded = sys.modules.get(name)
    if loaded is not None and spec.has_location and not _is_file(getattr(loaded, "__file__", None), spec.origin):
        raise JobLoadError(_two_files(name, spec.origin, getattr(loaded, "__file__", None)))
    loaded = loaded or _loaded_from(spec)
    if loaded is not None:
        return loaded
    try:
        if spec.parent and spec.parent != name:
            return importlib.import_module(name)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        try:
            if spec.loader is not None:  # a directory without `__init__.py` has nothing to run
                spec.loader.exec_module(module)
        except BaseException:
            sys.modules.pop(name, None)
            raise
        return sys.modules[name]  # a module may put something else in its place
    except JobLoadError:
        raise
    except JobDefinitionError as error:
        # A job's error has its line. That of an option which is made before there is a job, as a `Retry` is, has none.
        where = _where(error, spec.origin)
        if f"{where.rpartition(':')[0]}:" in str(error):
            raise
        raise JobDefinitionError(f"{where}: {error}") from error
    except (Exception, SystemExit) as error:
        raise JobLoadError(_failed(target, error, spec.origin)) from error


def _loaded_from(spec: ModuleSpec) -> ModuleType | None:
    if not spec.has_location:
        return None
    # First by what the file is called, for each of hundreds of modules is compared with each that is loaded.
    ending = os.path.basename(str(spec.origin))  # noqa: PTH119  a `Path` takes twenty times as long
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.endswith(ending) and name != "__main__" and _is_file(file, spec.origin):
            return module
    return None


def _is_file(file: object, other: str | Path | None) -> bool:
    if not isinstance(file, str) or other is None:
        return False
    return file == str(other) or (
        Path(file).name == Path(other).name and os.path.realpath(file) == os.path.realpath(other)
    )


def _two_files(name: str, path: str | Path | None, other: str | None) -> str:
    return (
        f"{shown_path(str(path))!r} would be the module {name!r}, and so is"
        f" {shown_path(other) if other else 'one that is built in'}. Rename the file, or put it into a package."
    )


def _failed(target: str, error: BaseException, file: str | None) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    said = f"{type(error).__name__}: {text}" if text else type(error).__name__
    hint = ". If it is a library, install it where the worker runs." if isinstance(error, ModuleNotFoundError) else ""
    return f"{target!r} cannot be imported: {_where(error, file)}: {said}{hint}"


def _where(error: BaseException, file: str | None) -> str:
    """Return the last line of the user's on the way to the error."""
    lines = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        lines.append((error.filename, error.lineno or 1))
    lines = [(name, line) for name, line in lines if Path(name).is_file()]
    theirs = [(name, line) for name, line in lines if is_users_file(name)]
    # Jobs that are themselves installed as a package stand among the libraries.
    theirs = theirs or [(name, line) for name, line in lines if file and Path(file).parent in Path(name).parents]
    if theirs:
        return place(*theirs[-1])
    return shown_path(file) if file else "before its first line"


def _without_jobs(target: str, modules: Iterable[str]) -> str:
    looked = ", ".join(repr(name) for name in sorted(modules))
    return (
        f"{target!r} has no jobs (looked in {looked}). A job is what `create_job(name=…)` makes at the top level of a"
        " module; name the module, the .py file or the package that has one."
    )


def _nearest(name: str, others: Iterable[str]) -> str:
    # The suffix is no likeness.
    by_stem = {other.removesuffix(".py"): other for other in others}
    return did_you_mean(name.removesuffix(".py"), by_stem, most=1, written=by_stem)
