"""Which functions a worker may run, and how they are named in a history.

A step's function travels as a reference, `module:qualname`, and nothing else may come out of one than what the job
modules of this worker define, nest or have bound by name: whoever can schedule activities must not be able to name
`os:system`. So a worker makes an index when it is built, and both sides ask it: the workflow before it schedules, the
activity before it runs.

A nested function has no name to be found by, but its code object stands among the constants of the function around it.
The worker makes a function of that code and the module's globals, which is the isolation that steps promise: there is
nothing of the handler in it. Where several nested functions may share one qualified name (lambdas do), the reference
carries a fingerprint of the code: order would do too, until somebody puts a lambda above another while a step is in
flight. Its first half is what the code says, which every version of Python agrees about; the second is how it says it
(`a + 1` and `a - 1` differ in the bytecode alone), and another version of Python does without it where it can.
"""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from ..errors import StepIsolationError, UnknownFunctionError
from ..jobs import Job, module_name
from ..places import place_of
from ..steps import declared_step

__all__ = ["FunctionIndex", "attribute_path", "reference_of_class"]


class FunctionIndex:
    """The functions of a worker's job modules.

    Args:
        jobs: the jobs of the worker. Indexed are their modules, and the modules of the same package, or beside a
            top-level one, that those import.
    """

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._named: dict[str, Callable[..., Any]] = {}
        self._nested: defaultdict[str, list[tuple[CodeType, dict[str, Any]]]] = defaultdict(list)
        self._seen_code: set[int] = set()
        self._made: dict[int, FunctionType] = {}
        self._modules: set[str] = set()
        jobs = list(jobs)
        for module in _job_modules(jobs):
            self._add_module(module)
        for job in jobs:
            for function in (job.handler, job.filter):
                if function is not None:
                    self._add_function(function)
            # A lambda in a dict at module level is bound by no name.
            home, code = sys.modules.get(job._home), job._module_code
            if home is not None and code is not None and code.co_filename == home.__file__:
                lambdas = (each for each in _nested_code(code) if each.co_name == "<lambda>")
                self._add_nested(lambdas, vars(home))

    @property
    def modules(self) -> frozenset[str]:
        """The names of the modules that are indexed."""
        return frozenset(self._modules)

    def resolve(self, reference: str) -> Callable[..., Any]:
        """The function that a reference names.

        Raises:
            UnknownFunctionError: it names none that this worker may run.
        """
        if (named := self._find_named(reference)) is not None:
            return named
        qualified, _, fingerprint = reference.partition("#")
        found = self._nested.get(qualified, [])
        if fingerprint and len(found) > 1:
            said = fingerprint.partition(".")[0]
            alike = [each for each in found if _fingerprint(each[0]).partition(".")[0] == said]
            found = [each for each in alike if _fingerprint(each[0]) == fingerprint][:1] or alike
        # Without a fingerprint that fits, the only one there is has been edited since.
        if len(found) == 1:
            code, namespace = found[0]
            if id(code) not in self._made:
                # Kept, so that what is worked out for a function is worked out once.
                self._made[id(code)] = FunctionType(code, namespace, code.co_name)
            return self._made[id(code)]
        raise UnknownFunctionError(
            f"this worker does not run the function {reference!r}: no job module of it defines, nests or has bound that"
            f" name (it has {', '.join(sorted(self._modules)) or 'none'}). If the step is of a newer or older version"
            " of the code, it waits for a worker that has it."
        )

    def refer(self, function: Callable[..., Any], step: str, where: str, namespace: Mapping[str, Any]) -> str:
        """The reference to a function that a handler gave to a step.

        Args:
            function: the object, of the handler's own copy of its module.
            step: the step's name, for messages.
            where: the line of the call, likewise.
            namespace: the globals of that copy.

        Raises:
            StepIsolationError: it reads variables of a function around it, or is nothing that has a name.
            UnknownFunctionError: this worker could not find it again.
        """
        unwrapped = getattr(function, "__wrapped__", function)
        module = module_name(getattr(function, "__module__", None) or "")
        qualname = getattr(function, "__qualname__", "")
        home = module_name(str(namespace.get("__name__", "")))
        if qualname and "<" not in qualname:
            bound_in = namespace if module == home else vars(sys.modules.get(module, ModuleType(module)))
            named = self._find_named(f"{module}:{qualname}")
            # A module beside the job's hands over what the process has, and not the run's own copy. What `@step` made
            # may have been decorated further, so that the name is bound to something else.
            if named is not None and (
                named is function or attribute_path(bound_in, qualname) is function or _same_step(named, function)
            ):
                return f"{module}:{qualname}"
        for name, value in namespace.items():
            if value is function and f"{home}:{name}" in self._named:
                return f"{home}:{name}"
        if isinstance(function, FunctionType):
            return self._refer_nested(function, step)
        raise StepIsolationError(
            f"step {step!r} ({where}): run={function!r} is a {type(unwrapped).__name__}, which a worker cannot find"
            " again by name. Give it a function: one at module level, or a `def` or lambda that makes the call."
        )

    def _find_named(self, reference: str) -> Callable[..., Any] | None:
        # Who decorates a function with `@step` has said that it may be run, also in a library of steps.
        return declared_step(reference) or self._named.get(reference)

    def _refer_nested(self, function: FunctionType, step: str) -> str:
        code = function.__code__
        where = place_of(function)
        if code.co_freevars:
            names = " and ".join(repr(name) for name in code.co_freevars)
            raise StepIsolationError(
                f"step {step!r} ({where}) reads {names} of the function around it. A step runs by itself, perhaps on"
                f" another machine: pass what it needs as data, job_step(run=…, input={{…}}), or define it at module"
                " level."
            )
        if "<locals>" in function.__qualname__ and (function.__defaults__ or function.__kwdefaults__):
            raise StepIsolationError(
                f"step {step!r} ({where}) has default values, which are made by the function around it and are not"
                " there when the step runs. Pass them as data: job_step(run=…, input={…})."
            )
        qualified = f"{module_name(function.__globals__['__name__'])}:{code.co_qualname}"
        candidates = self._nested.get(qualified, [])
        if not any(candidate == code for candidate, _ in candidates):
            raise UnknownFunctionError(
                f"step {step!r} ({where}): {qualified!r} is in no job module of this worker, so no worker could find it"
                " again. Define the function in the module of the job, or in one that it imports from its own package."
            )
        # A lambda that is alone today may have company when its step runs.
        alone = len(candidates) == 1 and code.co_name != "<lambda>"
        return qualified if alone else f"{qualified}#{_fingerprint(code)}"

    def _add_module(self, module: ModuleType) -> None:
        name = module_name(module.__name__)
        if name in self._modules:
            return
        self._modules.add(name)
        for attribute, value in list(vars(module).items()):
            if isinstance(value, ModuleType):
                if _is_neighbour(value, module):
                    self._add_module(value)
            elif inspect.isclass(value):
                if value.__module__ == module.__name__:
                    self._add_methods(f"{name}:{value.__qualname__}", value)
            elif isinstance(value, Job):
                self._add_function(value.handler)
            elif callable(value):
                self._named[f"{name}:{attribute}"] = value
                self._add_function(value)

    def _add_methods(self, prefix: str, cls: type) -> None:
        for attribute, value in vars(cls).items():
            if isinstance(value, staticmethod):
                self._named[f"{prefix}.{attribute}"] = value.__func__
            if isinstance(value, staticmethod | classmethod):
                self._add_function(value.__func__)
            elif inspect.isfunction(value):
                self._add_function(value)
            elif inspect.isclass(value) and value.__qualname__ == f"{cls.__qualname__}.{attribute}":
                self._add_methods(f"{prefix}.{attribute}", value)

    def _add_nested(self, nested: Iterable[CodeType], namespace: dict[str, Any]) -> None:
        name = module_name(str(namespace.get("__name__", "")))
        for code in nested:
            # Not the body of a class, nor what reads variables of the function around it.
            is_function = bool(code.co_flags & inspect.CO_OPTIMIZED) and not code.co_freevars
            if is_function and id(code) not in self._seen_code:
                self._seen_code.add(id(code))
                self._nested[f"{name}:{code.co_qualname}"].append((code, namespace))

    def _add_function(self, function: Callable[..., Any]) -> None:
        """Index what is nested in a function, and in what it wraps."""
        unwrapped = inspect.unwrap(function)
        for each in {id(function): function, id(unwrapped): unwrapped}.values():
            if isinstance(each, FunctionType):
                namespace = each.__globals__
                self._add_nested(_nested_code(each.__code__), namespace)
                module = sys.modules.get(str(namespace.get("__name__", "")))
                if module is not None and vars(module) is namespace and _first_party(module, self._modules):
                    self._add_module(module)


def attribute_path(namespace: Mapping[str, Any], path: str) -> Any:
    """What `a.b.c` leads to from a namespace, or `None`."""
    first, *rest = path.split(".")
    value = namespace.get(first)
    for name in rest:
        value = getattr(value, name, None)
    return value


def reference_of_class(cls: type) -> str:
    """`module:qualname` of a class."""
    return f"{module_name(cls.__module__)}:{cls.__qualname__}"


def _job_modules(jobs: Iterable[Job]) -> Iterator[ModuleType]:
    for job in jobs:
        module = sys.modules.get(job._home)
        if module is not None:
            yield module


def _same_step(named: Callable[..., Any], function: Callable[..., Any]) -> bool:
    """Whether both are a step of one function, declared by two executions of its module."""
    one, other = (getattr(each, "__wrapped__", None) for each in (named, function))
    return isinstance(one, FunctionType) and isinstance(other, FunctionType) and one.__code__ == other.__code__


def _nested_code(code: CodeType) -> Iterator[CodeType]:
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield const
            yield from _nested_code(const)


def _fingerprint(code: CodeType) -> str:
    """What a piece of code says and how, without where it stands."""
    said, how = hashlib.sha256(), hashlib.sha256()
    for each in (code, *_nested_code(code)):
        constants = [_text(const) for const in each.co_consts if not isinstance(const, CodeType)]
        said.update(repr((each.co_varnames, each.co_names, constants)).encode())
        how.update(each.co_code)
    return f"{said.hexdigest()[:12]}.{how.hexdigest()[:8]}"


def _text(constant: object) -> str:
    """A constant as text, the same in every process: the order of a set is not."""
    if isinstance(constant, frozenset):
        return f"{{{', '.join(sorted(map(_text, constant)))}}}"
    if isinstance(constant, tuple):
        return f"({', '.join(map(_text, constant))})"
    return repr(constant)


def _is_neighbour(module: ModuleType, of: ModuleType) -> bool:
    """Whether a module is part of the same code base: of the same package, or beside a top-level one."""
    theirs, ours = module.__name__.partition(".")[0], of.__name__.partition(".")[0]
    if ours == "terse_temporal" or theirs == "terse_temporal":
        return False
    if theirs == ours and "." in of.__name__:
        return True
    file, beside = getattr(module, "__file__", None), getattr(of, "__file__", None)
    return bool(file and beside) and Path(str(file)).parent == Path(str(beside)).parent


def _first_party(module: ModuleType, known: set[str]) -> bool:
    """Whether a function bound by name came from a module of the same code base, so that what it nests counts too."""
    return any(
        _is_neighbour(module, sys.modules[name])
        for name in list(known)
        if name in sys.modules and name != module.__name__
    )
