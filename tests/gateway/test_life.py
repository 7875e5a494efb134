"""A gateway begins while Temporal is away, says so, and hands on what came meanwhile as soon as it is there."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client

from terse_temporal.errors import ServerUnavailableError
from terse_temporal.gateway.app import app_of
from terse_temporal.gateway.gateway import Gateway
from terse_temporal.gateway.retention import warn_of_short_retention
from terse_temporal.gateway.secrets import GatewaySecrets
from terse_temporal.gateway.settings import GatewaySettings
from terse_temporal.gateway.signing import signed_headers
from terse_temporal.testing import JobEnvironment

from . import jobs_gateway
from .gateway_process import SECRETS

_BODY = b'{"email": "ada@example.com", "budget": 3}'


async def test_deliveries_of_before_become_runs_when_temporal_is_there(
    env: JobEnvironment, task_queue: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "terse_temporal.gateway")
    is_there = asyncio.Event()

    async def connect() -> Client:
        if not is_there.is_set():
            raise ServerUnavailableError("no Temporal server answers: this is a test.")
        return env.client

    settings = GatewaySettings(spool=tmp_path / "spool", task_queue=task_queue)
    gateway = Gateway([jobs_gateway.lead], settings, secrets=GatewaySecrets.read(SECRETS), connect=connect)
    transport = httpx.ASGITransport(app_of(gateway))
    async with gateway.running(), httpx.AsyncClient(base_url="http://gateway", transport=transport) as client:
        message = f"msg_{task_queue}"
        headers = signed_headers(
            "webhook", _BODY, secret=SECRETS["TERSE_WEBHOOK_SECRET"], id=message, now=datetime.now(UTC)
        )
        taken = await client.post(gateway.addresses.path("lead"), content=_BODY, headers=headers)
        assert taken.json() == {"id": message, "runs": [f"lead/webhook:{message}"]}
        assert (await client.get("/readyz")).json() == {"status": "ok", "temporal": "away"}
        assert "deliveries wait in the spool: no Temporal server answers" in caplog.text
        assert "keeps closed runs" not in caplog.text
        is_there.set()
        async with asyncio.timeout(30):
            await gateway.drained()
        assert (await client.get("/readyz")).json() == {"status": "ok", "temporal": "connected"}
        described = await env.client.get_workflow_handle(f"lead/webhook:{message}").describe()
        assert described.workflow_type == "lead"
    assert caplog.text.count("the Temporal server answers again") == 1
    assert caplog.text.count("keeps closed runs for 1 day.") == 1


async def test_a_delivery_that_comes_to_two_gateways_starts_one_run(
    env: JobEnvironment, task_queue: str, tmp_path: Path
) -> None:
    body = json.dumps({"email": "ada@example.com", "budget": 3}).encode()
    secrets, message = GatewaySecrets.read(SECRETS), f"msg_{task_queue}"
    headers = signed_headers("webhook", body, secret=SECRETS["TERSE_WEBHOOK_SECRET"], id=message, now=datetime.now(UTC))
    for number in range(2):
        settings = GatewaySettings(spool=tmp_path / f"spool-{number}", task_queue=task_queue, checks_retention=False)
        gateway = Gateway([jobs_gateway.lead], settings, secrets=secrets, client=env.client)
        transport = httpx.ASGITransport(app_of(gateway))
        async with gateway.running(), httpx.AsyncClient(base_url="http://gateway", transport=transport) as client:
            taken = await client.post(gateway.addresses.path("lead"), content=body, headers=headers)
            assert taken.json() == {"id": message, "runs": [f"lead/webhook:{message}"]}
            async with asyncio.timeout(30):
                await gateway.drained()
        described = await env.client.get_workflow_handle(f"lead/webhook:{message}").describe()
        if number == 0:
            first = described.run_id
        assert described.run_id == first


async def test_it_ends_at_once_while_temporal_is_away(tmp_path: Path) -> None:
    async def connect() -> Client:
        raise ServerUnavailableError("no Temporal server answers: this is a test.")

    settings = GatewaySettings(spool=tmp_path / "spool")
    gateway = Gateway([jobs_gateway.lead], settings, secrets=GatewaySecrets.read(SECRETS), connect=connect)
    await gateway.start()
    async with asyncio.timeout(30):
        await gateway.stop()
        await gateway.stop()
        # And can be begun again.
        async with gateway.running():
            pass


async def test_it_ends_whatever_has_become_of_its_spool(env: JobEnvironment, task_queue: str, tmp_path: Path) -> None:
    settings = GatewaySettings(spool=tmp_path / "spool", task_queue=task_queue, checks_retention=False)
    gateway = Gateway([jobs_gateway.lead], settings, secrets=GatewaySecrets.read(SECRETS), client=env.client)
    before = asyncio.all_tasks()
    await gateway.start()
    async with asyncio.timeout(20):
        while await gateway.check() is not None:  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(0.02)
        shutil.rmtree(tmp_path / "spool")
        await gateway.stop()
    assert asyncio.all_tasks() <= before


@pytest.mark.parametrize(("days", "warns"), [(3, True), (4, False)])
async def test_a_namespace_that_forgets_runs_too_early_is_warned_of(
    env: JobEnvironment, task_queue: str, caplog: pytest.LogCaptureFixture, days: int, warns: bool
) -> None:
    request = RegisterNamespaceRequest(namespace=f"keeps-{task_queue}")
    request.workflow_execution_retention_period.FromTimedelta(timedelta(days=days))
    await env.client.workflow_service.register_namespace(request)
    client = await Client.connect(env.address, namespace=f"keeps-{task_queue}")
    assert await warn_of_short_retention(client) == timedelta(days=days)
    assert ("keeps closed runs for 3 days. A delivery starts one run because" in caplog.text) is warns
    assert (f"temporal operator namespace update --namespace keeps-{task_queue} --retention 4d" in caplog.text) is warns
