"""What a function's annotations say of its arguments and its result."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

__all__ = ["called_with", "input_type", "parameter_types", "result_type", "signature"]


def result_type(function: Callable[..., Any]) -> Any:
    """Return the annotated result, of an `async def` what it gives when awaited; `Any` without annotation.

    Raises:
        NameError: the annotation is a string that means nothing among the function's globals.
    """
    annotation = _hint(inspect.unwrap(function), "return")
    if typing.get_origin(annotation) is Awaitable or typing.get_origin(annotation) is typing.get_origin(Awaitable[int]):
        return typing.get_args(annotation)[0]
    return annotation


def input_type(function: Callable[..., Any]) -> Any:
    """Return the annotation of the parameter that takes the one input of a function; `Any` without one.

    Raises:
        NameError: as `result_type`.
    """
    try:
        parameters = inspect.signature(inspect.unwrap(function)).parameters
    except (TypeError, ValueError):  # a builtin that does not tell its signature
        return Any
    first = next(iter(parameters.values()), None)
    by_place = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if first is None or first.kind not in (*by_place, inspect.Parameter.VAR_POSITIONAL):
        return Any
    return _hint(inspect.unwrap(function), first.name)


def signature(function: Callable[..., Any]) -> inspect.Signature | None:
    """Return the signature of a function; `None` for a builtin that does not tell it."""
    try:
        return inspect.signature(function)
    except ValueError:
        return None


def parameter_types(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the type of each parameter by name: of `*args` a tuple, of `**kwargs` a dict.

    Raises:
        NameError: as `result_type`.
    """
    plain = inspect.unwrap(function)
    found: dict[str, Any] = {}
    for name, parameter in inspect.signature(plain).parameters.items():
        hint = _hint(plain, name)
        if parameter.kind is parameter.VAR_POSITIONAL:
            hint = tuple[hint, ...]  # type: ignore[valid-type]  # made at run time
        elif parameter.kind is parameter.VAR_KEYWORD:
            hint = dict[str, hint]  # type: ignore[valid-type]  # made at run time
        found[name] = hint
    return found


def called_with(function: Callable[..., Any], arguments: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return the positional and keyword arguments with which a function gets `arguments`, which are by name."""
    positional: list[Any] = []
    keywords: dict[str, Any] = {}
    by_position = True
    for name, parameter in inspect.signature(inspect.unwrap(function)).parameters.items():
        if name not in arguments:
            # What comes after one that has its default cannot be told by its place.
            by_position = by_position and parameter.kind is not parameter.POSITIONAL_OR_KEYWORD
            continue
        if parameter.kind is parameter.VAR_POSITIONAL:
            positional.extend(arguments[name])
        elif parameter.kind is parameter.VAR_KEYWORD:
            keywords.update(arguments[name])
        elif parameter.kind is parameter.KEYWORD_ONLY or not by_position:
            keywords[name] = arguments[name]
        else:
            positional.append(arguments[name])
    return positional, keywords


def _hint(function: Callable[..., Any], name: str) -> Any:
    annotations = getattr(function, "__annotations__", None) or {}
    if name not in annotations:
        return Any
    # One at a time: another annotation of the function may name what is only there for a type checker.
    only = types.SimpleNamespace(__annotations__={name: annotations[name]})
    return typing.get_type_hints(only, getattr(function, "__globals__", {}), include_extras=True)[name]
