"""Deliveries, as the gateway hands them to triggers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from terse_temporal.triggers import Delivery

__all__ = ["delivered"]


def delivered(kind: str, body: Any, *, source: str = "github") -> Delivery:
    """Make a delivery of a kind with a body."""
    received_at = datetime(2026, 11, 27, 9, tzinfo=UTC)
    return Delivery(source=source, id="d1", kind=kind, body=body, received_at=received_at)
