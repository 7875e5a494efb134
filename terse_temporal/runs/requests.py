"""Requests to the server, and what is said where it does not answer one."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final, TypeVar

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from ..errors import ServerUnavailableError

__all__ = ["request", "request_error"]

_T = TypeVar("_T")

#: What the server, or the connection to it, says of itself and not of the request.
_SILENT: Final = frozenset(
    {
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.CANCELLED,  # how the SDK says that its own time was up
        RPCStatusCode.UNKNOWN,
        RPCStatusCode.INTERNAL,
        RPCStatusCode.ABORTED,
    }
)


async def request(call: Awaitable[_T], what: str, client: Client) -> _T:
    """Await a request of a client.

    Args:
        call: the request.
        what: what it is for, for a message: `the run 'x' cannot be cancelled`.
        client: whose it is.

    Raises:
        RPCError: the server has no such thing (`NOT_FOUND`), or refuses the request as it is (`INVALID_ARGUMENT`).
        ServerUnavailableError: anything else.
    """
    try:
        return await call
    except RPCError as error:
        if error.status in (RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT):
            raise
        raise request_error(error, what, client) from error


def request_error(error: RPCError, what: str, client: Client) -> ServerUnavailableError:
    """Return what is said of a request that was not answered, or refused."""
    server = f"{client.service_client.config.target_host!r} (namespace {client.namespace!r})"
    status = error.status.name.lower().replace("_", " ")
    if error.status in _SILENT:
        return ServerUnavailableError(
            f"{what}: the Temporal server at {server} does not answer ({status}: {error.message}). Start it, or set"
            " TEMPORAL_ADDRESS to where it is."
        )
    return ServerUnavailableError(
        f"{what}: the Temporal server at {server} refuses the request ({status}: {error.message})"
    )
