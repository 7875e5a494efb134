"""Values at the top level of a module of jobs: which of them a run could change."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import decimal
import dis
import enum
import fractions
import functools
import io
import ipaddress
import logging
import pathlib
import queue
import random
import re
import sys
import threading
import types
import typing
import uuid
import zoneinfo
from collections import deque
from collections.abc import Iterator, MutableMapping, MutableSequence, MutableSet
from contextvars import Context, ContextVar
from types import FunctionType
from typing import Any, Final

from ...diagnostics.places import is_package_file, is_users_file
from ...diagnostics.python_private import CACHED_FUNCTION
from ..type_tests import is_a

__all__ = ["depth_of", "is_frozen", "is_known_state"]

_ANY_DEPTH: Final = 1000


#: Objects of these cannot be changed, or what changes in them is no business of a run's: a logger, a lock.
_FROZEN: Final[tuple[type, ...]] = (
    *(type(None), bool, int, float, complex, str, bytes, range, type(Ellipsis), type(NotImplemented), slice),
    *(datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo, zoneinfo.ZoneInfo),
    *(decimal.Decimal, fractions.Fraction, uuid.UUID, re.Pattern, pathlib.PurePath, enum.Enum),
    *(ipaddress.IPv4Address, ipaddress.IPv6Address, ipaddress.IPv4Network, ipaddress.IPv6Network),
    *(types.ModuleType, types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType),
    *(types.GenericAlias, types.UnionType, typing.TypeVar, typing.ParamSpec, typing.NewType, ContextVar),
    *(logging.Logger, logging.LoggerAdapter, logging.Handler, logging.Formatter, type(threading.Lock())),
)

#: Objects of these are there to be changed.
_STATE: Final[tuple[type, ...]] = (
    *(MutableMapping, MutableSequence, MutableSet, bytearray, deque, random.Random, io.IOBase, Iterator),
    *(asyncio.Lock, asyncio.Event, asyncio.Condition, asyncio.Semaphore, asyncio.Queue, asyncio.Future),
    *(queue.Queue, queue.SimpleQueue, threading.local, threading.Event, threading.Condition, threading.Semaphore),
    CACHED_FUNCTION,
)


def is_frozen(value: Any, _depth: int = 0) -> bool:  # noqa: PLR0912  # a table of cases
    """Return whether no run could leave anything in a value, however it uses it.

    A class is, as such; what is done with its attributes has to be looked at where it is done.
    """
    if _depth > 20:
        return False

    def inner(each: Any) -> bool:
        return is_frozen(each, _depth + 1)

    if is_a(value, random.Random | CACHED_FUNCTION):
        return False
    if is_a(value, types.BuiltinMethodType):  # a function of C's has its module here, `seen.append` the list
        return is_a(value.__self__, types.ModuleType) or inner(value.__self__)
    if is_a(value, ContextVar):
        try:
            return inner(Context().run(value.get))
        except LookupError:  # it has no default
            return True
    if is_a(value, type) or (is_a(value, _FROZEN) and not _has_own_attributes(value)):
        return True
    if is_a(value, tuple | frozenset):
        return all(map(inner, value))
    if is_a(value, types.MappingProxyType):
        return all(map(inner, value.values()))
    if is_a(value, types.MethodType):
        return inner(value.__self__) and inner(value.__func__)
    if is_a(value, staticmethod | classmethod):
        return inner(value.__func__)
    if is_a(value, functools.partial):
        return all(map(inner, (value.func, *value.args, *value.keywords.values())))
    if is_a(value, FunctionType):
        return _is_frozen_function(value, _depth)
    if type(value).__module__.partition(".")[0] in ("terse_temporal", "typing", "typing_extensions"):
        return True
    if dataclasses.is_dataclass(type(value)) and type(value).__dataclass_params__.frozen:
        fields = [getattr(value, each.name, None) for each in dataclasses.fields(value)]
        return all(map(inner, (*fields, *getattr(value, "__dict__", {}).values())))
    return False


def depth_of(value: Any) -> int:
    """Return how many lists, dicts and sets lie in each other: 0 for what is none.

    It is more than anybody goes down where something else lies in them that can be changed.
    """
    if type(value) not in (list, dict, set):
        return 0
    return 1 + max(map(_depth_within, (*value, *value.values()) if is_a(value, dict) else value), default=0)


def _depth_within(value: Any) -> int:
    try:
        return 0 if is_frozen(value) else depth_of(value) or _ANY_DEPTH
    except RecursionError:  # it is in itself
        return _ANY_DEPTH


def is_known_state(value: Any) -> bool:
    """Return whether a value that can be changed is known to be there for that, as the user's own classes are."""
    if is_a(value, FunctionType):
        return is_users_file(value.__code__.co_filename)
    if is_a(value, _STATE):
        return True
    if is_a(value, tuple | frozenset):
        return any(not is_frozen(each) and is_known_state(each) for each in value)
    if is_a(value, types.MethodType | types.BuiltinMethodType | types.MethodWrapperType):
        return is_known_state(value.__self__)
    module = sys.modules.get(type(value).__module__)
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and is_users_file(file)


def _has_own_attributes(value: Any) -> bool:
    """Return whether it is of a class of the user's, derived from one that cannot be changed, with something in it."""
    if is_a(value, types.ModuleType | enum.Enum | logging.Logger | logging.LoggerAdapter | logging.Handler):
        return False
    module = sys.modules.get(type(value).__module__)
    return bool(getattr(value, "__dict__", None)) and is_users_file(str(getattr(module, "__file__", "<")))


def _is_frozen_function(function: FunctionType, depth: int) -> bool:
    """Return whether a function keeps nothing between calls in the variables of a function around it."""
    code = function.__code__
    if is_package_file(code.co_filename):
        return True  # such as what `@step` makes
    for each in dis.get_instructions(code):
        if each.opname in ("STORE_DEREF", "DELETE_DEREF") and each.argval in code.co_freevars:
            return False
    cells = (cell.cell_contents for cell in function.__closure__ or () if cell != types.CellType())
    return all(is_frozen(each, depth + 1) for each in cells)
