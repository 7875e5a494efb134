"""Which functions a worker may run, and how they are named in a history.

A step's function travels as a reference, `module:qualname`, and nothing else may come out of one than what the job
modules of this worker define, nest or hand to a step: whoever can schedule activities must not be able to name
`os:system`, nor the `run` that a module imports from `subprocess`. So a worker makes an index when it is built, and
both sides ask it: the workflow before it schedules, the activity before it runs.

A nested function has no name to be found by, but its code object stands among the constants of the function around it.
The worker makes a function of that code and the module's globals, which is the isolation that steps promise: there is
nothing of the handler in it. Where several nested functions may share one qualified name (lambdas do), the reference
carries a fingerprint of the code (`fingerprints.py`), and what does not fit it is another function. The body of a `def`
that is alone under its name may be edited while it is in flight.

Modules that are imported within a function are indexed when they are first asked for. The process that begins a step
has imported such a module by then, and another one has not: it does so if code that it has says the same import.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import sys
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Set
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final, TypeVar

from ...diagnostics.places import place_of
from ...errors import StepIsolationError, UnknownFunctionError
from ...jobs.job import Job, module_name
from ...jobs.steps import declared_step
from ..type_tests import is_a
from .code_hash import CodeReader
from .fingerprints import fingerprint, fits, name_of, nested_code
from .first_party import FirstParty, file_of, loaded_module
from .mentions import Mentions, code_of, mentions_of

__all__ = ["FunctionIndex", "WorkedOut", "attribute_path"]

_V = TypeVar("_V")

#: Entries of what was worked out. A program has some dozens of steps; what comes in from outside may be anything.
_MOST_WORKED_OUT: Final = 1024


class WorkedOut(dict[Hashable, Any]):
    """What is worked out once, by what it was worked out for. When it is full it begins anew."""

    def keep(self, key: Hashable, value: _V) -> _V:
        """Keep a value, and return it."""
        if len(self) >= _MOST_WORKED_OUT:
            self.clear()
        self[key] = value
        return value


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
        #: What has been worked out for the code of this worker, by whoever asks for it with each step. Nothing of a
        #: run's own copy of its module goes in: it would stay for as long as the worker does.
        self.worked_out = WorkedOut()
        self._modules: set[str] = set()
        #: For each of them, the modules that its values and functions come from.
        self._reached: defaultdict[str, set[str]] = defaultdict(set)
        jobs = list(jobs)
        self._codes = {job._home: job._module_code for job in jobs}
        self._first_party = FirstParty(_job_modules(jobs))
        for module in _job_modules(jobs):
            self._add_module(module)
        for job in jobs:
            for function in (job.handler, job.filter, job.on_failure):
                if function is not None:
                    self._add_function(function, module_name(job._home))
        self._mentions: dict[str, Mentions] = {}
        self._without: set[str] = set()
        self._found_named: dict[int, Any] = {}
        self._loaded_at_start = frozenset(sys.modules)
        self._read_mentions(self._modules)
        # Now, and not when it is asked for: the files may be those of the next version by then.
        read = CodeReader()
        homes = {module.__name__: module for module in _job_modules(jobs)}
        self._code = {home: self._code_hash(module, read) for home, module in homes.items()}

    def code_of(self, job: Job) -> str:
        """Return a hash of the code that a job is written in.

        It is made of its module, of those of its code base that it uses, and of more.

        Whatever other jobs the worker has: another worker that runs this one says the same.
        """
        return self._code.get(job._home, "")

    @property
    def modules(self) -> frozenset[str]:
        """The names of the modules that are indexed."""
        return frozenset(self._modules)

    @property
    def tools(self) -> frozenset[str]:
        """What is built in and the code uses: toolboxes, `generate_text`, `wait_for_input`, and `*` for all tools."""
        return frozenset(tool for each in list(self._mentions.values()) for tool in each.tools)

    def names(self, value: Any) -> bool:
        """Return whether the code has something under a name: `Invoice`, or `stripe.Invoice`."""
        if self._found_named.get(id(value)) is value:
            return True
        found = any(
            any(each is value for each in (*self._namespace(module).values(), *mentions.named))
            for module, mentions in list(self._mentions.items())
        )
        if found:
            self._found_named[id(value)] = value
        return found

    def is_first_party(self, module: str) -> bool:
        """Return whether a module is of the same code base as the jobs, and has been imported by it."""
        if module not in self._first_party:
            return False
        self._import(module)
        return loaded_module(module) is not None

    def import_all(self) -> None:
        """Import what the code imports within functions, to know what that mentions."""
        before = -1
        while before < len(self._mentions):
            before = len(self._mentions)
            for name in {name for each in list(self._mentions.values()) for name in each.imports}:
                with contextlib.suppress(UnknownFunctionError):
                    self._import(name)

    def _code_hash(self, home: ModuleType, read: CodeReader) -> str:
        """Return the hash of what a module of jobs uses.

        It is found in what was read of the modules of all jobs: made for each by an index of its own, it would take
        the square of the time where hundreds of modules use each other.
        """
        first_party = FirstParty([home])
        reached = _closure([module_name(home.__name__)], self._reached, first_party)
        imports = {name: each.imports for name, each in self._mentions.items()}
        used = reached | _closure(reached, imports, first_party) & self._mentions.keys()
        words = {word for name in used if name in self._mentions for word in self._mentions[name].words}
        return read.code_hash(self._files(used, first_party), words, first_party.directories)

    def _files(self, names: Set[str], first_party: FirstParty) -> set[str | None]:
        """Return the files of modules, also of those with nothing but texts in them, and of what they import late."""
        loaded = [module for module in map(loaded_module, names) if module is not None]
        # A directory that is a package has no file.
        files = {getattr(each, "__file__", None) for each in loaded if not _is_directory(each)}
        mentions = [self._mentions[name] for name in names if name in self._mentions]
        for name in {each for read in mentions for each in read.imports} - names:
            if name in first_party and loaded_module(name) is None:  # imported within a function, and not yet
                files |= {file} if (file := file_of(name)) is not None else set()
        return files

    def resolve(self, reference: str) -> Callable[..., Any]:
        """Return the function that a reference names.

        Raises:
            UnknownFunctionError: it names none that this worker may run.
        """
        if (found := self._find(reference)) is None and self._import(reference.partition(":")[0]):
            found = self._find(reference)
        if found is not None:
            return found
        raise UnknownFunctionError(
            f"this worker does not run the function {reference!r}: no job module of it defines or nests that name, or"
            f" hands it to a step (it has {', '.join(sorted(self._modules)) or 'none'}). If the step is of a newer or"
            " older version of the code, it waits for a worker that has it."
        )

    def _find(self, reference: str) -> Callable[..., Any] | None:
        if (named := self._find_named(reference)) is not None:
            return named
        qualified, _, given = reference.partition("#")
        found = self._nested.get(qualified, [])
        if given:
            alike = [each for each in found if fits(each[0], given)]
            found = [each for each in alike if fingerprint(each[0]) == given][:1] or alike
        if len(found) != 1:
            return None
        code, namespace = found[0]
        if id(code) not in self._made:
            # Kept, so that what is worked out for a function is worked out once.
            self._made[id(code)] = FunctionType(code, namespace, code.co_name)
        return self._made[id(code)]

    def refer(self, function: Callable[..., Any], step: str, where: str, namespace: Mapping[str, Any]) -> str:
        """Return the reference to a function that a handler gave to a step.

        Args:
            function: the object, of the handler's own copy of its module.
            step: the step's name, for messages.
            where: the line of the call, likewise.
            namespace: the globals of that copy.

        Raises:
            StepIsolationError: it reads variables of a function around it, or is nothing that has a name.
            UnknownFunctionError: this worker could not find it again.
        """
        if isinstance(function, Job):
            raise StepIsolationError(
                f"the step at {where}: run= is the job {function.name!r} ({function.where}), and no function. A run of"
                " it is `await job.run(event)`, and runs with many events are `await job.map(events)`, without a step."
            )
        unwrapped = getattr(function, "__wrapped__", function)
        self._check_imported(function, step, where)
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
            if value is function and self._find_named(f"{home}:{name}"):
                return f"{home}:{name}"
        if not self._is_own(function) and any(value is function for value in namespace.values()):
            raise StepIsolationError(
                f"step {step!r} ({where}): {qualname or function!r} is imported, and a worker runs such a function only"
                " where it can read in the code that a step gets it: run= with its name in the function that makes the"
                " step. Give the step a `def` of your own that makes the call."
            )
        if isinstance(function, FunctionType):
            return self._refer_nested(function, step)
        raise StepIsolationError(
            f"step {step!r} ({where}): run={function!r} is a {type(unwrapped).__name__}, which a worker cannot find"
            " again by name. Give it a function: one at module level, or a `def` or lambda that makes the call."
        )

    def _find_named(self, reference: str) -> Callable[..., Any] | None:
        # Who decorates a function with `@step` has said that it may be run, also in a library of steps.
        if (declared := declared_step(reference)) is not None:
            return declared
        found = self._named.get(reference)
        return found if found is not None and (self._is_own(found) or self._is_handed(found)) else None

    def _is_own(self, value: Callable[..., Any]) -> bool:
        """Return whether something that can be called is made by the code, and not only imported by it."""
        if isinstance(value, functools.partial):
            return self._is_own(value.func)
        unwrapped = inspect.unwrap(value)
        if isinstance(unwrapped, FunctionType):
            return module_name(str(unwrapped.__globals__.get("__name__", ""))) in self._first_party
        return type(value).__module__ in self._first_party

    def _is_handed(self, value: Callable[..., Any]) -> bool:
        return any(each is value for mentions in self._mentions.values() for each in mentions.handed)

    def _namespace(self, module: str) -> Mapping[str, Any]:
        loaded = loaded_module(module)
        return {} if loaded is None else vars(loaded)

    def _read_mentions(self, modules: Iterable[str]) -> None:
        """Read what modules mention, and those of the code base that they import."""
        unread = list(modules)
        while unread:
            name = unread.pop()
            module = loaded_module(name)
            if name not in self._mentions and module is not None and name in self._first_party:
                code = self._codes.get(name)
                self._mentions[name] = mentions_of(
                    module, code if code and code.co_filename == module.__file__ else None
                )
                unread += self._mentions[name].imports

    def _import(self, name: str) -> bool:
        """Have a module that the code imports within a function; false if there is none of that name to be had."""
        if name in self._modules or name in self._without or name not in self._first_party:
            return False
        if not any(name in each.imports for each in self._mentions.values()):
            return False
        try:
            module = importlib.import_module(name)
        except ImportError:  # it is a name in a module, or not there on this machine
            self._without.add(name)
            return False
        except Exception as err:
            raise UnknownFunctionError(f"this worker cannot import the module {name!r}: {err!r}") from err
        self._add_module(module)
        self._read_mentions([name])
        return True

    def _check_imported(self, function: Callable[..., Any], step: str, where: str) -> None:
        """Refuse a function of a module that another process would not have."""
        module = module_name(getattr(function, "__module__", None) or "")
        # One that something else in this process has imported before is not indexed yet either.
        if module in self._modules or self._import(module):
            return
        if module not in self._loaded_at_start and loaded_module(module) is not None:
            raise UnknownFunctionError(
                f"step {step!r} ({where}): its function is in the module {module!r}, which was imported while the run"
                " went on. Another process would not find it. Import the module at the top of the job's."
            )

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
        qualified = f"{module_name(function.__globals__['__name__'])}:{name_of(code)}"
        candidates = self._nested.get(qualified, [])
        if not any(candidate == code for candidate, _ in candidates):
            raise UnknownFunctionError(
                f"step {step!r} ({where}): {qualified!r} is in no job module of this worker, so no worker could find it"
                " again. Define the function in the module of the job, or in one that it imports from its own package."
            )
        # A lambda that is alone today may have company when its step runs.
        alone = len(candidates) == 1 and code.co_name != "<lambda>"
        return qualified if alone else f"{qualified}#{fingerprint(code)}"

    def _add_module(self, module: ModuleType) -> None:
        name = module_name(module.__name__)
        if name in self._modules:
            return
        self._modules.add(name)
        # A lambda in a dict at module level is bound by no name.
        code = self._codes.get(module.__name__)
        code = code if code is not None and code.co_filename == module.__file__ else code_of(module)
        if code is not None:
            self._add_nested((each for each in nested_code(code) if each.co_name == "<lambda>"), vars(module))
        for attribute, value in list(vars(module).items()):
            if is_a(value, ModuleType):
                if module_name(value.__name__) in self._first_party:
                    self._reached[name].add(module_name(value.__name__))
                    self._add_module(value)
            elif is_a(value, type):
                if value.__module__ == module.__name__:
                    self._add_methods(f"{name}:{value.__qualname__}", value)
            elif is_a(value, Job):
                for function in (value.handler, value.on_failure):
                    if function is not None:
                        self._add_function(function, name)
            elif callable(value):
                self._named[f"{name}:{attribute}"] = value
                self._add_function(value, name)

    def _add_methods(self, prefix: str, cls: type) -> None:
        of = prefix.partition(":")[0]
        for attribute, value in vars(cls).items():
            if isinstance(value, staticmethod):
                self._named[f"{prefix}.{attribute}"] = value.__func__
            if isinstance(value, staticmethod | classmethod):
                self._add_function(value.__func__, of)
            elif inspect.isfunction(value):
                self._add_function(value, of)
            elif inspect.isclass(value) and value.__qualname__ == f"{cls.__qualname__}.{attribute}":
                self._add_methods(f"{prefix}.{attribute}", value)

    def _add_nested(self, nested: Iterable[CodeType], namespace: dict[str, Any]) -> None:
        name = module_name(str(namespace.get("__name__", "")))
        for code in nested:
            # Not the body of a class, nor what reads variables of the function around it.
            is_function = bool(code.co_flags & inspect.CO_OPTIMIZED) and not code.co_freevars
            if is_function and id(code) not in self._seen_code:
                self._seen_code.add(id(code))
                self._nested[f"{name}:{name_of(code)}"].append((code, namespace))

    def _add_function(self, function: Callable[..., Any], of: str) -> None:
        """Index what is nested in a function that a module has, and in what it wraps."""
        unwrapped = inspect.unwrap(function)
        for each in {id(function): function, id(unwrapped): unwrapped}.values():
            if isinstance(each, FunctionType):
                namespace = each.__globals__
                name = module_name(str(namespace.get("__name__", "")))
                if name in self._first_party:
                    self._add_nested(nested_code(each.__code__), namespace)
                    module = loaded_module(name)
                    if module is not None and vars(module) is namespace:
                        self._reached[of].add(name)
                        self._add_module(module)


def attribute_path(namespace: Mapping[str, Any], path: str) -> Any:
    """Return what `a.b.c` leads to from a namespace, or `None`."""
    first, *rest = path.split(".")
    value = namespace.get(first)
    for name in rest:
        value = getattr(value, name, None)
    return value


def _job_modules(jobs: Iterable[Job]) -> Iterator[ModuleType]:
    for job in jobs:
        module = sys.modules.get(job._home)
        if module is not None:
            yield module


def _closure(start: Iterable[str], leads_to: Mapping[str, Set[str]], first_party: FirstParty) -> set[str]:
    """Return what is reached from modules, with these, without leaving the code base."""
    found: set[str] = set()
    pending = list(start)
    while pending:
        name = pending.pop()
        if name not in found and name in first_party:
            found.add(name)
            pending += leads_to.get(name, ())
    return found


def _is_directory(module: ModuleType) -> bool:
    return hasattr(module, "__path__") and getattr(module, "__file__", None) is None


def _same_step(named: Callable[..., Any], function: Callable[..., Any]) -> bool:
    """Return whether both are a step of one function, declared by two executions of its module."""
    one, other = (getattr(each, "__wrapped__", None) for each in (named, function))
    return isinstance(one, FunctionType) and isinstance(other, FunctionType) and one.__code__ == other.__code__
