"""Values come out of the other end as they went in, as far as that can be."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from terse_temporal.errors import CrashTestError, ServiceError
from terse_temporal.execution.protocol import UNSET
from terse_temporal.testing.crashes.pickling import pickle_or_replace, pickle_value, unpickle_value

FACTOR = 3


def through(value: Any) -> Any:
    """There and back."""
    return unpickle_value(pickle_value(value))


def nested() -> Callable[[int], int]:
    """A function that no name leads to."""
    return lambda number: number * FACTOR


class InsistentError(Exception):
    """Its `__init__` takes what it does not keep as arguments."""

    def __init__(self, *, code: int) -> None:
        super().__init__(f"code {code}")
        self.code = code
        self.lock = threading.Lock()


def test_functions() -> None:
    """A function is the same one where a name leads to it, and else one of the same code, over its module."""
    assert through(nested) is nested
    assert through(nested())(14) == 42
    outer = 1
    with pytest.raises(Exception, match="pickle"):
        pickle_value(lambda: outer)


def test_exceptions() -> None:
    """An exception keeps class, text, attributes and cause, whatever its `__init__` wants, as far as they can cross."""
    error = InsistentError(code=7)
    error.__cause__ = FileNotFoundError(2, "no such file", "there")
    back = through(error)
    assert (type(back), str(back), vars(back)) == (InsistentError, "code 7", {"code": 7})
    assert (back.__cause__.errno, back.__cause__.filename) == (2, "there")
    assert str(back.__cause__) == str(error.__cause__)
    service = through(ServiceError("no", tool="slack.send", status=503))
    assert (service.tool, service.status, str(service)) == ("slack.send", 503, "no")
    group = through(ExceptionGroup("several", [ValueError("one"), error]))
    assert [str(each) for each in group.exceptions] == ["one", "code 7"]
    unicode = through(UnicodeDecodeError("utf-8", b"x", 0, 1, "why"))
    assert str(unicode) == str(UnicodeDecodeError("utf-8", b"x", 0, 1, "why"))


def test_exception_of_a_class_that_is_not_there() -> None:
    """A class that the other process cannot have is replaced by one of its name, below the nearest that it has."""

    class OnlyHereError(LookupError):
        """Of a class that no name leads to."""

    back = through(OnlyHereError("nowhere"))
    assert (type(back).__name__, type(back).__bases__, str(back)) == ("OnlyHereError", (LookupError,), "nowhere")
    assert type(back).__qualname__ == OnlyHereError.__qualname__


def test_what_has_one_identity() -> None:
    """The absence of a value is the absence of a value on the other side."""
    assert through({"input": UNSET})["input"] is UNSET


def test_what_cannot_cross() -> None:
    """A value that cannot cross leaves one that says which it is, wherever it is used."""
    left = unpickle_value(pickle_or_replace(threading.Lock(), "the argument 'lock' of 'open'"))
    assert repr(left) == "<the argument 'lock' of 'open', which cannot be pickled>"
    uses: list[Callable[[], Any]] = [
        lambda: left == 1,
        lambda: left.acquire,
        lambda: left(),
        lambda: left["x"],
        lambda: bool(left),
    ]
    for use in uses:
        with pytest.raises(CrashTestError, match="the argument 'lock' of 'open' is in the worker process"):
            use()
