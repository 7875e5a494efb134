"""Which jobs a worker of a test has: all that belong together, so that one may start another."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType, ModuleType

from ..jobs.job import Job
from ..jobs.registry import registered_jobs

__all__ = ["jobs_of_test", "jobs_with"]


def jobs_with(job: Job) -> list[Job]:
    """Return a job, and those of the project that it has to do with, in either direction.

    Those are the jobs of its module; of modules that it imports, or whose jobs it imports; those that it names in its
    code; and so on from there. Not all that are registered: a session of tests may have jobs of many projects, of which
    some need what is not there, such as an MCP server.
    """
    registered = {each.name: each for each in registered_jobs()}
    registered[job.name] = job
    modules = {each.handler.__module__ for each in registered.values()}
    links: dict[str, set[str]] = {module: set() for module in modules}
    for module in modules:
        imported, words = _mentions(sys.modules.get(module))
        named = {registered[word].handler.__module__ for word in words & registered.keys()}
        for other in (imported & modules) | named:
            links[module].add(other)
            links[other].add(module)
    found, ahead = set[str](), [job.handler.__module__]
    while ahead:
        module = ahead.pop()
        if module not in found:
            found.add(module)
            ahead += links[module]
    others = [each for each in registered.values() if each.handler.__module__ in found and each is not job]
    return [job, *others]


def jobs_of_test(module: ModuleType | None, further: Iterable[Job] = ()) -> list[Job]:
    """Return the jobs that the module of a test has to do with, and those that belong together with them.

    Args:
        module: defines them, imports them or their modules, or names them in its functions.
        further: jobs that the test has run.
    """
    imported, words = _mentions(module)
    own = module.__name__ if module is not None else None
    registered = registered_jobs()
    meant = [
        each
        for each in registered
        if each.name in words or each.handler.__module__ in imported or each.handler.__module__ == own
    ]
    found: dict[str, Job] = {}
    for job in [*further, *meant]:
        if job.name not in found:
            found.update({each.name: each for each in jobs_with(job)})
    return list(found.values())


@functools.lru_cache(maxsize=1024)
def _mentions(module: ModuleType | None) -> tuple[frozenset[str], frozenset[str]]:
    """Return the modules that a module has, by itself or through a job of theirs, and the strings in its functions."""
    imported, words = set[str](), set[str]()
    for value in list(vars(module).values()) if module is not None else []:
        if isinstance(value, ModuleType):
            imported.add(value.__name__)
            continue
        function = value.handler if isinstance(value, Job) else value
        if isinstance(value, Job):
            imported.add(value.handler.__module__)
        if isinstance(function, FunctionType) and function.__module__ == getattr(module, "__name__", None):
            words.update(_strings(function.__code__))
    return frozenset(imported), frozenset(words)


def _strings(code: CodeType) -> Iterator[str]:
    for constant in code.co_consts:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, CodeType):
            yield from _strings(constant)
