"""What the tests of the samples share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from samples.tests.service import Service
from terse_temporal.testing import JobEnvironment


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def env() -> AsyncIterator[JobEnvironment]:
    """A real Temporal server on which runs skip time: a sleep of three days takes no longer than a step."""
    async with JobEnvironment() as environment:
        yield environment


@pytest.fixture(params=[1000, 0], ids=["cached", "replayed"])
def cache(request: pytest.FixtureRequest) -> int:
    """How many runs a worker remembers. At zero a handler is replayed from the top whenever its run goes on, which
    shows what is not safe to repeat.
    """
    return int(request.param)


@pytest.fixture
def service() -> Iterator[Service]:
    """A web service on this machine, in place of the one that a job talks to."""
    with Service() as running:
        yield running
