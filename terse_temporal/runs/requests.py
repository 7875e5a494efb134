"""Requests to the server, and what is said where it does not answer one."""

from __future__ import annotations

from collections.abc import Awaitable, Collection
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

#: How the SDK begins to say that a client which was made with `lazy=True` cannot connect.
_NOT_CONNECTED: Final = "Failed client connect"


#: What is an answer to who has asked.
_ANSWERS: Final = frozenset({RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT})


async def request(
    call: Awaitable[_T], what: str, client: Client, *, answers: Collection[RPCStatusCode] = _ANSWERS
) -> _T:
    """Await a request of a client.

    Args:
        call: the request.
        what: what it is for, for a message: `the run 'x' cannot be cancelled`.
        client: whose it is.
        answers: the errors that the caller reads: by default that the server has no such thing (`NOT_FOUND`), and that
            it refuses the request as it is (`INVALID_ARGUMENT`).

    Raises:
        RPCError: one of the `answers`.
        ServerUnavailableError: anything else.
    """
    try:
        return await call
    except RPCError as error:
        if error.status in answers:
            raise
        raise request_error(error, what, client) from error
    except RuntimeError as error:
        if _NOT_CONNECTED not in str(error):
            raise
        raise ServerUnavailableError(_silent(what, client, "it cannot be connected to")) from error


def request_error(error: RPCError, what: str, client: Client) -> ServerUnavailableError:
    """Return what is said of a request that was not answered, or refused."""
    status = error.status.name.lower().replace("_", " ")
    if error.status in _SILENT:
        return ServerUnavailableError(_silent(what, client, f"{status}: {error.message}"))
    return ServerUnavailableError(
        f"{what}: the Temporal server at {_server(client)} refuses the request ({status}: {error.message})"
    )


def _silent(what: str, client: Client, why: str) -> str:
    return (
        f"{what}: the Temporal server at {_server(client)} does not answer ({why}). Start it, or set TEMPORAL_ADDRESS"
        " to where it is."
    )


def _server(client: Client) -> str:
    return f"{client.service_client.config.target_host!r} (namespace {client.namespace!r})"
