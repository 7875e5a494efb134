"""The input of a run, read as the type that the job's handler asks for."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, Protocol, get_args, get_origin

from pydantic import BaseModel, PydanticUserError, ValidationError

from ..diagnostics.places import place_of
from ..diagnostics.text import shorten
from ..errors import EventError, JobDefinitionError
from ..events import Event, EventModel
from ..serialization.annotations import resolve, type_adapter
from ..serialization.codec import type_name, validation_text
from ..serialization.keys import respell, unknown_keys
from ..serialization.value_problems import too_deep

if TYPE_CHECKING:
    from ..triggers.base import Trigger

__all__ = ["TOO_DEEP", "event_type", "home_namespace", "read_event"]

#: What is wrong with an input that Python, or pydantic, can do nothing with.
TOO_DEEP: Final = (
    "is nested more than 200 levels deep. Send it flat, or what is nested as a string that a step takes apart"
)

_JSON_NAMES: Final = {str: "a string", int: "a number", float: "a number", bool: "a boolean", list: "an array"}


class _HasHome(Protocol):
    @property
    def _home(self) -> str: ...


def home_namespace(job: _HasHome) -> dict[str, Any] | None:
    """Return the globals of a job's module, in which the names of its annotations are looked up; None if it is gone."""
    home = sys.modules.get(job._home)
    return None if home is None else vars(home)


def event_type(
    handler: Callable[..., Any], triggers: Sequence[Trigger], namespace: Mapping[str, Any] | None = None
) -> Any:
    """Return the type that a handler wants its event as.

    Its annotation decides; without one, the event model of its triggers if they have one between them; otherwise it is
    `Event`.

    Args:
        handler: the job's function.
        triggers: what starts the job.
        namespace: where the names in an annotation are looked up before the handler's own module.

    Raises:
        JobDefinitionError: the handler takes no event, or its annotation cannot be resolved.
    """
    annotation = _annotation(handler, namespace)
    if annotation is inspect.Parameter.empty:
        models: list[Any] = []
        for trigger in triggers:
            if trigger.event_model is not None and trigger.event_model not in models:
                models.append(trigger.event_model)
        if len(models) == 1:
            return models[0]
        return _untyped(triggers) if not models else Event
    return _untyped(triggers) if annotation is Any or annotation is object or annotation is Event else annotation


def _annotation(handler: Callable[..., Any], namespace: Mapping[str, Any] | None) -> Any:
    home = sys.modules.get(getattr(handler, "__module__", None) or "")
    if isinstance(handler, FunctionType) and home is not None and vars(home) is handler.__globals__ is namespace:
        return _kept_annotation(handler)
    return _new_annotation(handler, namespace)


@functools.lru_cache(1024)
def _kept_annotation(handler: FunctionType) -> Any:
    # Of the process's own modules alone, for it keeps them alive. Looking names up takes as long as a step.
    return _new_annotation(handler, handler.__globals__)


def _new_annotation(handler: Callable[..., Any], namespace: Mapping[str, Any] | None) -> Any:
    """Return the annotation of a handler's event, with the names in it looked up; `Parameter.empty` without one."""
    name = getattr(handler, "__qualname__", repr(handler))
    parameter = next(iter(inspect.signature(handler).parameters.values()), None)
    if parameter is None:
        raise JobDefinitionError(
            f"the handler {name!r} ({place_of(handler)}) takes no event; it is called with (event), or (event, state)"
        )
    # `*args: Lead` would say what each of them is.
    if parameter.annotation is parameter.empty or parameter.kind is parameter.VAR_POSITIONAL:
        return parameter.empty
    scope = {**getattr(inspect.unwrap(handler), "__globals__", {}), **(namespace or {})}
    try:
        found = resolve(parameter.annotation, scope)
    except Exception as error:  # evaluating somebody's annotation may raise anything
        raise JobDefinitionError(
            f"the handler {name!r} ({place_of(handler)}) wants its event as {str(parameter.annotation)!r}, which cannot"
            f" be resolved ({type(error).__name__}: {error}). Define or import it at module level, not within a"
            f" function or under `if TYPE_CHECKING:`"
        ) from error
    # A dict can be written so, and nothing would be validated.
    if isinstance(kind := get_origin(found), type) and issubclass(kind, Event):
        wanted = " | ".join(map(type_name, get_args(found)))
        raise JobDefinitionError(
            f"the handler {name!r} ({place_of(handler)}) wants its event as {kind.__name__}[{wanted}], but"
            f" {kind.__name__} takes no type: an untyped event is `{kind.__name__}`, and one that is validated has the"
            f" type itself, `{parameter.name}: {wanted}`"
        )
    return found


def _untyped(triggers: Sequence[Trigger]) -> type[Event]:
    """Return the kind of `Event` that a handler gets which wants none of a type."""
    kinds = {trigger.untyped_event for trigger in triggers}
    return kinds.pop() if len(kinds) == 1 else Event


def read_event(
    raw: object,
    expected: Any,
    *,
    job: str,
    where: str = "",
    namespace: Mapping[str, Any] | None = None,
    on_ignored: Callable[[Mapping[str, str | None]], None] | None = None,
) -> Any:
    """Read the input of a run.

    Args:
        raw: the input as plain JSON; None, no input, is an empty event.
        expected: what `event_type` said.
        job: the job's name, for messages.
        where: the line that creates it, likewise.
        namespace: the globals of the job's module that string annotations are resolved in.
        on_ignored: told which keys of the input the type does not take and leaves out, each with the nearest field that
            the input does not have.

    Raises:
        EventError: the input is not an object, or does not fit; the message has a line for every wrong field, and for
            every key that looks misspelt.
        JobDefinitionError: nothing can be validated against such a type.
    """
    if raw is None:
        raw = {}
    the_input = f"the input of the job {job!r}{f' ({where})' if where else ''}"
    if (path := too_deep(raw)) is not None:
        raise EventError(f"{the_input}, at {path} …, {TOO_DEEP}")
    if not isinstance(raw, dict):
        text = shorten(json.dumps(raw, ensure_ascii=False, default=str), 60)
        such = '{"customer": {"email": "ada@example.com"}}'
        more = ""
        if isinstance(raw, list):
            such = '{"items": [1, 2]}'
            more = ", for a handler whose event has such a field: `event: dict[str, list[int]]`, or a model"
        raise EventError(
            f"{the_input} is {_JSON_NAMES.get(type(raw), type(raw).__name__)}, {text}, where"
            f" {type_name(expected)} is read from one JSON object. Start it with an object, such as '{such}'{more}"
        )
    if expected is Event or expected is dict:
        return expected(raw)
    try:
        adapter = type_adapter(expected, namespace)
    # NameError: an annotation within the type names something that is not there.
    except (PydanticUserError, NameError) as error:
        raise JobDefinitionError(
            f"the job {job!r} wants its event as {type_name(expected)}, which nothing can be validated against:"
            f" {str(error).splitlines()[0].rstrip('.')}. Annotate it with a pydantic model, a dataclass or a TypedDict"
            f" whose types are defined at module level"
        ) from error
    try:
        # As JSON text and not as Python objects, so that strict models read a date or a UUID from its string.
        spelled = respell(raw, adapter.core_schema)
        event = adapter.validate_json(json.dumps(spelled), by_alias=True, by_name=True)
    except ValidationError as error:
        misspelt = unknown_keys(spelled, adapter.core_schema) if _leaves_out(expected) else {}
        lines = [
            f"  {shorten(key, 60)}: there is no such field; did you mean {near!r}?\n"
            for key, near in misspelt.items()
            if near is not None
        ]
        raise EventError(
            f"{the_input} {validation_text(error, expected)}\n{''.join(lines)}"
            f"Correct these fields and start it again; keys may be snake_case or camelCase"
        ) from error
    if on_ignored is not None and _leaves_out(expected) and (ignored := unknown_keys(spelled, adapter.core_schema)):
        on_ignored(ignored)
    return event


def _leaves_out(expected: Any) -> bool:
    """Return whether what a type does not declare is lost. Models of vendors' events declare what is used of them."""
    if not isinstance(expected, type) or issubclass(expected, EventModel):
        return False
    if issubclass(expected, BaseModel):
        config: Mapping[str, Any] = expected.model_config
    elif dataclasses.is_dataclass(expected):
        config = getattr(expected, "__pydantic_config__", {})
    else:
        return False
    decorators = getattr(expected, "__pydantic_decorators__", None)
    validators = decorators.model_validators.values() if decorators is not None else ()
    # One that is called before may read what it likes.
    return config.get("extra", "ignore") == "ignore" and all(each.info.mode == "after" for each in validators)
