"""A clock and randomness that stay the same on replay.

A durable handler runs again from the top whenever its run goes on, so `datetime.now()` and `random.random()` must give
what they gave before. The module of a job is executed afresh for every run, with an `__import__` of its own, and where
it asks for `datetime`, `time`, `random`, `uuid`, `secrets` or `os` it gets a twin: the same module, but for what reads
the clock or rolls dice. While the module is being executed, the clock stands at the start of the run, and the dice are
seeded by it: what a module makes at its top level is the same on every replay too. The originals are never touched.

Instances are of the original classes throughout, so that a twin is only ever met as a name in the job's own module.
"""

from __future__ import annotations

import asyncio as _asyncio
import builtins
import datetime as _datetime
import os as _os
import random as _random
import secrets as _secrets
import time as _time
import uuid as _uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final, NoReturn

from temporalio import workflow

from ..errors import SideEffectError
from ..places import caller_frame, place

__all__ = ["Pins", "original", "pinned_builtins", "pinned_to"]


def pinned_builtins() -> dict[str, Any]:
    """The builtins for a module of jobs: those of Python, with an import that hands out twins."""
    return {**vars(builtins), "__import__": _import}


def original(type_: Any) -> Any:
    """The class that a twin stands for; anything else as it is."""
    return type_.__dict__.get("_original", type_) if isinstance(type_, _OfOriginal) else type_


def _import(
    name: str,
    globals: Mapping[str, object] | None = None,
    locals: Mapping[str, object] | None = None,
    fromlist: Sequence[str] = (),
    level: int = 0,
) -> ModuleType:
    module = __import__(name, globals, locals, fromlist or (), level)
    return _TWINS.get(module.__name__, module) if level == 0 else module


@dataclass(frozen=True, slots=True)
class Pins:
    """What stands in for the clock and the dice."""

    moment: _datetime.datetime
    dice: _random.Random


_of_the_module: ContextVar[Pins | None] = ContextVar("terse_temporal.pins", default=None)


@contextmanager
def pinned_to(pins: Pins) -> Iterator[None]:
    """While a module of jobs is executed for a run, outside its workflow, its clock and dice are these."""
    token = _of_the_module.set(pins)
    try:
        yield
    finally:
        _of_the_module.reset(token)


def _pins() -> Pins | None:
    return Pins(workflow.now(), workflow.random()) if workflow.in_workflow() else _of_the_module.get()


def _now() -> _datetime.datetime:
    pins = _pins()
    return pins.moment if pins else _datetime.datetime.now(_datetime.UTC)


class _OfOriginal(type):
    """Makes `isinstance(x, twin)` ask about the original class, which is what instances are of."""

    def __instancecheck__(cls, instance: object) -> bool:
        original = cls.__dict__.get("_original")
        return isinstance(instance, original) if original else type.__instancecheck__(cls, instance)

    def __subclasscheck__(cls, subclass: type) -> bool:
        original = cls.__dict__.get("_original")
        return issubclass(subclass, original) if original else type.__subclasscheck__(cls, subclass)


class _PinnedDate(_datetime.date, metaclass=_OfOriginal):
    _original = _datetime.date

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is _PinnedDate:
            return _datetime.date(*args, **kwargs)
        return super().__new__(cls, *args, **kwargs)  # a class that a user derived

    @classmethod
    def today(cls) -> Any:
        day = _local(_now()).date()
        return day if cls is _PinnedDate else cls(day.year, day.month, day.day)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Callable[[Any], Any]) -> Any:
        return handler(_datetime.date)


class _PinnedDatetime(_datetime.datetime, metaclass=_OfOriginal):
    _original = _datetime.datetime

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is _PinnedDatetime:
            return _datetime.datetime(*args, **kwargs)
        return super().__new__(cls, *args, **kwargs)  # a class that a user derived

    @classmethod
    def now(cls, tz: _datetime.tzinfo | None = None) -> Any:
        moment = _local(_now()) if tz is None else _now().astimezone(tz)
        return moment if cls is _PinnedDatetime else cls.combine(moment.date(), moment.timetz())

    @classmethod
    def today(cls) -> Any:
        return cls.now()

    @classmethod
    def utcnow(cls) -> Any:
        moment = _now().replace(tzinfo=None)
        return moment if cls is _PinnedDatetime else cls.combine(moment.date(), moment.time())

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Callable[[Any], Any]) -> Any:
        return handler(_datetime.datetime)


def _local(moment: _datetime.datetime) -> _datetime.datetime:
    """Naive, in the timezone of the machine, as `datetime.now()` is: its `timestamp()` must come out right."""
    return moment.astimezone().replace(tzinfo=None)


class _PinnedRandom(_random.Random):
    """`random.Random()`, which would seed itself from the operating system."""

    def __init__(self, x: Any = None) -> None:
        super().__init__(x)

    def seed(self, a: Any = None, version: int = 2) -> None:
        if a is None and (pins := _pins()):
            a = pins.dice.getrandbits(128)
        super().seed(a, version)


def _pinned(original: Callable[..., Any], pinned: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        pins = _pins()
        return pinned(pins, *args, **kwargs) if pins else original(*args, **kwargs)

    return call


def _in_workflow(original: Callable[..., Any], instead: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        return (instead if workflow.in_workflow() else original)(*args, **kwargs)

    return call


def _refused(original: Callable[..., Any], name: str, instead: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        if not workflow.in_workflow():
            return original(*args, **kwargs)
        return refuse(name, instead)

    return call


def refuse(name: str, instead: str) -> NoReturn:
    frame = caller_frame()
    raise SideEffectError(
        f"{name} was called in the handler of a durable job, at {place(frame.f_code.co_filename, frame.f_lineno)}."
        f" The handler is replayed from the top whenever the run goes on, and it would happen again: {instead}"
    )


def _twin(original: ModuleType, **replaced: Any) -> ModuleType:
    twin = ModuleType(original.__name__, original.__doc__)
    vars(twin).update(vars(original), **replaced)
    return twin


def _seconds(pins: Pins) -> float:
    return pins.moment.timestamp()


def _nanoseconds(pins: Pins) -> int:
    return int(pins.moment.timestamp() * 1_000_000) * 1_000


def _uuid4(pins: Pins) -> _uuid.UUID:
    return _uuid.UUID(int=pins.dice.getrandbits(128), version=4)


def _reseed(pins: Pins, a: Any = None, version: int = 2) -> None:
    pins.dice.seed(pins.dice.getrandbits(128) if a is None else a, version)


def _at_least_now(original: Callable[..., Any], position: int) -> Callable[..., Any]:
    """For `localtime()` and its kin, which read the clock where an argument is missing."""

    def call(*args: Any) -> Any:
        pins = _pins()
        if len(args) > position or pins is None:
            return original(*args)
        moment: Any = pins.moment.timestamp()
        return original(*args, _time.localtime(moment) if position or original is _time.asctime else moment)

    return call


_INTO_A_STEP: Final = "move it into a step, await job_step(run=…)."

_CLOCKS: Final = ("time", "monotonic", "perf_counter", "process_time", "thread_time")

_TWINS: Final[dict[str, ModuleType]] = {
    # Of coroutines it makes a set, which is ordered by their addresses.
    "asyncio": _twin(_asyncio, as_completed=_in_workflow(_asyncio.as_completed, workflow.as_completed)),
    "datetime": _twin(_datetime, date=_PinnedDate, datetime=_PinnedDatetime),
    "time": _twin(
        _time,
        **{name: _pinned(getattr(_time, name), _seconds) for name in _CLOCKS if hasattr(_time, name)},
        **{
            f"{name}_ns": _pinned(getattr(_time, f"{name}_ns"), _nanoseconds)
            for name in _CLOCKS
            if hasattr(_time, f"{name}_ns")
        },
        localtime=_at_least_now(_time.localtime, 0),
        gmtime=_at_least_now(_time.gmtime, 0),
        ctime=_at_least_now(_time.ctime, 0),
        asctime=_at_least_now(_time.asctime, 0),
        strftime=_at_least_now(_time.strftime, 1),
        sleep=_refused(_time.sleep, "time.sleep()", 'wait with `await sleep("5s")`, which holds no process.'),
    ),
    "random": _twin(
        _random,
        Random=_PinnedRandom,
        SystemRandom=_refused(_random.SystemRandom, "random.SystemRandom()", _INTO_A_STEP),
        **{
            name: _pinned(
                getattr(_random, name), lambda pins, *args, _name=name, **kw: getattr(pins.dice, _name)(*args, **kw)
            )
            for name in _random.__all__
            if name not in ("Random", "SystemRandom", "seed")
        },
        seed=_pinned(_random.seed, _reseed),
    ),
    "uuid": _twin(
        _uuid,
        uuid4=_pinned(_uuid.uuid4, _uuid4),
        **{
            name: _refused(getattr(_uuid, name), f"uuid.{name}()", f"use uuid4(), or {_INTO_A_STEP}")
            for name in ("uuid1", "uuid6", "uuid7")
            if hasattr(_uuid, name)
        },
    ),
    "secrets": _twin(
        _secrets,
        **{
            name: _refused(getattr(_secrets, name), f"secrets.{name}()", _INTO_A_STEP)
            for name in ("choice", "randbelow", "randbits", "token_bytes", "token_hex", "token_urlsafe", "SystemRandom")
        },
    ),
    "os": _twin(
        _os,
        **{
            name: _refused(getattr(_os, name), f"os.{name}()", _INTO_A_STEP)
            for name in ("urandom", "getrandom")
            if hasattr(_os, name)
        },
    ),
}
