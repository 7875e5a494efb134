"""Any event of Stripe is read: what it is about is `event.data.object`, as Stripe sent it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from terse_temporal.jobs.event_input import read_event
from terse_temporal.triggers import StripeEvent

from ..webhooks import label, payload, payloads, read


def event_of(raw: Any) -> StripeEvent:
    event = read_event(raw, StripeEvent, job="onboard")
    assert isinstance(event, StripeEvent)
    return event


@pytest.mark.parametrize("path", payloads("stripe/*"), ids=label)
def test_any_event(path: Path) -> None:
    """The envelope is typed, and the object in it is whole."""
    raw = read(path)
    event = event_of(raw)
    assert (event.id, event.type, event.livemode) == (raw["id"], path.stem, raw["livemode"])
    assert event.created == datetime.fromtimestamp(raw["created"], UTC)
    assert event.data.object == raw["data"]["object"]
    assert event.data.object.id == raw["data"]["object"]["id"]


def test_what_is_not_there() -> None:
    """The short form needs nothing, and what changed is there where something did."""
    assert event_of({}).data.object == {}
    assert event_of({"type": "v2.core.event", "data": None}).data.object == {}
    changed = event_of({"data": {"object": {}, "previousAttributes": {"email": "old@example.com"}}})
    assert changed.data.previous_attributes == {"email": "old@example.com"}


def test_what_a_prompt_says() -> None:
    """Which event it is, and its object without what is null."""
    text = event_of(payload("stripe/invoice.paid")).format_for_agent()
    assert text.startswith("Stripe event\nid: evt_")
    assert "\ntype: invoice.paid\n" in text
    assert "\ndata:\n  object:\n    id: in_" in text
    assert "null" not in text
