r"""Onboarding: a new Stripe customer gets an account, a workspace and a welcome, and three days later a word from us.

It talks to no service, so it can be tried as it is: the "CRM" is an SQLite file, `$ONBOARDING_DB` or
`./onboarding.sqlite3`, and an e-mail that is sent is a row in it.

    terse-worker samples.onboarding
    temporal workflow start --type onboard-customer --task-queue terse \
        --input '{"customer": {"email": "ada@example.com"}}'

A step whose worker dies before its result is recorded runs again, under the same idempotency key. So every table here
has that key as a unique column, and a row is written by "insert, unless it is there": the second attempt changes
nothing and finds what the first one left. With a web service, send the key along as its `Idempotency-Key`.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from terse_temporal import Triggers, create_job, current_step, log, sleep, step
from terse_temporal.triggers import CustomerCreated

_TABLES = """
    CREATE TABLE IF NOT EXISTS accounts (
        id INTEGER PRIMARY KEY, step_key TEXT UNIQUE NOT NULL, email TEXT NOT NULL, name TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS workspaces (
        id INTEGER PRIMARY KEY, step_key TEXT UNIQUE NOT NULL, account INTEGER NOT NULL REFERENCES accounts,
        projects INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE IF NOT EXISTS emails (
        id INTEGER PRIMARY KEY, step_key TEXT UNIQUE NOT NULL, recipient TEXT NOT NULL, subject TEXT NOT NULL,
        body TEXT NOT NULL);
"""


def _has_email(event: CustomerCreated) -> bool:
    return event.customer.email is not None


@create_job(
    name="onboard-customer",
    triggers=[Triggers.stripe.on_customer_created()],
    filter=_has_email,  # Stripe creates customers without one, and there is nobody to write to
    durable=True,
)
async def onboard_customer(event: CustomerCreated) -> dict[str, Any]:
    email = event.customer.email or ""
    name = event.customer.name or email.partition("@")[0]

    account = await create_account(email, name)
    workspace = await provision_workspace(account)
    await send_email(email, "Welcome", f"Hello {name}, your workspace {workspace} is ready.")
    log("onboarded", email=email, account=account, workspace=workspace)

    await sleep("3d")

    projects = await count_projects(workspace)
    if projects == 0:
        await send_email(email, "Can we help?", f"Hello {name}, your workspace {workspace} is still empty.")
    else:
        await send_email(email, "Off to a good start", f"Hello {name}, {projects} projects in three days!")
    return {"account": account, "workspace": workspace, "projects": projects}


@step
def create_account(email: str, name: str) -> int:
    return _insert_once("accounts", email=email, name=name)


@step
def provision_workspace(account: int) -> int:
    return _insert_once("workspaces", account=account)


@step
def send_email(recipient: str, subject: str, body: str) -> int:
    return _insert_once("emails", recipient=recipient, subject=subject, body=body)


@step
def count_projects(workspace: int) -> int:
    with _crm() as crm:
        (projects,) = crm.execute("SELECT projects FROM workspaces WHERE id = ?", (workspace,)).fetchone()
        return int(projects)


def _insert_once(table: str, **values: str | int) -> int:
    """Return the id of the row that the running step has written, by this attempt or by one before it."""
    row = {"step_key": current_step().idempotency_key, **values}
    columns, marks = ", ".join(row), ", ".join("?" * len(row))
    with _crm() as crm:
        # Names of tables and columns are from this file; only values come from outside.
        crm.execute(
            f"INSERT INTO {table} ({columns}) VALUES ({marks}) ON CONFLICT (step_key) DO NOTHING", tuple(row.values())
        )
        (found,) = crm.execute(f"SELECT id FROM {table} WHERE step_key = ?", (row["step_key"],)).fetchone()
        return int(found)


@contextmanager
def _crm() -> Iterator[sqlite3.Connection]:
    """Open the database, in one transaction. Its path is read here, in a step: a handler is the same everywhere."""
    path = os.environ.get("ONBOARDING_DB") or "onboarding.sqlite3"
    with closing(sqlite3.connect(path, timeout=30)) as crm, crm:
        crm.executescript(_TABLES)
        yield crm
