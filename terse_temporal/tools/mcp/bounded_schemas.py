"""JSON schemas that somebody's server lists, applied to data within bounds.

A durable handler applies them, and has two seconds for all that it does; a step applies them on the worker's event
loop. Patterns are the first thing that can take for ever, and not the only one: references that lead to two others each
double the work with every level. So patterns are matched by pydantic's engine, which is linear, and the whole has a
limit of time. A schema that comes to it is not applied again: it is the server's to refuse what it does not take.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, Final

import attrs
import jsonschema
import referencing
from pydantic_core import SchemaError, SchemaValidator, ValidationError, core_schema

__all__ = ["BoundedValidator"]

#: Seconds of this thread's own work for the check of one call: what else the machine does is not the schema's doing. An
#: honest one takes some milliseconds.
_TIME_LIMIT: Final = 0.25

#: Characters of a pattern, and of a string that one is applied to. Linear is the product of the two.
_LONGEST_PATTERN: Final = 500
_LONGEST_TEXT: Final = 5_000

#: Items that are compared with each other, each with all.
_MOST_UNIQUE: Final = 500

#: Errors that are told.
_MOST_ERRORS: Final = 50


class _OutOfTimeError(Exception):
    pass


class BoundedValidator:
    """Applies a schema to data.

    Args:
        schema: whatever it is.
    """

    def __init__(self, schema: Any) -> None:
        named = schema.get("$schema") if isinstance(schema, Mapping) else None
        known = {"$schema": named} if isinstance(named, str) else {}
        standard = jsonschema.validators.validator_for(known, default=jsonschema.Draft202012Validator)
        # Without a registry of its own, it would fetch what a schema refers to from the network.
        self._validator: Any = _with_bounds(standard)(schema, registry=referencing.Registry())
        self._given_up = False

    def iter_errors(self, instance: Any) -> Iterator[Any]:
        """Yield what is wrong, the first fifty. Ends early, for good, where the schema takes too long.

        Raises:
            Exception: of whatever kind, where the schema cannot be applied.
        """
        if self._given_up:
            return
        deadline = _deadline.set(time.thread_time() + _TIME_LIMIT)
        try:
            # At once, and not while somebody else goes through them.
            found = []
            for error in self._validator.iter_errors(instance):
                found.append(error)
                if len(found) == _MOST_ERRORS:
                    break
        except _OutOfTimeError:
            self._given_up = True
            return
        finally:
            _deadline.reset(deadline)
        yield from found


_deadline: ContextVar[float] = ContextVar("deadline")


@functools.cache
def _with_bounds(standard: Any) -> Any:
    """Return the validator of a version of the standard, with bounds in every keyword."""
    ours = {
        "additionalProperties": _additional_properties,
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "uniqueItems": _unique_items(standard.VALIDATORS.get("uniqueItems")),
        # They search by patterns too. A call is rarely wrong by them alone.
        "unevaluatedItems": _nothing,
        "unevaluatedProperties": _nothing,
    }
    keywords = {name: _in_time(ours.get(name, keyword)) for name, keyword in standard.VALIDATORS.items()}
    bounded = jsonschema.validators.extend(standard, keywords)
    # Its own would take another class, without bounds, wherever a part of the schema names a `$schema`.
    bounded.evolve = attrs.evolve  # a method of each validator
    return bounded


_Keyword = Callable[[Any, Any, Any, Any], Any]


def _in_time(keyword: _Keyword) -> _Keyword:
    def limited(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        _check_time()
        for error in keyword(validator, value, instance, schema) or ():
            _check_time()  # the text of an error shows what it is about, which may be long
            yield error

    return limited


def _check_time() -> None:
    if time.thread_time() > _deadline.get():
        raise _OutOfTimeError


def _nothing(validator: Any, value: Any, instance: Any, schema: Any) -> None:
    pass


def _pattern(validator: Any, pattern: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if isinstance(instance, str) and _matches(pattern, instance) is False:
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Any, instance: Any, schema: Any) -> Iterator[Any]:
    for pattern, inner in patterns.items() if isinstance(instance, dict) else ():
        for name, value in instance.items():
            _check_time()
            if _matches(pattern, name):
                yield from validator.descend(value, inner, path=name, schema_path=pattern)


def _additional_properties(validator: Any, additional: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if not isinstance(instance, dict):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for name, value in instance.items():
        _check_time()
        # What cannot be matched may be meant by its pattern.
        if name in known or any(_matches(pattern, name) is not False for pattern in patterns):
            continue
        if isinstance(additional, dict):
            yield from validator.descend(value, additional, path=name)
        elif not additional:
            yield jsonschema.ValidationError(f"Additional properties are not allowed ({name!r} was unexpected)")


def _unique_items(standard: _Keyword | None) -> _Keyword:
    def unique(validator: Any, value: Any, instance: Any, schema: Any) -> Any:
        if standard is None or (isinstance(instance, list) and len(instance) > _MOST_UNIQUE):
            return ()
        return standard(validator, value, instance, schema)

    return unique


def _matches(pattern: Any, text: str) -> bool | None:
    """Return whether a pattern is found in a string; `None` where that is not tried."""
    if len(text) > _LONGEST_TEXT or not isinstance(pattern, str) or len(pattern) > _LONGEST_PATTERN:
        return None
    if (compiled := _compile(pattern)) is None:
        return None
    try:
        compiled.validate_python(text)
    except ValidationError as err:
        # Half of a surrogate pair is no text to it.
        return False if err.errors(include_url=False)[0]["type"] == "string_pattern_mismatch" else None
    return True


@functools.lru_cache(maxsize=256)
def _compile(pattern: str) -> SchemaValidator | None:
    """Return a pattern without look-around and references to groups, which take more than linear time; `None` for
    others.
    """
    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex", strict=True))
    except SchemaError:
        return None
