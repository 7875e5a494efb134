"""A client whose runs keep to the clock on the wall: they sleep, instead of skipping to the end."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHistory

from terse_temporal.testing import JobEnvironment

from ..versions import ONBOARD, come_to, running, started, version


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def client(env: JobEnvironment) -> Client:
    """A client of the server of the session."""
    return await Client.connect(env.address, namespace=env.client.namespace)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sleeping(client: Client, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WorkflowHistory]:
    """The history of a run of `ONBOARD` that sleeps."""
    # Its worker has ended before the tests begin: to other tests, a process with a worker is another than one without.
    with version(ONBOARD, tmp_path_factory.mktemp("onboard")) as jobs:
        async with running(client, jobs) as task_queue:
            run = await started(client, "rpl-onboard", task_queue)
            history = await come_to(run, EventType.EVENT_TYPE_TIMER_STARTED)
    yield history
    await run.terminate()
