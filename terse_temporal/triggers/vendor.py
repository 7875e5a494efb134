"""What the triggers of vendors have in common: `on_event`, and looking into a body that may be anything."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import Any, Final

from pydantic import PydanticUserError
from typing_extensions import TypeVar

from ..serialization.annotations import type_adapter
from ..serialization.codec import type_name
from .base import Trigger, quoted, refusal

__all__ = ["VendorTrigger", "check_event", "value_at"]

_EventT_co = TypeVar("_EventT_co", covariant=True, default=Any)

#: The name of an event as vendors write it, with what they put behind a dot.
_EVENT: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*")
_LONGEST_EVENT: Final = 100


@dataclass(frozen=True, kw_only=True, repr=False)
class VendorTrigger(Trigger[_EventT_co]):
    """An event that a vendor sends.

    Attributes:
        chosen: the event that `on_event` was given.
        model: the type that it was given to read the event as.
    """

    chosen: str | None = None
    model: Any = None

    def _filters(self) -> dict[str, Any]:
        """Return the filters as they were given, None where one was not."""
        return {}

    def _given(self) -> dict[str, Any]:
        return {name: value for name, value in {"event": self.chosen, **self._filters()}.items() if value is not None}

    def _arguments(self) -> list[str]:
        arguments = [f"{name}={_written(value)}" for name, value in self._given().items() if name != "event"]
        if self.model is not None:
            arguments.append(f"model={type_name(self.model)}")
        return arguments if self.chosen is None else [quoted(self.chosen), *arguments]


def _written(value: Any) -> str:
    return quoted(value) if isinstance(value, str) else repr(value)


def check_event(name: str, event: Any, model: Any, example: str, example_model: str) -> None:
    """Refuse what `on_event` is given, if it is no name of an event, or no type that the event can be read as.

    Args:
        name: of the trigger.
        event: as it is given.
        model: likewise; None for none.
        example: an event that there is.
        example_model: what a model of it may be called.

    Raises:
        JobDefinitionError: with the line that gives it.
    """
    if not (isinstance(event, str) and len(event) <= _LONGEST_EVENT and _EVENT.fullmatch(event)):
        raise refusal(name, f"event={event!r} is no name of an event", f'{name}("{example}")')
    if model is None:
        return
    written = f'{name}("{event}", model={example_model})'
    if isinstance(model, str):
        raise refusal(name, f"model={model!r} is a string, not a type", f"{written}, without the quotes")
    try:
        # pydantic would call a function to validate with it.
        problem = "it is a function" if inspect.isroutine(model) else _problem(model)
    except Exception as error:  # what is no type at all may raise anything
        problem = str(error) or type(error).__name__
    if problem is not None:
        said = f"model={type_name(model)} is not a type that JSON can be validated against: {problem}"
        raise refusal(name, said, f"{written}, with a model or dataclass {example_model}")


def _problem(model: Any) -> str | None:
    """Return why nothing can be validated against a type."""
    try:
        type_adapter(model)
    except PydanticUserError as error:
        return str(error).splitlines()[0].rstrip(".")
    except NameError:
        pass  # It refers to a class further down in its module: told when there is something to read.
    return None


def value_at(body: Any, *path: str) -> Any:
    """Return what stands in a body at a path of keys; `None` where there is no such thing."""
    for key in path:
        if not isinstance(body, dict):
            return None
        body = body.get(key)
    return body
