"""Onboarding: every effect once, counted in the database, over the sleep and over the death of a worker."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from samples.onboarding import onboard_customer
from terse_temporal.testing import Jobs

#: Stripe's own event, as it arrives.
_STRIPE = Path(__file__).parents[2] / "tests" / "data" / "webhooks" / "stripe" / "customer.created.json"
_ADA = {"customer": {"email": "ada@example.com"}}


@pytest.fixture
def crm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    file = tmp_path / "crm.sqlite3"
    monkeypatch.setenv("ONBOARDING_DB", str(file))
    with closing(sqlite3.connect(file)) as connection:
        yield connection


def _rows(crm: sqlite3.Connection, query: str) -> list[Any]:
    return crm.execute(query).fetchall()


@pytest.mark.parametrize("event", [_ADA, json.loads(_STRIPE.read_text())])
async def test_effects(jobs: Jobs, crm: sqlite3.Connection, event: Any) -> None:
    """A customer gets one account, one workspace and two e-mails, from the short form and from what Stripe sends."""
    assert await jobs.run(onboard_customer, event) == {"account": 1, "workspace": 1, "projects": 0}

    assert _rows(crm, "SELECT id, email FROM accounts") == [(1, "ada@example.com")]
    assert _rows(crm, "SELECT id, account FROM workspaces") == [(1, 1)]
    assert _rows(crm, "SELECT recipient, subject FROM emails") == [
        ("ada@example.com", "Welcome"),
        ("ada@example.com", "Can we help?"),
    ]


async def test_three_days(jobs: Jobs, crm: sqlite3.Connection) -> None:
    """The second e-mail comes three days after the first, and is another for whoever has begun by then."""
    run = await jobs.start(onboard_customer, _ADA)
    assert (await run.sleeping()).duration == timedelta(days=3)
    assert _rows(crm, "SELECT subject FROM emails") == [("Welcome",)]

    with crm:
        crm.execute("UPDATE workspaces SET projects = 2")
    await jobs.skip("3d")

    assert (await run.result())["projects"] == 2
    assert _rows(crm, "SELECT subject FROM emails") == [("Welcome",), ("Off to a good start",)]


async def test_repeated(jobs: Jobs, crm: sqlite3.Connection) -> None:
    """Steps whose worker dies after their effect run a second time, under the same key, and change nothing."""
    writing = ("create_account", "provision_workspace", "send_email")
    for step in writing:
        jobs.crash_at(step, "after_effect")

    assert await jobs.run(onboard_customer, _ADA) == {"account": 1, "workspace": 1, "projects": 0}

    for step in writing:
        first, second = jobs.steps[step].calls[:2]
        assert first.idempotency_key == second.idempotency_key
    assert _rows(crm, "SELECT count(*) FROM accounts") == [(1,)]
    assert _rows(crm, "SELECT count(*) FROM workspaces") == [(1,)]
    assert _rows(crm, "SELECT subject FROM emails") == [("Welcome",), ("Can we help?",)]


async def test_without_email(jobs: Jobs, crm: sqlite3.Connection) -> None:
    """A customer without an e-mail address is skipped, and nothing is written."""
    assert await jobs.run(onboard_customer, {"customer": {"name": "Ada"}}) == {"skipped": "filter"}
    assert _rows(crm, "SELECT name FROM sqlite_master") == []
