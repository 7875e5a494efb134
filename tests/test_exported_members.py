"""What is public is complete: `__all__` is sorted, and what a public signature takes or gives can be imported."""

from __future__ import annotations

import ast
import dataclasses
import functools
import importlib
import inspect
import pkgutil
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

import terse_temporal
from terse_temporal import errors

#: What the package promises, by where it is imported from.
PROMISED: Final = {
    "": [
        *(
            "Event",
            "Job",
            "Retry",
            "Run",
            "RunFailure",
            "RunIdentity",
            "RunInfo",
            "RunTimeline",
            "Skills",
            "State",
            "StepContext",
            "StepOptions",
            "TerseAgent",
            "TimelineEntry",
            "Triggers",
            "create_job",
        ),
        *(
            "current_run",
            "current_step",
            "generate_text",
            "get_run",
            "job_map",
            "job_step",
            "list_runs",
            "log",
            "now",
            "registered_jobs",
        ),
        *("InputAnswer", "InputOption"),
        *("send_event", "sleep", "start_run", "step", "toolbox", "uuid4", "wait_for_event", "wait_for_input"),
    ],
    "inputs": ["InputAnswer", "InputOption", "InputQuestion", "InputWay", "LongText", "wait_for_input"],
    "client": ["connect"],
    "durations": ["parse_duration"],
    "errors": [
        *("DurableOnlyError", "DurationError", "EventError", "EventTimeoutError", "JobDefinitionError"),
        *("RunCancelledError", "RunDepthError", "RunEndedError", "RunExistsError", "RunFailedError"),
        *("RunNotFoundError", "RunRetryError", "RunTerminatedError", "RunTimeoutError", "SetupError", "StartError"),
        *("StateValueError", "StepError"),
        *("StepInputError", "StepInterruptedError", "StepIsolationError", "StepOutputError", "TerseError"),
        *("ToolError", "TransientError", "UnknownStateKeyError", "UnknownToolError"),
    ],
    "plugin": ["TersePlugin"],
    "schedules": ["Change", "schedule_spec", "sync"],
    "state": ["State"],
    "testing": [
        *("Call", "Inputs", "JobEnvironment", "Jobs", "ModelDouble", "Run", "StateOfJob", "StepDoubles", "ToolDoubles"),
    ],
    "tools.builtin.email": ["EmailReceipt"],
    "tools.builtin.http": ["HttpResponse"],
    "tools.builtin.slack": ["SlackChannel", "SlackMessage"],
    "triggers": ["CronTrigger", "EveryTrigger", "GitHubTrigger", "StripeTrigger", "Trigger", "WebhookTrigger"],
    "worker": ["build_worker"],
}

#: The modules that users import from.
PUBLIC: Final = [*PROMISED, "agents", "devserver", "events", "pytest_plugin", "state.sql", "tools"]

#: Classes that are handed out, and made by this package alone.
NOT_MADE_BY_USERS: Final = {"Jobs", "Run", "State", "StateOfJob", "TerseAgent"}

#: What only this package uses, though a public class has it: a job's `state_schema`, a tool's `retry` and
#: what it makes of a call. And what is called at once, over a function.
INSIDE: Final = {"StateSchema", "RetryRule", "StepRequest", "_Decorator", "_DurableDecorator", "_StepDecorator"}

MODULES: Final = [
    info.name
    for info in pkgutil.walk_packages(terse_temporal.__path__, "terse_temporal.")
    if not info.name.endswith("__main__")
]


def module(name: str) -> types.ModuleType:
    return importlib.import_module(f"terse_temporal.{name}".rstrip("."))


def public_objects() -> Iterator[tuple[str, Any]]:
    """Every public object with the name that it is imported by."""
    for name in PUBLIC:
        for each in module(name).__all__:
            yield f"{module(name).__name__}.{each}", getattr(module(name), each)


def members(cls: type) -> Iterator[tuple[str, Any]]:
    """What a class of this package hands out by itself, and by those of this package that it derives from."""
    for base in cls.__mro__:
        if base.__module__.startswith("terse_temporal"):
            yield from ((name, each) for name, each in vars(base).items() if name[0] != "_")
            # That of a dataclass is made of its attributes.
            if (
                "__init__" in vars(base)
                and not dataclasses.is_dataclass(base)
                and base.__name__ not in NOT_MADE_BY_USERS
            ):
                yield "__init__", vars(base)["__init__"]


def hints(described: Any) -> list[Any]:
    """The types in the annotations of a function, those of its overloads too, or of a class and its bases."""
    found: list[Any] = []
    own = inspect.getmro(described) if isinstance(described, type) else [described, *typing.get_overloads(described)]
    for each in own:
        name = inspect.unwrap(each).__module__
        if name.startswith("terse_temporal"):
            written = inspect.get_annotations(each)
            texts = [text for attribute, text in written.items() if not attribute.startswith("_")]
            found += [eval(text, names_in(name)) if isinstance(text, str) else text for text in texts]
    return found


@functools.cache
def names_in(name: str) -> dict[str, Any]:
    """What annotations in a module may name, with what it imports for type checkers alone."""
    here = importlib.import_module(name)
    scope = dict(vars(here))
    for node in ast.parse(inspect.getsource(here)).body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            imports = [each for each in node.body if isinstance(each, ast.ImportFrom)]
            # What is a stub alone describes values, and is in no signature.
            for each in (one for one in imports if one.module != "builtin_types"):
                source = importlib.import_module("." * each.level + (each.module or ""), here.__package__)
                scope |= {alias.asname or alias.name: getattr(source, alias.name) for alias in each.names}
    return scope


def classes(hint: Any) -> Iterator[type]:
    """The classes of this package that a type is made of."""
    for each in typing.get_args(hint):
        yield from classes(each)
    cls = typing.get_origin(hint) or hint
    if isinstance(cls, type) and cls.__module__.startswith("terse_temporal"):
        yield cls
    elif isinstance(hint, list):  # the parameters of a `Callable`
        for each in hint:
            yield from classes(each)


def described_by(value: Any) -> Iterator[Any]:
    """What of a public object has annotations: itself, and the methods and properties of a class."""
    if inspect.isfunction(value):
        yield value
        return
    value = value if isinstance(value, type) else type(value)
    if value.__module__.startswith("terse_temporal"):
        yield value
        for _, member in members(value):
            each = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
            if inspect.isfunction(each):
                yield each


@pytest.mark.parametrize("name", MODULES)
def test_every_module_exports_what_it_says(name: str) -> None:
    """Where a module has an `__all__`, it is sorted as ruff sorts it, names nothing twice, and every name is there."""
    exported = getattr(importlib.import_module(name), "__all__", [])
    assert exported == sorted(exported, key=_as_ruff_sorts)
    assert len(set(exported)) == len(exported)
    assert [each for each in exported if not hasattr(importlib.import_module(name), each)] == []


@pytest.mark.parametrize("name", PROMISED)
def test_what_is_promised_is_there(name: str) -> None:
    """Each name can be imported from where it is promised, and is exported."""
    assert set(PROMISED[name]) - set(module(name).__all__) == set()


def test_the_package_exports_what_it_imports() -> None:
    """What the package's own file imports is `__all__`, and nothing else is."""
    tree = ast.parse(Path(terse_temporal.__file__ or "").read_text(encoding="utf-8"))
    imported = [
        alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    ]
    assert sorted(imported) == sorted(terse_temporal.__all__)


def test_every_error_is_exported() -> None:
    """All that derives from `TerseError` in `errors` is, and no error stands elsewhere."""
    own = {
        name for name, each in vars(errors).items() if isinstance(each, type) and issubclass(each, errors.TerseError)
    }
    assert own == set(errors.__all__)
    elsewhere = {
        f"{name}.{each.__name__}"
        for name in MODULES
        for each in vars(importlib.import_module(name)).values()
        if isinstance(each, type) and issubclass(each, errors.TerseError) and each.__module__ == name
    }
    # How a command ends, and what the classes have in common that recorded failures are made into.
    assert {each for each in elsewhere if not each.startswith("terse_temporal.errors.")} == {
        "terse_temporal.cli.exiting.CommandError",
        "terse_temporal.engine.wire.rebuilt_exceptions.RebuiltError",
        "terse_temporal.engine.wire.run_exceptions._RebuiltRunError",
        "terse_temporal.engine.wire.step_exceptions._RebuiltStepError",
    }


def test_what_is_public_has_a_docstring() -> None:
    """Every public function and class has, and so have the methods that are its own."""
    lacking = [
        name
        for name, value in public_objects()
        if (isinstance(value, type) or inspect.isfunction(value)) and not inspect.getdoc(value)
    ]
    for name, value in public_objects():
        if isinstance(value, type):
            lacking += [
                f"{name}.{each}"
                for each, member in members(value)
                if (inspect.isfunction(member) or isinstance(member, property))
                and not each.startswith("_")
                and not inspect.getdoc(getattr(value, each))
            ]
    assert sorted(set(lacking)) == []


def test_what_a_public_signature_names_is_public() -> None:
    """Every class of this package that is taken, given or handed out can be imported from a public module."""
    reachable = {id(value) for _, value in public_objects()}
    hidden = {
        f"{cls.__module__}.{cls.__qualname__}, of {name}"
        for name, value in public_objects()
        for described in described_by(value)
        for hint in hints(described)
        for cls in classes(hint)
        if id(cls) not in reachable and cls.__name__ not in INSIDE
    }
    assert sorted(hidden) == []


def _as_ruff_sorts(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest."""
    if name.isupper() and len(name) > 1:
        return 0, name
    return (1 if name[:1].isupper() else 2), name
