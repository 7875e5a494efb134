"""Deliveries, as the gateway hands them to triggers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from terse_temporal.triggers import Delivery

__all__ = ["case_id", "delivered"]


def delivered(kind: str, body: Any, *, source: str = "github") -> Delivery:
    """Make a delivery of a kind with a body."""
    received_at = datetime(2026, 11, 27, 9, tzinfo=UTC)
    return Delivery(source=source, id="d1", kind=kind, body=body, received_at=received_at)


def case_id(value: object) -> str:
    """Name a trigger, or the kinds that it accepts, in the name of a test: the same in all processes of a session."""
    return ", ".join(sorted(map(str, value))) or "none" if isinstance(value, set) else repr(value)
