"""A namespace for schedules alone: what a sync removes, and a list, are of a namespace."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest_asyncio
from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from terse_temporal.testing import JobEnvironment

from ..waiting import until


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def namespace(env: JobEnvironment) -> str:
    """A namespace of the server."""
    name = f"schedules-{uuid.uuid4()}"
    retention = Duration()
    retention.FromTimedelta(timedelta(days=1))
    await env.client.workflow_service.register_namespace(
        RegisterNamespaceRequest(namespace=name, workflow_execution_retention_period=retention)
    )
    client = await Client.connect(env.address, namespace=name)

    async def is_known() -> bool:
        try:
            return await _ids(client) == []
        except RPCError:
            return False

    await until(is_known, "the namespace is known")
    return name


@pytest_asyncio.fixture(loop_scope="session")
async def client(env: JobEnvironment, namespace: str) -> AsyncIterator[Client]:
    """A client of that namespace, in which there are no schedules; those of the test are removed afterwards."""
    client = await Client.connect(env.address, namespace=namespace)
    yield client

    async def are_gone() -> bool:
        for each in await _ids(client):
            try:
                await client.get_schedule_handle(each).delete()
            except RPCError:  # it was gone, and the list is behind
                continue
        return await _ids(client) == []

    await until(are_gone, "no schedules are left")


async def _ids(client: Client) -> list[str]:
    return [each.id async for each in await client.list_schedules()]
