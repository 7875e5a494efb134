"""An event that is waited for, and one that is sent, with all of it checked: what the job API hands to what runs it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeGuard

from ..serialization.json_text import Json

__all__ = [
    "LONGEST_ID",
    "LONGEST_KEY",
    "LONGEST_NAME",
    "MAX_EVENT_BYTES",
    "EventToSend",
    "EventWait",
    "TriggerWait",
    "is_name",
]

#: Characters of the name of an event, of a key, and of the id of an event.
LONGEST_NAME: Final = 200
LONGEST_KEY: Final = 500
LONGEST_ID: Final = 500

#: Bytes of an event, as JSON. What is kept of events travels in one piece of at most 2 MiB when a run is continued as
#: new, beside an event of the run's own.
MAX_EVENT_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class TriggerWait:
    """What a wait by a trigger takes: a delivery of a webhook.

    Attributes:
        source: where it comes from, such as `"stripe"`.
        reference: the trigger as JSON, `Trigger.reference()`.
        match: which fields of the body have to be what: JSON scalars by dotted paths.
        text: the trigger as it is written, `Triggers.stripe.on_event("invoice.paid")`.
    """

    source: str
    reference: Mapping[str, Any]
    match: Mapping[str, Any]
    text: str


@dataclass(frozen=True, slots=True)
class EventWait:
    """A wait for an event.

    Attributes:
        name: of the event; of a wait by a trigger that of the trigger.
        key: under which it is sent; `None` is one that is sent to the run itself. Of a wait by a trigger what it takes,
            in short, so that two that take the same have the same.
        schema: what it is validated against; `None` is plain JSON.
        timeout: how long to wait; `None` is as long as it takes.
        trigger: of a wait by a trigger, what it takes.
    """

    name: str
    key: str | None
    schema: Any
    timeout: timedelta | None
    trigger: TriggerWait | None = None


@dataclass(frozen=True, slots=True)
class EventToSend:
    """An event that is sent by key.

    Attributes:
        name, key: by which it is waited for.
        data: as it is sent.
        keep: how long it is kept where nobody waits.
        id: given twice it is one event.
        remember: how long that is noticed.
        task_queue: of the runs that wait; `None` is the one that fits the place of the call.
    """

    name: str
    key: str
    data: Json
    keep: timedelta
    id: str | None
    remember: timedelta
    task_queue: str | None


def is_name(value: Any, most: int) -> TypeGuard[str]:
    """Return whether it is a string that is not empty, not too long, and has nothing in it that cannot be printed."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= most
        and value.strip() != ""
        and not any(unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") for each in value)
    )
