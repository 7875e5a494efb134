"""The modules `datetime`, `time`, `random` … as a job's module sees them: their clock and randomness deterministic.

Each is a proxy of the original, but for the few names that read the clock or make randomness (`clock.py`). All else is
looked up in the original when it is asked for, and what is set goes there too, so that a test that patches
`jobs.time.sleep` or `os.getcwd` does what it did.
"""

from __future__ import annotations

import asyncio as _asyncio
import builtins
import datetime as _datetime
import functools
import importlib as _importlib
import os as _os
import random as _random
import secrets as _secrets
import time as _time
import uuid as _uuid
from collections.abc import Callable, Mapping, Sequence, Set
from types import ModuleType
from typing import Any, Final

from temporalio import workflow

from ..type_tests import is_a
from .clock import (
    DeterministicDate,
    DeterministicDatetime,
    DeterministicRandom,
    at_least_now,
    deterministic_function,
    nanoseconds,
    of_generator,
    refused_function,
    seconds,
    seed_generator,
    system_random,
    uuid4,
)
from .task_order import as_completed

__all__ = ["ModuleProxy", "deterministic", "deterministic_builtins", "is_clock", "proxies"]

_INTO_A_STEP: Final = "move it into a step, await job_step(run=…)."


class ModuleProxy(ModuleType):
    """A module with some of its names replaced.

    A proxy, not a copy: a copy of `random` or `asyncio` would have state of its own, and a test that patches the real
    module would not reach it. What is the proxy's own stands in its `__dict__`, and is asked for by `vars(self)`: an
    attribute access would find a name of the module's, should it have one of that name.
    """

    def __init__(self, module: ModuleType, replaced: Mapping[str, Any]) -> None:
        own = {"_module": module, "_replaced": dict(replaced)}
        own["_originals"] = {name: getattr(module, name) for name in replaced}
        super().__init__(module.__name__, module.__doc__)
        vars(self).update(replaced, **own)

    def __getattr__(self, name: str) -> Any:
        return getattr(vars(self)["_module"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        # `mock.patch("jobs.time.time", fake)` reads the replaced function here, sets the fake, and sets the replaced
        # function again at its end. Handed on as it is, that would end up in the real module, where the replaced
        # function looks the original up whenever it is called: it would find itself, and call itself for ever. So what
        # is set back is the original.
        own = vars(self)
        setattr(own["_module"], name, own["_originals"][name] if value is own["_replaced"].get(name, own) else value)

    def __delattr__(self, name: str) -> None:
        delattr(vars(self)["_module"], name)

    def __dir__(self) -> list[str]:
        return dir(vars(self)["_module"])


def proxies() -> Mapping[str, ModuleType]:
    """By the name of the module."""
    return _PROXIES


def deterministic_builtins() -> dict[str, Any]:
    """Return the builtins for a copy of a module of jobs: those of Python, with an import that hands out proxies."""
    return {**vars(builtins), "__import__": _import}


def deterministic(value: Any, names: Set[str]) -> Any:
    """Return what stands for a module, class or function in a job's module; the value itself where nothing does.

    Args:
        names: what the code of the module names. Where that reads no clock of a module or class which has one, the
            original serves: it is no other thing than elsewhere.
    """
    if is_a(value, ModuleType):  # a proxy answers for its `__class__` when there is something behind it
        proxy = _PROXIES.get(value.__name__)
        if proxy is None or value is not vars(proxy)["_module"]:
            return value
        clocks = _CLOCKS_OF_CLASSES if value is _datetime else vars(proxy)["_replaced"].keys()
        return value if clocks.isdisjoint(names) else proxy
    if (value is _datetime.datetime or value is _datetime.date) and _CLOCKS_OF_CLASSES.isdisjoint(names):
        return value
    found = _STANDS_FOR.get(id(value))
    return found[1] if found is not None else value


def is_clock(value: Any) -> bool:
    """Return whether a value is a function that reads the clock or makes randomness, so that it differs from run to
    run.

    What a handler may not call at all is none: at the top level of a module it is what it is, in a copy too.
    """
    if id(value) in _STANDS_FOR:
        name = str(value.__name__)
        return value is _random.Random if isinstance(value, type) else name not in _NO_CLOCKS
    of_class = getattr(value, "__self__", None)
    return isinstance(of_class, type) and issubclass(of_class, _datetime.date) and value.__name__ in _CLOCKS_OF_CLASSES


def _import(
    name: str,
    globals: Mapping[str, object] | None = None,
    locals: Mapping[str, object] | None = None,
    fromlist: Sequence[str] = (),
    level: int = 0,
) -> ModuleType:
    module = __import__(name, globals, locals, fromlist or (), level)
    return _PROXIES.get(module.__name__, module) if level == 0 else module


@functools.wraps(_importlib.import_module)
def _import_module(name: str, package: str | None = None) -> ModuleType:
    module = _importlib.import_module(name, package)
    return _PROXIES.get(module.__name__, module)


@functools.wraps(_asyncio.as_completed)
def _as_completed(fs: Any, *, timeout: float | None = None) -> Any:
    if workflow.in_workflow():
        return as_completed(fs, timeout=timeout)
    return _asyncio.as_completed(fs, timeout=timeout)


def _functions(
    module: ModuleType, names: Sequence[str], make: Callable[[ModuleType, str], Any]
) -> dict[str, Callable[..., Any]]:
    """Return those of the functions that this version of Python has."""
    return {name: make(module, name) for name in names if hasattr(module, name)}


_CLOCKS: Final = ("time", "monotonic", "perf_counter", "process_time", "thread_time", "clock_gettime")

#: What classes have that reads the clock.
_CLOCKS_OF_CLASSES: Final = frozenset({"now", "utcnow", "today"})

_NO_CLOCKS: Final = frozenset({"sleep", "as_completed", "import_module", "urandom", "getrandom", "uuid1"}) | {
    *("choice", "randbelow", "randbits", "token_bytes", "token_hex", "token_urlsafe")
} - set(_random.__all__)

_SECRETS: Final = ("choice", "randbelow", "randbits", "token_bytes", "token_hex", "token_urlsafe")

_SYSTEM_RANDOM: Final = system_random(_INTO_A_STEP)

_REPLACED: Final[Mapping[ModuleType, Mapping[str, Any]]] = {
    # Of coroutines it makes a set, which is ordered by their addresses.
    _asyncio: {"as_completed": _as_completed},
    _datetime: {"date": DeterministicDate, "datetime": DeterministicDatetime},
    _importlib: {"import_module": _import_module},
    _time: {
        **_functions(_time, _CLOCKS, lambda module, name: deterministic_function(module, name, seconds)),
        **_functions(
            _time,
            [f"{name}_ns" for name in _CLOCKS],
            lambda module, name: deterministic_function(module, name, nanoseconds),
        ),
        **{name: at_least_now(name, 0) for name in ("localtime", "gmtime", "ctime", "asctime")},
        "strftime": at_least_now("strftime", 1),
        "sleep": refused_function(_time, "sleep", 'wait with `await sleep("5s")`, which holds no process.'),
    },
    _random: {
        **{name: of_generator(name) for name in _random.__all__ if name not in ("Random", "SystemRandom", "seed")},
        "Random": DeterministicRandom,
        "SystemRandom": _SYSTEM_RANDOM,
        "seed": deterministic_function(_random, "seed", seed_generator),
    },
    _uuid: {
        "uuid4": deterministic_function(_uuid, "uuid4", uuid4),
        **_functions(
            _uuid,
            ("uuid1", "uuid6", "uuid7"),
            lambda module, name: refused_function(module, name, f"use uuid4(), or {_INTO_A_STEP}"),
        ),
    },
    _secrets: {
        **_functions(_secrets, _SECRETS, lambda module, name: refused_function(module, name, _INTO_A_STEP)),
        "SystemRandom": _SYSTEM_RANDOM,
    },
    _os: _functions(_os, ("urandom", "getrandom"), lambda module, name: refused_function(module, name, _INTO_A_STEP)),
}

_PROXIES: Final[dict[str, ModuleProxy]] = {
    module.__name__: ModuleProxy(module, replaced) for module, replaced in _REPLACED.items()
}

#: By the identity of the original, since a value at the top of a user's module may have no hash, or an `__eq__` that
#: does more than compare. The original is kept beside its replacement, so that its identity is not given to another
#: object. Bound methods of the one generator of `random` are made anew by nobody: the module has them in its globals.
_STANDS_FOR: Final[dict[int, tuple[Any, Any]]] = {
    id(value): (value, replaced[name])
    for module, replaced in _REPLACED.items()
    for name, value in ((name, getattr(module, name)) for name in replaced)
}
