"""Whether the namespace remembers runs for as long as senders repeat their deliveries."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from ..diagnostics.logs import logger_of
from ..durations import format_duration
from ..runs.requests import request_error

__all__ = ["LEAST_RETENTION", "warn_of_short_retention"]

_logger = logger_of("gateway")

#: Stripe and others repeat a delivery for up to three days.
LEAST_RETENTION: Final = timedelta(days=4)


async def warn_of_short_retention(client: Client) -> timedelta | None:
    """Log a warning where the namespace forgets closed runs too early.

    One request. Returns how long it keeps them, or `None` where it does not say: a client may lack the right to ask.
    """
    try:
        described = await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=client.namespace)
        )
    except RPCError as error:
        _logger.info("%s", request_error(error, "how long the namespace keeps closed runs is not known", client))
        return None
    kept = described.config.workflow_execution_retention_ttl.ToTimedelta()
    if kept < LEAST_RETENTION:
        _logger.warning(
            "the namespace %s keeps closed runs for %s. A delivery starts one run because its run's workflow id is"
            " made of the delivery's own id, and the server knows that id for as long as it keeps the run; vendors"
            " repeat deliveries for up to three days. One that is repeated later than that, or after the spool was"
            " lost, would start its job a second time. Keep them for four days or more: temporal operator namespace"
            " update --namespace %s --retention 4d",
            client.namespace,
            format_duration(kept),
            client.namespace,
        )
    return kept
