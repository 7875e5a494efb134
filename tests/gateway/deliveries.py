"""Deliveries for tests, and what is stored of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from terse_temporal.gateway.spool import Target
from terse_temporal.triggers.deliveries import Delivery


def delivery(id: str, *, source: str = "github", body: Any = None, **more: Any) -> Delivery:
    """A delivery that comes now."""
    fields: dict[str, Any] = {
        "kind": "push",
        "received_at": datetime.now(UTC),
        "headers": {"content-type": "application/json"},
    }
    return Delivery(source=source, id=id, body={"ref": id} if body is None else body, **(fields | more))


def raw(of: Delivery) -> bytes:
    """Its body as it comes."""
    return json.dumps(of.body).encode()


def targets(of: Delivery, *jobs: str) -> list[Target]:
    """Jobs that it is for, with nothing in the way."""
    return [Target(job, f"{job}/{of.run_suffix}") for job in jobs]
