"""What all triggers have in common."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Generic

from pydantic import AfterValidator
from typing_extensions import TypeVar

from ..diagnostics.places import caller_frame, place
from ..errors import JobDefinitionError
from ..events import Event
from .deliveries import Delivery

__all__ = ["Trigger", "UtcDatetime", "quoted", "refusal"]


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
        untyped_event: what a handler gets that says nothing of its event, where the triggers say nothing either.
    """

    untyped_event: ClassVar[type[Event]] = Event

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
        return []


def _is_kind(sent: str, kind: str) -> bool:
    return sent == kind or (sent.startswith(kind) and sent[len(kind)] == ".")


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
