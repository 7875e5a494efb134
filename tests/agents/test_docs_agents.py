"""The code in the page about models runs as it stands, against a model."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from terse_temporal.testing import JobEnvironment

from ..model_server import ModelServer, calls, says
from ..pages import blocks, jobs_of, load
from .approvals import waiting

PAGE = "docs/agents.md"


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[ModuleType]:
    """The blocks as modules. Their tools are registered, for the worker to have them; their jobs are not."""
    monkeypatch.setattr("terse_temporal.tools.registry.is_collecting", lambda: False)
    return [load(PAGE, number, tmp_path, monkeypatch) for number in range(len(blocks(PAGE)))]


async def test_the_follow_up(env: JobEnvironment, model: ModelServer, task_queue: str, pages: list[ModuleType]) -> None:
    email = {"email": "ada@example.com"}
    model.script = [calls(("billing_find_customer", email)), calls(("final_result", {"subject": "Hi", "body": "Ada"}))]
    async with env.worker(jobs_of(pages[0]), task_queue=task_queue):
        found: Any = await env.run("trial-follow-up", {"customer": email}, task_queue=task_queue)
    assert found == {"to": "ada@example.com", "subject": "Hi"}
    assert "trial" in str(model.requests[1]["messages"][-1])


async def test_what_is_fixed(env: JobEnvironment, model: ModelServer, task_queue: str, pages: list[ModuleType]) -> None:
    model.script = [says("posted")]
    async with env.worker(jobs_of(pages[1]), task_queue=task_queue):
        assert await env.run("post-summary", {"text": "…"}, task_queue=task_queue) == "posted"
    shown = {each["function"]["name"]: each["function"]["parameters"] for each in model.requests[0]["tools"]}
    assert set(shown) == {"slack_send_message", "slack_reply_in_thread", "slack_update_message", "email_send"}
    assert all("channel_id" not in each["properties"] for each in shown.values())
    assert shown["email_send"]["properties"]["to"]["enum"] == ["ada@example.com", "bob@example.com"]
    assert not {"cc", "bcc"} & set(shown["email_send"]["properties"])


async def test_the_policy(env: JobEnvironment, model: ModelServer, task_queue: str, pages: list[ModuleType]) -> None:
    given = {"account": "DE1", "cents": 1200}
    model.script = [calls(("bank_refund", given), ("bank_refund", {**given, "cents": 12_000})), says("done")]
    async with env.worker(jobs_of(pages[3]), task_queue=task_queue):
        run = await env.start("refunds", {"claims": ["DE1"]}, task_queue=task_queue)
        assert (await waiting(run))["1"]["arguments"]["cents"] == 12_000
        await run.execute_update("terse.input", {"approved": False})
        assert await run.result() == "done"


async def test_the_approval(env: JobEnvironment, model: ModelServer, task_queue: str, pages: list[ModuleType]) -> None:
    model.script = [calls(("bank_transfer", {"account": "DE1", "cents": 1200})), says("all paid")]
    async with env.worker(jobs_of(pages[2]), task_queue=task_queue):
        run = await env.start("pay-invoices", {"invoices": ["DE1: 12.00"]}, task_queue=task_queue)
        await waiting(run)
        await run.execute_update("terse.input", {"id": "1", "approved": True})
        assert await run.result() == "all paid"
    assert "sent 1200 cents to DE1" in str(model.requests[1]["messages"][-1])
