"""`terse-temporal setup` creates the search attribute for tags, once, and says what it did."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from terse_temporal import list_runs, start_run
from terse_temporal.errors import SetupError
from terse_temporal.testing import JobEnvironment

from ..in_process import Ended, run_command
from ..waiting import until


@pytest.fixture
async def bare(env: JobEnvironment) -> Client:
    """A namespace without the attribute, as on a server that others run."""
    name = f"bare-{uuid.uuid4()}"
    retention = Duration()
    retention.FromTimedelta(timedelta(days=1))
    await env.client.workflow_service.register_namespace(
        RegisterNamespaceRequest(namespace=name, workflow_execution_retention_period=retention)
    )
    client = await Client.connect(env.address, namespace=name)

    async def is_known() -> bool:
        try:
            return (await client.count_workflows()).count == 0
        except RPCError:
            return False

    await until(is_known, "the namespace is known")
    return client


async def test_setup(env: JobEnvironment, bare: Client, tmp_path: Path) -> None:
    """Without it, a start with tags and a listing by one name the command; after it both work; again does nothing."""
    for call in (
        start_run("any", tags=["vip"], client=bare),
        anext(aiter(list_runs(tag="vip", client=bare))),
    ):
        with pytest.raises(SetupError, match=r"with tags: .* Create it once with `terse-temporal setup`, or leave"):
            await call
    await start_run("any", client=bare)  # without tags nothing is needed

    first = await _setup(env, bare, tmp_path)
    assert (first.status, first.stdout.split(" ")[0]) == (0, "created"), first.stderr
    assert f"'{bare.namespace}'" in first.stdout
    again = await _setup(env, bare, tmp_path)
    assert (again.status, again.stdout.split(":")[0]) == (0, "nothing to do")

    async def is_started() -> bool:
        try:
            return bool(await start_run("any", key="tagged", tags=["vip"], client=bare))
        except SetupError:
            return False

    await until(is_started, "every part of the server knows the attribute")

    async def is_found() -> bool:
        return [info.id async for info in list_runs(tag="vip", client=bare)] == ["any/tagged"]

    await until(is_found, "the run is found by its tag")


async def test_another_type(env: JobEnvironment, bare: Client, tmp_path: Path) -> None:
    """An attribute of that name which cannot hold a list is left alone, and the error says what to do."""
    await bare.operator_service.add_search_attributes(
        AddSearchAttributesRequest(
            search_attributes={"TerseTags": IndexedValueType.INDEXED_VALUE_TYPE_INT}, namespace=bare.namespace
        )
    )
    refused = await _setup(env, bare, tmp_path)
    assert refused.status == 2
    assert "'TerseTags' of the type INT, and it has to be a KeywordList. Remove it" in refused.stderr


async def _setup(env: JobEnvironment, client: Client, directory: Path) -> Ended:
    settings = {"TEMPORAL_ADDRESS": env.address}
    return await asyncio.to_thread(run_command, "setup", "-n", client.namespace, cwd=directory, env=settings)
