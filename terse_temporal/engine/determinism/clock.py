"""A clock and randomness that stay the same on replay.

A durable handler runs again from the top whenever its run goes on, so `datetime.now()` and `random.random()` must give
what they gave before. Here are the functions and classes that stand in for those that read the clock or make
randomness; `module_proxy.py` has the modules that hand them out. Wherever no run is on (in a step, in a test, at
import) each does what the original does, which it looks up when it is called: a test may have patched that.

While a module is executed for a copy of its own (`sandbox.py`), the clock stands at the start of the run, and
randomness is seeded by it: what a module makes at its top level is the same on every replay too.

Instances are of the original classes throughout, so that a class from here is only ever met as a name in the job's own
module. It is equal to the original, and has its name and hash; only `is` tells them apart.
"""

from __future__ import annotations

import copyreg
import datetime as _datetime
import functools
import random as _random
import time as _time
import uuid as _uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final, NoReturn
from weakref import WeakKeyDictionary

from temporalio import workflow

from ...diagnostics.places import caller_frame, place
from ...errors import SideEffectError
from ...serialization.wire_names import RANDOM_STREAM

__all__ = [
    "DeterministicDate",
    "DeterministicDatetime",
    "DeterministicRandom",
    "RunClock",
    "at_least_now",
    "clock_of_module",
    "deterministic_function",
    "nanoseconds",
    "of_generator",
    "original",
    "refused_function",
    "seconds",
    "seed_generator",
    "system_random",
    "use_clock",
    "uuid4",
]


def original(type_: Any) -> Any:
    """Return the class that a deterministic one stands for; anything else as it is."""
    return type_.__dict__.get("_original", type_) if isinstance(type_, _OfOriginal) else type_


@dataclass(frozen=True, slots=True)
class RunClock:
    """The clock and the randomness of one run, or of the top level of a module.

    Attributes:
        moment: what the clock shows.
        ids: makes UUIDs, and what else must not be the same in two runs.
        generator: what the module `random` stands for. The user may seed it.
    """

    moment: _datetime.datetime
    ids: _random.Random
    generator: _random.Random


def clock_of_module(moment: _datetime.datetime, seed: str) -> RunClock:
    """Make the clock for the top level of a module."""
    return RunClock(moment, _random.Random(seed), _random.Random(f"{seed}:random"))


_of_the_module: ContextVar[RunClock | None] = ContextVar("terse_temporal.clock", default=None)


@contextmanager
def use_clock(clock: RunClock) -> Iterator[None]:
    """Use a clock within the block: a module of jobs is executed for a run there, outside of its workflow."""
    token = _of_the_module.set(clock)
    try:
        yield
    finally:
        _of_the_module.reset(token)


#: For each run, by its workflow's instance. `workflow.random()` makes the UUIDs, so that `random.seed(42)` must not
#: reach it: every run would have the same.
_generators: WeakKeyDictionary[Any, _random.Random] = WeakKeyDictionary()


def _generator() -> _random.Random:
    run = workflow.instance()
    found = _generators.get(run)
    if found is None:
        found = _generators[run] = workflow.new_random(RANDOM_STREAM)
    return found


def _current_clock() -> RunClock | None:
    if not workflow.in_workflow():
        return _of_the_module.get()
    if workflow.unsafe.is_read_only():
        # Whether an answer fits is asked, which no replay asks again: what is made for that is thrown away, and takes
        # nothing of what the handler will be given.
        return RunClock(workflow.now(), _random.Random(), _random.Random())
    return RunClock(workflow.now(), workflow.random(), _generator())


def _moment() -> _datetime.datetime | None:
    if workflow.in_workflow():
        return workflow.now()
    clock = _of_the_module.get()
    return clock.moment if clock else None


class _OfOriginal(type):
    """Makes `isinstance(x, C)` ask about the original class, which instances are of, and `==` find the two equal.

    What the replacement makes are instances of the *original* class, `datetime(2026, 1, 1)` too, because serializers
    look at the exact type, and because what a handler makes goes on into steps and other modules, which know nothing of
    this class. So the replacement has no instances of its own, and answers the three questions about classes
    (`isinstance`, `issubclass`, `==`) as the original would. What is left is `type(x) is datetime`, which no class can
    answer for another. A class that a user derives from the replacement is an ordinary one: it has no `_original` in
    its own `__dict__`.
    """

    def __instancecheck__(cls, instance: object) -> bool:
        original = cls.__dict__.get("_original")
        return isinstance(instance, original) if original else type.__instancecheck__(cls, instance)

    def __subclasscheck__(cls, subclass: type) -> bool:
        found = cls.__dict__.get("_original")
        return issubclass(original(subclass), found) if found else type.__subclasscheck__(cls, subclass)

    def __eq__(cls, other: object) -> bool:
        return original(cls) is original(other)

    def __hash__(cls) -> int:
        return type.__hash__(original(cls))


def _unpickle(name: str) -> Any:
    return _CLASSES[name]


def _pickle(cls: type) -> Any:
    return (_unpickle, (cls.__name__,)) if "_original" in cls.__dict__ else cls.__qualname__


# By the name that it has it would be the original, and pickle refuses one thing by the name of another.
copyreg.pickle(_OfOriginal, _pickle)


class DeterministicDate(_datetime.date, metaclass=_OfOriginal):
    """Stands for `datetime.date`."""

    _original = _datetime.date

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is DeterministicDate:
            return _datetime.date(*args, **kwargs)
        return super().__new__(cls, *args, **kwargs)  # a class that a user derived

    @classmethod
    def today(cls) -> Any:
        moment = _moment()
        day = _datetime.date.today() if moment is None else _local(moment).date()
        return day if cls is DeterministicDate else cls(day.year, day.month, day.day)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Callable[[Any], Any]) -> Any:
        return handler(_datetime.date)


class DeterministicDatetime(_datetime.datetime, metaclass=_OfOriginal):
    """Stands for `datetime.datetime`."""

    _original = _datetime.datetime

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is DeterministicDatetime:
            return _datetime.datetime(*args, **kwargs)
        return super().__new__(cls, *args, **kwargs)  # a class that a user derived

    @classmethod
    def now(cls, tz: _datetime.tzinfo | None = None) -> Any:
        moment = _moment()
        if moment is None:
            moment = _datetime.datetime.now(tz)
        else:
            moment = _local(moment) if tz is None else moment.astimezone(tz)
        return moment if cls is DeterministicDatetime else cls.combine(moment.date(), moment.timetz())

    @classmethod
    def today(cls) -> Any:
        return cls.now()

    @classmethod
    def utcnow(cls) -> Any:
        moment = _moment()
        moment = _datetime.datetime.utcnow() if moment is None else moment.replace(tzinfo=None)
        return moment if cls is DeterministicDatetime else cls.combine(moment.date(), moment.time())

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Callable[[Any], Any]) -> Any:
        return handler(_datetime.datetime)


def _local(moment: _datetime.datetime) -> _datetime.datetime:
    """Return a naive moment in the machine's timezone, as `datetime.now()` is: its `timestamp()` must be right."""
    return moment.astimezone().replace(tzinfo=None)


class DeterministicRandom(_random.Random):
    """`random.Random()`, which would seed itself from the operating system."""

    def __init__(self, x: Any = None) -> None:
        super().__init__(x)

    def seed(self, a: Any = None, version: int = 2) -> None:
        if a is None and (clock := _current_clock()):
            a = clock.ids.getrandbits(128)
        super().seed(a, version)


_CLASSES: Final[dict[str, type]] = {"date": DeterministicDate, "datetime": DeterministicDatetime}

for _name, _class in _CLASSES.items():
    _class.__name__ = _class.__qualname__ = _name
    _class.__module__ = "datetime"


def deterministic_function(module: ModuleType, name: str, instead: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function that calls `instead` with the run's clock in a run, and the original everywhere else."""

    @functools.wraps(getattr(module, name))
    def call(*args: Any, **kwargs: Any) -> Any:
        clock = _current_clock()
        return instead(clock, *args, **kwargs) if clock else getattr(module, name)(*args, **kwargs)

    return call


def refused_function(module: ModuleType, name: str, instead: str) -> Callable[..., Any]:
    """Return a function that no handler may call. The message says what to do instead."""

    @functools.wraps(getattr(module, name))
    def call(*args: Any, **kwargs: Any) -> Any:
        if workflow.in_workflow():
            _refuse(f"{module.__name__}.{name}()", instead)
        return getattr(module, name)(*args, **kwargs)

    return call


def system_random(instead: str) -> type:
    """`random.SystemRandom`, which no handler may make one of, and may ask about."""

    class SystemRandom(_random.SystemRandom, metaclass=_OfOriginal):
        _original = _random.SystemRandom

        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            if workflow.in_workflow():
                _refuse("random.SystemRandom()", instead)
            return _random.SystemRandom(*args, **kwargs)

    SystemRandom.__qualname__, SystemRandom.__module__ = "SystemRandom", "random"
    _CLASSES["SystemRandom"] = SystemRandom
    return SystemRandom


def _refuse(name: str, instead: str) -> NoReturn:
    frame = caller_frame()
    raise SideEffectError(
        f"{name} was called in the handler of a durable job, at {place(frame.f_code.co_filename, frame.f_lineno)}."
        f" The handler is replayed from the top whenever the run goes on, and it would happen again: {instead}"
    )


def at_least_now(name: str, position: int) -> Callable[..., Any]:
    """For `localtime()` and its kin, which read the clock where an argument is missing."""

    @functools.wraps(getattr(_time, name))
    def call(*args: Any) -> Any:
        clock = _current_clock()
        if len(args) > position or clock is None:
            return getattr(_time, name)(*args)
        moment: Any = clock.moment.timestamp()
        return getattr(_time, name)(*args, _time.localtime(moment) if position or name == "asctime" else moment)

    return call


def of_generator(name: str) -> Callable[..., Any]:
    """Return a function of the module `random`."""
    return deterministic_function(
        _random, name, lambda clock, *args, **kwargs: getattr(clock.generator, name)(*args, **kwargs)
    )


def seconds(clock: RunClock, *of_clock: Any) -> float:
    return clock.moment.timestamp()


def nanoseconds(clock: RunClock, *of_clock: Any) -> int:
    return int(clock.moment.timestamp() * 1_000_000) * 1_000


def uuid4(clock: RunClock) -> _uuid.UUID:
    return _uuid.UUID(int=clock.ids.getrandbits(128), version=4)


def seed_generator(clock: RunClock, a: Any = None, version: int = 2) -> None:
    clock.generator.seed(clock.ids.getrandbits(128) if a is None else a, version)
