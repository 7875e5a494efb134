"""One server for the crash tests of a session, on the clock on the wall: what they measure is real time."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import Client

from terse_temporal.client import connect
from terse_temporal.devserver import DevServer

from .processes import Case


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def client() -> AsyncIterator[Client]:
    """A client of a server whose time is real."""
    async with DevServer() as server:
        yield await connect(target_host=server.address)


@pytest.fixture
def new_case(client: Client, tmp_path: Path) -> Callable[..., Case]:
    """Makes a run's surroundings: a task queue and a directory of its own."""
    return functools.partial(Case, client, tmp_path)
