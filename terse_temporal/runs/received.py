"""The events that a run has been sent, out of its history. Which of them it has taken, only its handler knows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

from ..engine.wire.records import moment
from ..serialization.unreadable import unreadable_text
from ..serialization.wire_names import DELIVERY_SIGNAL, OWN_WORKFLOWS

__all__ = ["Received", "instead_of_value", "read_received"]

#: Events that are told, the last ones.
_MOST: Final = 50


@dataclass(frozen=True)
class Received:
    """An event that a run was sent.

    Attributes:
        name, key: by which it is waited for; no key, where it was sent to the run itself.
        at: when it came.
        data: JSON data.
        trigger: of a delivery of a webhook, what was waited for, as it is written behind `Triggers.`.
    """

    name: str
    key: str
    at: datetime
    data: Any
    trigger: str = ""

    @property
    def title(self) -> str:
        """What it is called, for people."""
        if self.trigger:
            return f"Triggers.{self.trigger}"
        return self.name + (f" of {self.key!r}" if self.key else "")

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        found = {"name": self.name, "at": self.at.isoformat(), "data": self.data}
        if self.trigger:
            return found | {"trigger": self.trigger}
        return found | ({"key": self.key} if self.key else {})


async def read_received(client: Client, events: Iterable[HistoryEvent]) -> list[Received]:
    """Return the last fifty events that a run was sent, by its own id or by a key, in the order in which they came."""
    signals = [each for each in events if each.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED]
    return [await _received(client, each) for each in signals[-_MOST:]]


def instead_of_value(error: Exception) -> str:
    """Return what stands for a value that cannot be read here, with the reason where that is one of ours."""
    why = unreadable_text(error)
    return "(cannot be read here)" if why is None else f"(cannot be read here: {why})"


async def _received(client: Client, event: HistoryEvent) -> Received:
    signal = event.workflow_execution_signaled_event_attributes
    at, name = moment(event.event_time), signal.signal_name
    try:
        values = await client.data_converter.decode(list(signal.input.payloads))
    except Exception as error:  # of whatever converter
        return Received(name, "", at, instead_of_value(error))
    data = values[0] if values else None
    # By key it comes from the workflow of that key, and a delivery from a gateway, in a message of ours.
    if name.startswith(OWN_WORKFLOWS) and isinstance(data, dict) and isinstance(entry := data.get("event"), dict):
        trigger = str(data.get("trigger") or "") if name == DELIVERY_SIGNAL else ""
        return Received(str(data.get("name")), str(data.get("key") or ""), at, entry.get("data"), trigger)
    return Received(name, "", at, data)
