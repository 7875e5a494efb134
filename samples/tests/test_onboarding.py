"""Onboarding: every effect once, counted in the database, over the sleep and over a second attempt."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest

from samples.onboarding import onboard_customer
from terse_temporal.testing import JobEnvironment

#: Stripe's own event, as it arrives.
_STRIPE = Path(__file__).parents[2] / "tests" / "data" / "webhooks" / "stripe" / "customer.created.json"


@pytest.fixture
def crm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    file = tmp_path / "crm.sqlite3"
    monkeypatch.setenv("ONBOARDING_DB", str(file))
    with closing(sqlite3.connect(file)) as connection:
        yield connection


def _rows(crm: sqlite3.Connection, query: str) -> list[Any]:
    return crm.execute(query).fetchall()


@pytest.mark.parametrize("event", [{"customer": {"email": "ada@example.com"}}, json.loads(_STRIPE.read_text())])
async def test_effects(env: JobEnvironment, cache: int, crm: sqlite3.Connection, event: Any) -> None:
    """A customer gets one account, one workspace and two e-mails, from the short form and from what Stripe sends."""
    async with env.worker([onboard_customer], max_cached_workflows=cache):
        result = await env.run(onboard_customer, event)

    assert result == {"account": 1, "workspace": 1, "projects": 0}
    assert _rows(crm, "SELECT id, email FROM accounts") == [(1, "ada@example.com")]
    assert _rows(crm, "SELECT id, account FROM workspaces") == [(1, 1)]
    assert _rows(crm, "SELECT recipient, subject FROM emails") == [
        ("ada@example.com", "Welcome"),
        ("ada@example.com", "Can we help?"),
    ]


async def test_repeated(env: JobEnvironment, cache: int, crm: sqlite3.Connection) -> None:
    """Steps that run a second time, under the same keys, change nothing and give the same."""
    async with env.worker([onboard_customer], max_cached_workflows=cache):
        run = await env.start(onboard_customer, {"customer": {"email": "ada@example.com"}})
        first = await run.result()
        tables = ("accounts", "workspaces", "emails")
        before = [_rows(crm, f"SELECT * FROM {table}") for table in tables]

        # A reset forgets all that was recorded after an event (4 is the end of the first workflow task, before any
        # step) and goes on from there.
        await env.client.workflow_service.reset_workflow_execution(
            ResetWorkflowExecutionRequest(
                namespace=env.client.namespace,
                workflow_execution=WorkflowExecution(workflow_id=run.id, run_id=run.first_execution_run_id or ""),
                workflow_task_finish_event_id=4,
                request_id="again",
                reason="to run every step again",
            )
        )
        again = env.client.get_workflow_handle(run.id)
        await env.skip(again, "3d")
        second = await again.result()

    assert (await again.describe()).run_id != run.first_execution_run_id
    assert second == first
    assert [_rows(crm, f"SELECT * FROM {table}") for table in tables] == before


async def test_without_email(env: JobEnvironment, cache: int, crm: sqlite3.Connection) -> None:
    """A customer without an e-mail address is skipped, and nothing is written."""
    async with env.worker([onboard_customer], max_cached_workflows=cache):
        result = await env.run(onboard_customer, {"customer": {"name": "Ada"}})

    assert result == {"skipped": "filter"}
    assert _rows(crm, "SELECT name FROM sqlite_master") == []
