"""What the README and docs/webhooks.md show of webhooks works as they show it."""

from __future__ import annotations

import base64
import re
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.core import TyperGroup

from terse_temporal.cli.main import load_command
from terse_temporal.gateway.answers import REFUSALS, refused_with
from terse_temporal.gateway.headers import Headers
from terse_temporal.gateway.secrets import GATEWAY_KEY, VENDOR_SECRETS, WEBHOOK_SECRET
from terse_temporal.gateway.signatures import verify_standard
from terse_temporal.jobs import registry
from terse_temporal.testing import Jobs
from terse_temporal.triggers.signature_schemes import StandardWebhooks

from ..pages import ROOT, blocks, jobs_of, load
from ..webhooks import payload

PAGE = (ROOT / "docs" / "webhooks.md").read_text()


def documented(page: str, name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A job of a page, by its name; registered for the length of the test, as the kit has only those."""
    number = next(number for number, block in enumerate(blocks(page)) if f'name="{name}"' in block)
    job = next(job for job in jobs_of(load(page, number, folder, monkeypatch)) if job.name == name)
    monkeypatch.setitem(registry._registry, name, job)
    return job


async def test_the_webhook_of_the_readme(jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pull request of the repository starts the job, which tells what the model says."""
    job = documented("README.md", "summarize-pr", tmp_path, monkeypatch)
    jobs.model.replies("It is faster.")
    jobs.tools.slack.send_message.returns({"channel": "C1", "ts": "1"})
    opened = payload("github/pull_request.opened")
    assert await jobs.deliver("github", opened, job=job) == []
    opened["repository"]["full_name"] = "acme/web"
    (run,) = await jobs.deliver("github", opened, job=job)
    await run.result()
    jobs.tools.slack.send_message.called_once_with(channel_id="#reviews", message="It is faster.")


async def test_the_jobs_of_the_page(jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The customer is greeted, the lead is welcomed, and who waits for a payment hears of it."""
    greet = documented("docs/webhooks.md", "greet-customer", tmp_path, monkeypatch)
    created = payload("stripe/customer.created")
    (run,) = await jobs.deliver("stripe", created, job=greet)
    assert run.id == f"greet-customer/stripe:{created['id']}"
    assert await run.result() == f"hello, {created['data']['object']['email']}"
    lead = documented("docs/webhooks.md", "welcome-lead", tmp_path, monkeypatch)
    (run,) = await jobs.deliver("webhook", {"email": "ada@example.com"}, job=lead)
    assert await run.result() == "ada@example.com wants free"
    shop = documented("docs/webhooks.md", "shop-order", tmp_path, monkeypatch)
    (run,) = await jobs.deliver("webhook", {"order": 5}, job=shop, id="d-1")
    assert (run.id, await run.result()) == ("shop-order/webhook:d-1", "order 5")
    waits = await jobs.start(documented("docs/webhooks.md", "invoice-paid", tmp_path, monkeypatch), {"invoice": "in_1"})
    await jobs.deliver("stripe", {"type": "invoice.paid", "data": {"object": {"id": "in_1"}}}, job=waits.job)
    assert await waits.result() == "paid"


def test_what_the_page_sends_is_signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The function that signs by Standard Webhooks without a library does so."""
    number = next(number for number, block in enumerate(blocks("docs/webhooks.md")) if "def send(" in block)
    secret = "whsec_" + base64.b64encode(b"k" * 32).decode()

    def post(url: str, *, content: bytes, headers: dict[str, str]) -> httpx.Response:
        signed_id = verify_standard(StandardWebhooks(), Headers(headers), content, [b"k" * 32], time.time())
        assert (url, signed_id, content) == ("https://acme.example", "lead-1", b'{"email": "ada@example.com"}')
        return httpx.Response(200, request=httpx.Request("POST", url))

    monkeypatch.setattr(httpx, "post", post)
    load("docs/webhooks.md", number, tmp_path, monkeypatch).send(
        "https://acme.example", secret, "lead-1", {"email": "ada@example.com"}
    )


def test_the_table_of_what_is_refused() -> None:
    """Every status that the gateway refuses a request with stands in the table; 500 is a mistake of ours."""
    listed = {int(status) for status in re.findall(r"^\| (\d{3}) \|", PAGE, re.MULTILINE)}
    assert listed == {404, 405, *refused_with(*REFUSALS)} - {500}


def test_the_names_on_the_page() -> None:
    """The variables of secrets are all there, and every option that the page names is one."""
    for variable in (*VENDOR_SECRETS.values(), WEBHOOK_SECRET, GATEWAY_KEY):
        assert f"`{variable}`" in PAGE
    gateway: Any = load_command("gateway")
    commands = [gateway.load(name) for name in gateway.table]
    commands += [each for group in commands if isinstance(group, TyperGroup) for each in group.commands.values()]
    options = {option for command in commands for parameter in command.params for option in parameter.opts}
    # Of other commands, which stand in the same text.
    theirs = {"--url", "--forward-to", "--event", "--namespace", "--retention", "--workers"}
    assert set(re.findall(r"--[a-z][a-z-]+", PAGE)) <= options | theirs
