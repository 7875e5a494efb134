"""The function that `state.update` is given, and the further data for it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from ..diagnostics.places import place_of
from ..errors import StepInputError, StepIsolationError
from ..serialization.serializer import Serializer
from ..serialization.signatures import parameter_types
from ..serialization.value_problems import ValueProblem

__all__ = ["argument_types", "check_function", "dumped_data"]


def check_function(function: Any, arguments: Sequence[Any], call: str, *, travels: bool) -> None:
    """Refuse a function that cannot be called with a value and the arguments, or cannot travel.

    Args:
        call: what is being done, for the message.
        travels: whether it runs in another place than here, so that it must not need anything of its surroundings.

    Raises:
        StepInputError: it is no function, or does not take these arguments.
        StepIsolationError: it reads variables of the function around it.
    """
    if not callable(function):
        raise StepInputError(f"{call}: give it a function of the value, which returns the new one; not {function!r}")
    code = getattr(function, "__code__", None)
    if travels and code is not None and code.co_freevars:
        names = " and ".join(map(repr, code.co_freevars))
        raise StepIsolationError(
            f"{call}: its function ({place_of(function)}) reads {names} of the function around it, and runs by itself,"
            " perhaps on another machine. Pass the data as a further argument: state.update(key, lambda value, more:"
            f" …, {code.co_freevars[0]})."
        )
    nested = "<locals>" in getattr(function, "__qualname__", "")
    if travels and nested and (getattr(function, "__defaults__", None) or getattr(function, "__kwdefaults__", None)):
        raise StepIsolationError(
            f"{call}: its function ({place_of(function)}) has default values, which are made by the function around it"
            " and are not there when it runs. Pass the data as a further argument: state.update(key, function, more)."
        )
    try:
        inspect.signature(function).bind(None, *arguments)
    except TypeError as err:
        raise StepInputError(
            f"{call}: its function ({place_of(function)}) is called with the value"
            f"{f' and {len(arguments)} more' if arguments else ''}: {err}"
        ) from None
    except ValueError:
        pass  # a builtin that does not tell its signature


def argument_types(function: Callable[..., Any], count: int) -> list[Any]:
    """Return the types of the arguments after the first, as the function's annotations say."""
    try:
        parameters = list(inspect.signature(inspect.unwrap(function)).parameters.values())
        types = parameter_types(function)
    except (TypeError, ValueError):  # a builtin that does not tell its signature
        return [Any] * count
    found: list[Any] = []
    for parameter in parameters:
        if parameter.kind is parameter.VAR_POSITIONAL:
            found += [types[parameter.name].__args__[0]] * (count + 1)
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            found.append(types[parameter.name])
    return found[1 : count + 1]


def dumped_data(function: Callable[..., Any], arguments: Sequence[Any], call: str, serializer: Serializer) -> list[Any]:
    """Return the arguments after the first, validated by the function's annotations, as JSON.

    Raises:
        StepInputError: one does not fit, or is not JSON.
    """
    dumped = []
    types = argument_types(function, len(arguments)) if arguments else []
    for number, (type_, value) in enumerate(zip(types, arguments, strict=True), 1):
        try:
            dumped.append(serializer.codec(type_).record(value).data)
        except ValueProblem as problem:
            raise StepInputError(f"{call}: argument {number} after the function: {problem}") from None
    return dumped
