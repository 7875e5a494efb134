"""Whether the Temporal server answers, asked by one request at a time however many deliveries wait for it.

While a server is away every start fails, and says nothing about the delivery. So a failure is followed by a question to
the server itself: if it answers, the failure is the delivery's own; if not, nothing else is sent until it does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from ..diagnostics.logs import logger_of
from ..diagnostics.redaction import error_text
from ..errors import ServerUnavailableError
from ..execution.backoff import Backoff
from ..runs.requests import request

__all__ = ["Connect", "Presence"]

#: Makes the client, or waits until there can be one.
Connect = Callable[[], Awaitable[Client]]

_logger = logger_of("gateway")

#: Seconds between two questions to a server that is away, at most, and for the answer to one.
_LONGEST_PAUSE: Final = 5.0
_PATIENCE: Final = timedelta(seconds=5)


class Presence:
    """The client, and whether its server answers.

    Args:
        connect: makes the client; called again for as long as it raises `ServerUnavailableError` or `RuntimeError`.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._client: Client | None = None
        self._problem: str | None = None
        self._asking: asyncio.Task[bool] | None = None
        self._waiting = asyncio.Lock()

    @property
    def problem(self) -> str | None:
        """Why the server does not answer; `None` while it does, or nobody has asked it."""
        return self._problem

    async def client(self) -> Client:
        """Return the client, as soon as its server answers."""
        if self._client is not None and self._problem is None:
            return self._client
        async with self._waiting:
            backoff = Backoff(first=0.5, longest=_LONGEST_PAUSE)
            while self._client is None or self._problem is not None:
                if not await self.answers():
                    await backoff.wait()
            return self._client

    async def client_now(self) -> Client:
        """Return the client.

        Raises:
            ServerUnavailableError: its server does not answer, or there is none yet.
        """
        if (self._client is None or self._problem is not None) and not await self.answers():
            raise ServerUnavailableError(self._problem or "the Temporal server does not answer")
        assert self._client is not None
        return self._client

    async def answers(self) -> bool:
        """Ask the server, together with all who want to know at the moment, and return whether it answers."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asking)

    def stop_asking(self) -> None:
        """End a question that is under way."""
        if self._asking is not None:
            self._asking.cancel()

    async def _ask(self) -> bool:
        try:
            if self._client is None:
                self._client = await self._connected()
            else:
                await _ask_for_namespace(self._client)
        except (RPCError, ServerUnavailableError) as error:
            if self._problem is None:
                _logger.warning("deliveries wait in the spool: %s", error_text(error, 500))
            self._problem = error_text(error, 500)
            return False
        if self._problem is not None:
            _logger.info("the Temporal server answers again")
        self._problem = None
        return True

    async def _connected(self) -> Client:
        try:
            client = await self._connect()
        except RuntimeError as error:  # how `Client.connect` of the SDK says that it cannot
            raise ServerUnavailableError(f"no client of a Temporal server can be made: {error}") from error
        if client.service_client.config.lazy:
            await _ask_for_namespace(client)  # it has asked for nothing yet
        return client


async def _ask_for_namespace(client: Client) -> None:
    """Ask for what a server that has no such namespace, or does not let this client use it, refuses."""
    asked = client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace=client.namespace), timeout=_PATIENCE
    )
    await request(asked, "deliveries cannot be handed on", client)
