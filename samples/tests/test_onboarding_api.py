"""Onboarding over HTTP: a run for each customer, however often it is posted, and what became of it."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from samples.onboarding import onboard_customer
from samples.onboarding_api import app
from terse_temporal import get_run
from terse_temporal.testing import JobEnvironment

pytestmark = pytest.mark.server


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def env() -> AsyncIterator[JobEnvironment]:
    """Run a Temporal server. Runs that are started through it skip the three days."""
    async with JobEnvironment() as environment:
        yield environment


@pytest.fixture
async def web(env: JobEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    """Call the application without a socket; a worker in this process has the job."""
    monkeypatch.setenv("ONBOARDING_DB", str(tmp_path / "crm.sqlite3"))
    transport = httpx.ASGITransport(app)
    async with env.worker([onboard_customer]), httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        yield client


async def test_onboard(web: httpx.AsyncClient, tmp_path: Path) -> None:
    """A post is accepted with the id of the run, and a second one is the same run; its result can be read."""
    customer = {"id": "cus_1", "email": "ada@example.com", "name": "Ada"}
    first = await web.post("/onboard", json=customer)
    again = await web.post("/onboard", json=customer)
    assert (first.status_code, first.json()) == (202, {"id": "onboard-customer/cus_1"})
    assert again.json() == first.json()

    await get_run(first.json()["id"]).result()
    looked = await web.get("/runs/onboard-customer/cus_1")
    assert looked.json() == {
        "id": "onboard-customer/cus_1",
        "status": "completed",
        "result": {"account": 1, "workspace": 1, "projects": 0},
        "error": None,
    }
    with closing(sqlite3.connect(tmp_path / "crm.sqlite3")) as crm:
        assert crm.execute("SELECT count(*) FROM accounts").fetchone() == (1,)


async def test_a_run_that_fails(web: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told with the class and the text of what was raised."""
    monkeypatch.setenv("ONBOARDING_DB", str(tmp_path / "missing" / "crm.sqlite3"))
    accepted = await web.post("/onboard", json={"id": "cus_2", "email": "ada@example.com"})
    assert accepted.status_code == 202
    with pytest.raises(sqlite3.OperationalError):
        await get_run("onboard-customer/cus_2").result()
    looked = (await web.get("/runs/onboard-customer/cus_2")).json()
    assert (looked["status"], looked["error"]) == ("failed", "OperationalError: unable to open database file")


async def test_wrong_requests(web: httpx.AsyncClient) -> None:
    """No customer is no run, and a run that is not there is not found."""
    assert (await web.post("/onboard", json={"id": "cus_3"})).status_code == 422
    assert (await web.get("/runs/onboard-customer/nobody")).status_code == 404


async def test_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a Temporal server nothing is accepted, and the caller is told to come again."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:9")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client:
        answer = await client.post("/onboard", json={"id": "cus_4", "email": "ada@example.com"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
