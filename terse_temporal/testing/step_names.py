"""The names that the steps of the registered jobs can have, out of the sources of their modules.

A step's name is known when it is called, and its test double is named before that. So they are read: the name of a
function that is given to `job_step`, or that is decorated with `@step`, unless `name=` says another. One that is made
when the job runs can be anything that fits what is written around it.
"""

from __future__ import annotations

import ast
import functools
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

from ..engine.code.functions import FunctionIndex
from ..jobs.registry import registered_jobs

__all__ = ["StepNames", "step_names"]


@dataclass(frozen=True)
class StepNames:
    """Names of steps.

    Attributes:
        names: those that are written down.
        patterns: what the others look like.
    """

    names: frozenset[str]
    patterns: frozenset[str]

    def has(self, name: str) -> bool:
        """Return whether a step can have this name."""
        return name in self.names or any(re.fullmatch(pattern, name, re.DOTALL) for pattern in self.patterns)

    def only_may_have(self, name: str) -> bool:
        """Return whether a step can have this name only because some can have any."""
        return ".*" in self.patterns and not StepNames(self.names, self.patterns - {".*"}).has(name)


def step_names() -> StepNames:
    """Return the names in the modules of all registered jobs, and in those that they are made of."""
    found = [_of_module(name) for name in sorted(FunctionIndex(registered_jobs()).modules)]
    return StepNames(
        frozenset().union(*(each.names for each in found)), frozenset().union(*(each.patterns for each in found))
    )


@functools.lru_cache(maxsize=1024)
def _of_module(name: str) -> StepNames:
    source = _source(sys.modules.get(name))
    if source is None:
        return StepNames(frozenset(), frozenset([".*"]))  # whatever cannot be read may have any
    names, patterns = set(), set()
    for node in ast.walk(ast.parse(source)):
        for called in _steps_in(node):
            if isinstance(called, str):
                names.add(called)
            else:
                patterns.add(called.pattern)
    return StepNames(frozenset(names), frozenset(patterns))


def _source(module: ModuleType | None) -> str | None:
    try:
        with open(str(getattr(module, "__file__", None)), "rb") as file:  # noqa: PTH123  the name may be no path
            return file.read().decode()
    except (OSError, UnicodeDecodeError):
        return None


def _steps_in(node: ast.AST) -> Iterator[str | re.Pattern[str]]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        for decorator in node.decorator_list:
            if _last_name(decorator) == "step":
                yield node.name
            elif isinstance(decorator, ast.Call) and _last_name(decorator.func) == "step":
                yield _given_name(decorator) or node.name
    elif isinstance(node, ast.Call):
        run = next((each.value for each in node.keywords if each.arg == "run"), None)
        # Whatever `job_step` is called here: nothing else of this package takes `run`.
        if run is not None:
            yield _given_name(node) or _function_name(run)


def _given_name(call: ast.Call) -> str | re.Pattern[str] | None:
    """Return what `name=` of a call says."""
    given = next((each.value for each in call.keywords if each.arg == "name"), None)
    if given is None or (isinstance(given, ast.Constant) and given.value is None):
        return re.compile(".*") if any(each.arg is None for each in call.keywords) else None
    if isinstance(given, ast.Constant):
        return str(given.value)
    if isinstance(given, ast.JoinedStr):
        parts = [re.escape(str(each.value)) if isinstance(each, ast.Constant) else ".*" for each in given.values]
        return re.compile("".join(parts))
    return re.compile(".*")


def _function_name(run: ast.expr) -> str | re.Pattern[str]:
    if isinstance(run, ast.Lambda):
        return "<lambda>"
    return _last_name(run) or re.compile(".*")


def _last_name(node: ast.expr) -> str | None:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None
