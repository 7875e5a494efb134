"""What a vendor's webhook has brought, after its signature was checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

__all__ = ["Delivery"]


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One verified delivery of a webhook.

    Attributes:
        source: who sent it: `"github"`, `"stripe"`, `"slack"`, `"linear"`, or `"webhook"` for a request to a job's own
            address.
        id: the delivery's own id, the same when it is sent again.
        kind: the vendor's name of the event: `"pull_request.opened"`, `"invoice.paid"`, `"app_mention"`,
            `"Issue.create"`, `"request"`.
        body: the body, as JSON.
        received_at: when the gateway took it in, in UTC.
        job: the job whose address it was sent to; `None` at an address of all jobs.
        headers: those that a job may see, by their names in lower case: no signatures, cookies or credentials.
        method: of the request.
    """

    source: str
    id: str
    kind: str
    body: Any
    received_at: datetime
    job: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"

    @property
    def run_suffix(self) -> str:
        """The key of the runs that it starts: their workflow id is `<job>/<key>`."""
        return f"{self.source}:{self.id}"
