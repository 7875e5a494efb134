"""Results that a test gives in part: what their type requires beyond that is made up.

A test that lets `slack.send_message` return `{"ok": True}` does not care for the rest, which the handler gets as the
tool's type all the same.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, Final

from ..errors import TestDoubleError
from ..serialization.codec import Codec
from ..serialization.serializer import shared_serializer
from ..serialization.signatures import result_type
from ..serialization.value_problems import ValueProblem

__all__ = ["check_fits", "complete"]

#: Tried in turn for a field that is missing, after the argument of its name: the first that fits its type. A string
#: says by its brackets that nobody meant it.
_PLACEHOLDERS: Final[tuple[Any, ...]] = (
    None,
    0,
    False,
    [],
    {},
    "1970-01-01T00:00:00Z",
    "00000000-0000-0000-0000-000000000000",
)

#: Fields in fields.
_DEPTH: Final = 10


def complete(value: Any, function: Callable[..., Any], arguments: Mapping[str, Any], name: str) -> Any:
    """Return a value as the result of a function, with what it lacks: an argument of that name, or a placeholder.

    Args:
        value: what a test said.
        function: the real one, whose annotation says what it returns.
        arguments: of the call, by name.
        name: of the step or tool, for messages.

    Raises:
        TestDoubleError: what is there does not fit.
    """
    codec = _result_codec(function)
    if codec is None:
        return value
    data = copy.deepcopy(dict(value)) if isinstance(value, Mapping) else value
    if isinstance(value, Mapping):
        for _ in range(_DEPTH):
            filled = [_fill(codec, data, path, arguments) for path in codec.missing(data)]
            if not any(filled):
                break
    try:
        return codec.check(data)
    except ValueProblem as problem:
        raise TestDoubleError(f"{name!r} cannot return {value!r} in a test: {problem}") from None


def check_fits(value: Any, function: Callable[..., Any], name: str) -> Any:
    """Return a value that a function of a test has returned, if it can be the result of the real one.

    Raises:
        TestDoubleError: it cannot.
    """
    try:
        if (codec := _result_codec(function)) is not None:
            codec.check(value)
    except ValueProblem as problem:
        raise TestDoubleError(
            f"the test double of {name!r} has returned {value!r}, which it cannot: {problem}"
        ) from None
    return value


def _result_codec(function: Callable[..., Any]) -> Codec | None:
    """Of what a function returns, if it says; one whose annotation means nothing is refused by the call itself."""
    try:
        type_ = result_type(function)
        return None if type_ is Any else shared_serializer.codec(type_)
    except (NameError, ValueProblem):
        return None


def _fill(codec: Codec, data: Any, path: tuple[int | str, ...], arguments: Mapping[str, Any]) -> bool:
    """Return whether something was found for one field. The path may lead through a union, where nothing is."""
    *way, last = path
    inside = data
    for step in way:
        try:
            inside = inside[step]
        except (KeyError, IndexError, TypeError):
            return False
    if not isinstance(inside, dict):
        return False
    given = (arguments[str(last)],) if last in arguments else ()
    for candidate in (*given, f"<{last}>", *_PLACEHOLDERS):
        inside[last] = copy.deepcopy(candidate)
        try:
            codec.check(data)
        except ValueProblem as problem:
            # What is wrong elsewhere, or is missing within the candidate, does not speak against it.
            if f"  {'.'.join(map(str, path))}: " in f"{problem}\n" and not _lacks_within(codec, data, path):
                continue
        return True
    del inside[last]
    return False


def _lacks_within(codec: Codec, data: Any, path: tuple[int | str, ...]) -> bool:
    return any(each[: len(path)] == path and len(each) > len(path) for each in codec.missing(data))
