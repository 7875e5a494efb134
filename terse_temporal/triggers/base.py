"""What all triggers have in common."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Generic

from pydantic import AfterValidator, PydanticUserError
from typing_extensions import TypeVar

from ..diagnostics.places import caller_frame, place
from ..errors import JobDefinitionError
from ..serialization.annotations import type_adapter
from ..serialization.codec import type_name
from .deliveries import Delivery

__all__ = ["Trigger", "UtcDatetime", "check_model", "checked_kind", "quoted", "refusal", "value_at"]


_EventT_co = TypeVar("_EventT_co", covariant=True, default=Any)


@dataclass(frozen=True, kw_only=True, repr=False)
class Trigger(Generic[_EventT_co]):
    """Something that starts a job. Any number of jobs may have the same.

    `Trigger[E]` is one that brings an `E`.

    Attributes:
        source: where it comes from: `"stripe"`, `"webhook"`.
        name: source and kind: `"stripe.on_customer_created"`.
        event_model: the type of the event it brings, or None where that is anything.
        kinds: the vendor's names of the events that it takes: `"pull_request.opened"`, or `"pull_request"` for all that
            begin with it and a dot. None, where no delivery of a vendor starts the job.
    """

    source: str
    name: str
    event_model: Any = None
    kinds: tuple[str, ...] = ()

    def describe(self) -> str:
        """Return the trigger as it is written after `Triggers.`: `github.on_pr_opened(repo="acme/web")`."""
        return f"{self.name}({', '.join(self._arguments())})"

    def accepts(self, delivery: Delivery) -> bool:
        """Return whether a delivery is what this trigger waits for, its filters included.

        It never raises, whatever the body: a delivery is outside data. It costs microseconds.
        """
        return (
            delivery.source == self.source
            and any(_is_kind(delivery.kind, kind) for kind in self.kinds)
            and self._passes(delivery.body)
        )

    def event(self, delivery: Delivery) -> Any:
        """Return what a run gets as its event, as JSON, from a delivery that this trigger accepts."""
        return delivery.body

    def reference(self) -> dict[str, Any]:
        """Return the trigger as JSON, which `catalog.trigger_from` reads: which it is, and its filters.

        A model of the user's own is no part of it: the trigger that is made of it accepts the same deliveries.
        """
        return {"trigger": self.name, "arguments": self._given()}

    def __repr__(self) -> str:
        return f"<Triggers.{self.describe()}>"

    def _passes(self, body: Any) -> bool:
        """Return whether a body passes the filters."""
        return True

    def _given(self) -> dict[str, Any]:
        """Return the arguments that the trigger was made with, as JSON: those that are not at their defaults."""
        return {}

    def _arguments(self) -> list[str]:
        # An event is named first, and without its keyword.
        return [
            quoted(value) if name == "event" else f"{name}={_written(value)}" for name, value in self._given().items()
        ]


def _is_kind(sent: str, kind: str) -> bool:
    return sent == kind or (sent.startswith(kind) and sent[len(kind)] == ".")


def _written(value: Any) -> str:
    return quoted(value) if isinstance(value, str) else repr(value)


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:  # the first and the last day that there are
        raise ValueError("the moment is out of range") from None


#: A moment as vendors write it, in Unix seconds or ISO 8601; one without a timezone is meant as UTC.
UtcDatetime = Annotated[datetime, AfterValidator(_in_utc)]


def quoted(text: str) -> str:
    """Return a string as an argument in `describe()`."""
    return json.dumps(text, ensure_ascii=False)


def refusal(name: str, problem: str, example: str) -> JobDefinitionError:
    """Return the error for a trigger that is declared wrongly, with the line that declares it."""
    frame = caller_frame()
    where = place(frame.f_code.co_filename, frame.f_lineno)
    return JobDefinitionError(f"Triggers.{name} ({where}): {problem}; write it as Triggers.{example}")


#: The name of an event as vendors write it, with what they put behind a dot.
_KIND: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*")


def checked_kind(name: str, event: Any, example: str) -> str:
    """Return the vendor's name of an event.

    Raises:
        JobDefinitionError: it cannot be one.
    """
    if isinstance(event, str) and len(event) <= 100 and _KIND.fullmatch(event):
        return event
    raise refusal(name, f"event={event!r} is no name of an event", f'{name}("{example}")')


def check_model(name: str, model: Any, example: str) -> None:
    """Refuse what a user gives as `model=` if it is not a type.

    Raises:
        JobDefinitionError: JSON cannot be validated against it.
    """
    if isinstance(model, str):
        raise refusal(name, f"model={model!r} is a string, not a type", f"{name}({example}), without the quotes")
    try:
        type_adapter(model)
    except PydanticUserError as error:
        reason = str(error).splitlines()[0].rstrip(".")
        problem = f"model={type_name(model)} is not a type that JSON can be validated against: {reason}"
        raise refusal(name, problem, f"{name}({example}), with a model or dataclass") from None
    except NameError:
        pass  # It refers to a class further down in its module: told when there is something to read.


def value_at(body: Any, *path: str) -> Any:
    """Return what stands in a body at a path of keys; `None` where there is no such thing."""
    for key in path:
        if not isinstance(body, dict):
            return None
        body = body.get(key)
    return body
