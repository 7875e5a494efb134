"""`terse-temporal dev` takes webhooks in too, where a job has a trigger for them, and is new with every save."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sys
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from temporalio.client import Client

from terse_temporal import Event, Triggers, create_job, wait_for_event
from terse_temporal.cli import dev_gateway, users_files
from terse_temporal.cli.dev_gateway import GatewayPlace
from terse_temporal.cli.dev_server_file import DevServerFile
from terse_temporal.cli.exiting import CommandError
from terse_temporal.gateway.settings import DEFAULT_PORT
from terse_temporal.gateway.signing import signed_headers
from terse_temporal.jobs.registry import collecting

from ..commands import running
from ..in_process import run_command

SECRET = "whsec_of_the_tests"

JOBS = """
from terse_temporal import Triggers, create_job, job_step, wait_for_input

def greet(email):
    return f"Hello, {email}!"

@create_job(name="greet", triggers=[Triggers.stripe.on_customer_created()], durable=True)
async def greeting(event):
    return await job_step(run=greet, input=event.customer.email)

@create_job(name="lead", triggers=[Triggers.webhook.on_request(secret=None)])
def lead(event):
    return event.email

@create_job(name="asked", triggers=[Triggers.webhook.on_request(secret=None)], durable=True)
async def asked(event):
    return (await wait_for_input(prompt="Which colour?")).text

@create_job(name="issue", triggers=[Triggers.linear.on_issue_created(), Triggers.schedule.every("30m")])
def issue(event):
    return None
"""


def deliver(url: str, id: str) -> httpx.Response:
    """Send what Stripe sends."""
    event = {"id": id, "type": "customer.created", "data": {"object": {"id": "cus_1", "email": "ada@example.com"}}}
    body = json.dumps(event).encode()
    headers = signed_headers("stripe", body, secret=SECRET, id=id, now=datetime.now(UTC))
    return httpx.post(f"{url}/webhooks/stripe", content=body, headers=headers, timeout=60)


@pytest.mark.server
def test_webhooks_start_jobs(tmp_path: Path) -> None:
    """It prints the address of each trigger and which secret is not set; what is delivered starts its job, also while
    the worker is being replaced after a save.
    """
    (tmp_path / "jobs.py").write_text(JOBS)
    env = {"STRIPE_WEBHOOK_SECRET": SECRET, "LINEAR_WEBHOOK_SECRET": "", "TERSE_GATEWAY_KEY": ""}
    with running("terse-temporal", "dev", "jobs.py", "-q", "dev", cwd=tmp_path, env=env) as command:
        printed = command.says("Ctrl-C ends")
        url = re.search(r"(http://127\.0\.0\.1:\d+)/webhooks/stripe", printed)
        own = re.search(r"http://127\.0\.0\.1:\d+/webhooks/lead/\w+", printed)
        assert url
        assert own
        assert "LINEAR_WEBHOOK_SECRET is not set, so what linear delivers is refused with 503" in printed
        assert SECRET not in printed
        assert "the clock starts a job here after: terse-temporal schedules sync" in printed

        assert deliver(url[1], "evt_1").json() == {"id": "evt_1", "runs": ["greet/stripe:evt_1"]}
        command.says("greet/stripe:evt_1  greet done after")
        (run,) = httpx.post(own[0], json={"email": "ada@example.com"}).json()["runs"]
        command.says(f"{run}  lead done after")

        asks = re.search(r"http://127\.0\.0\.1:\d+/webhooks/asked/\w+", printed)
        assert asks
        (run,) = httpx.post(asks[0], json={}).json()["runs"]
        logged = re.search(rf"{run}  question 1: (\S+)", command.says(f"{run}  question 1: http"))
        assert logged
        page = httpx.get(logged[1], timeout=60)
        assert (page.status_code, "Which colour?" in page.text) == (200, True)
        shown = run_command("inputs", "show", run, cwd=tmp_path, env={"TERSE_GATEWAY_KEY": ""})
        assert logged[1] in shown.stdout

        (tmp_path / "jobs.py").write_text(JOBS.replace("Hello", "Good morning"))
        command.says("jobs.py saved: reloading")
        assert deliver(url[1], "evt_2").status_code == 200
        command.says("greet/stripe:evt_2  greet done after")
        assert f"{run}  question 1: {logged[1]}" in command.says("ready", times=2).rpartition("asked before")[2]

        command.interrupt()
        assert command.ended() == 0
        command.leaves_nothing()
        assert "Traceback" not in command.printed()
    left = DevServerFile.read(tmp_path / ".terse")
    assert left is not None
    assert left.gateway_port == httpx.URL(url[1]).port, "its next start takes the same port"
    assert (tmp_path / ".terse" / "gateway.key").stat().st_mode & 0o077 == 0


def test_the_port(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The port of the last time is taken again, else the usual one, else any; one that was asked for, or none."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as other, ExitStack() as claims:
        taken = other.getsockname()[1]
        monkeypatch.setattr(dev_gateway, "DEFAULT_PORT", taken)
        place = GatewayPlace.bind(claims, tmp_path, asked_for=None, before=taken)
        assert place.port not in (0, taken)
        with pytest.raises(CommandError, match=f"port {taken} is taken"):
            GatewayPlace.bind(claims, tmp_path, asked_for=taken, before=0)
        # Nobody listens on it yet, and still no other `dev` gets it.
        second = GatewayPlace.bind(claims, tmp_path, asked_for=None, before=place.port)
        assert second.port not in (0, place.port)
        port = place.port
    with ExitStack() as claims:
        assert GatewayPlace.bind(claims, tmp_path, asked_for=None, before=port).port == port
    monkeypatch.setattr(dev_gateway, "DEFAULT_PORT", port)
    with ExitStack() as claims:
        assert GatewayPlace.bind(claims, tmp_path, asked_for=None, before=0).port == port
    assert DEFAULT_PORT == 8088


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the packages are not installed no port is taken."""
    monkeypatch.setitem(sys.modules, "fastapi", None)
    with ExitStack() as claims:
        place = GatewayPlace.bind(claims, tmp_path, asked_for=None, before=0)
    assert (place.bound, place.port) == (None, 0)
    assert GatewayPlace.from_argument(place.to_argument()) == place


async def test_what_keeps_it_from_running(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The worker runs without it, and it says why: the extra is missing, or a secret cannot be one. Where no job has a
    trigger for it nothing is said.
    """
    monkeypatch.setattr(users_files, "users_files", list)
    client = await Client.connect("127.0.0.1:1", lazy=True)
    with collecting():
        job = create_job(name="dev-stripe", triggers=[Triggers.stripe.on_customer_created()], on_trigger=_handle)
        other = create_job(name="dev-other", on_trigger=_handle)
    with ExitStack() as claims:
        place = GatewayPlace.bind(claims, tmp_path, asked_for=None, before=0)
        monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "sk_test_of_the_tests")
        async with place.run(client, [job, other], "dev"):
            printed = " ".join(capsys.readouterr().err.split())
        assert "no gateway runs: STRIPE_WEBHOOK_SECRET holds a key of the vendor" in printed
        async with place.run(client, [other], "dev"):
            pass
    without = GatewayPlace(tmp_path, None)
    with collecting():
        waits = create_job(name="dev-waits", on_trigger=_wait, durable=True)
    async with without.run(client, [waits], "dev"):
        assert "jobs here hear of webhooks" in capsys.readouterr().out
    async with without.run(client, [other], "dev"):
        assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(users_files, "users_files", lambda: [__file__])
    async with without.run(client, [other], "dev"):
        assert "jobs here ask people" in capsys.readouterr().out
    async with without.run(client, [job], "dev"):
        assert "pip install 'terse-temporal[gateway]'" in capsys.readouterr().out


async def test_a_job_that_waits_for_a_webhook_needs_it_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", SECRET)
    client = await Client.connect("127.0.0.1:1", lazy=True)
    with collecting():
        job = create_job(name="dev-waits", on_trigger=_wait, durable=True)
    with ExitStack() as claims:
        place = GatewayPlace.bind(claims, tmp_path, asked_for=None, before=0)
        url = f"http://127.0.0.1:{place.port}"
        async with place.run(client, [job], "dev"), httpx.AsyncClient() as http:
            assert f"{url}/webhooks/github" in capsys.readouterr().out
            assert (await http.get(f"{url}/healthz")).status_code == 200


async def _wait(event: Event) -> None:
    await _paid(event)


async def _paid(event: Event) -> None:
    async with asyncio.timeout(5):
        await wait_for_event(Triggers.stripe.on_event("invoice.paid"), match={"id": event.id})


def _handle(event: Event) -> None:
    pass
