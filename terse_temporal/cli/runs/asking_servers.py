"""Asking a server about runs, and what it says where it refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from ..exiting import FAILED, CommandError
from ..servers import silent_client

__all__ = ["client_for"]


@asynccontextmanager
async def client_for(address: str | None, namespace: str | None, *, run: str = "") -> AsyncIterator[Client]:
    """Give a client for the length of the block; what the server refuses is told in the words of the command.

    Args:
        address: of the server.
        namespace: of its runs.
        run: the workflow id that is asked about, for messages.
    """
    client = await silent_client(address, namespace)
    try:
        yield client
    except RPCError as err:
        about = f"the run {run!r}" if run else "its runs"
        if err.status == RPCStatusCode.NOT_FOUND and run:
            raise CommandError(
                f"there is no run with the workflow id {run!r} in the namespace {client.namespace!r}, or no longer."
                " `terse-temporal runs list` shows those that there are.",
                status=FAILED,
            ) from err
        raise CommandError(f"the server does not tell of {about}: {err.message}") from err
