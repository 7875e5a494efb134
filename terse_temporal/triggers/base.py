"""What all triggers have in common."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Generic

from pydantic import AfterValidator
from typing_extensions import TypeVar

from ..diagnostics.places import caller_frame, place
from ..errors import JobDefinitionError
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
    """

    source: str
    name: str
    event_model: Any = None

    def describe(self) -> str:
        """Return the trigger as it is written after `Triggers.`: `github.on_pr_opened(repo="acme/web")`."""
        return f"{self.name}({', '.join(self._arguments())})"

    def accepts(self, delivery: Delivery) -> bool:
        """Return whether a delivery is what this trigger waits for, its filters included.

        It never raises: a delivery is outside data.
        """
        return False

    def event(self, delivery: Delivery) -> Any:
        """Return what a run gets as its event, as JSON, from a delivery that this trigger accepts."""
        return delivery.body

    def __repr__(self) -> str:
        return f"<Triggers.{self.describe()}>"

    def _arguments(self) -> list[str]:
        return []


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


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
