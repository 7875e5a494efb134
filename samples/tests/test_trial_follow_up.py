"""Trial follow-up: what is sent after three days is what was written on the first."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from samples.tests.service import Answer, Service
from samples.trial_follow_up import trial_follow_up
from terse_temporal.testing import Jobs

_STRIPE = Path(__file__).parents[2] / "tests" / "data" / "webhooks" / "stripe" / "customer.subscription.created.json"
_EVENT = json.loads(_STRIPE.read_text())
_CUSTOMER = f"GET /v1/customers/{_EVENT['data']['object']['customer']}"
_SEND = "POST /emails"


@pytest.fixture(autouse=True)
def settings(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_API_URL", service.url)
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_1")
    monkeypatch.setenv("RESEND_API_URL", service.url)
    monkeypatch.setenv("RESEND_API_KEY", "re_1")
    monkeypatch.setenv("EMAIL_FROM", "team@example.com")
    service.answer(_CUSTOMER, Answer({"email": "ada@example.com", "name": "Ada"}))
    service.answer(_SEND, Answer({"id": "email-1"}))


async def test_same_text(jobs: Jobs, service: Service) -> None:
    """The customer is looked up by id, and gets one e-mail three days later, with the text that was recorded before."""
    run = await jobs.start(trial_follow_up, _EVENT)
    assert (await run.sleeping()).duration == timedelta(days=3)
    jobs.steps.write_note.returns(
        {"to": "nobody@example.com", "subject": "", "text": "what a newer worker would write"}
    )
    assert service.asked(_SEND) == []

    await jobs.skip("3d")
    result = await run.result()

    assert len(service.asked(_CUSTOMER)) == 1
    (sent,) = service.asked(_SEND)
    assert sent.data["to"] == ["ada@example.com"]
    assert sent.data["text"] == result["text"]
    assert sent.data["text"].startswith("Hello Ada,\nyou have been trying us since")
    assert sent.headers["Authorization"] == "Bearer re_1"


async def test_short_form(jobs: Jobs, service: Service) -> None:
    """An event that has the e-mail address costs no look-up."""
    result = await jobs.run(trial_follow_up, {"customer": {"email": "grace@example.com"}})

    assert result["to"] == "grace@example.com"
    jobs.steps.find_customer.not_called()
    assert len(service.asked(_SEND)) == 1


async def test_busy(jobs: Jobs, service: Service) -> None:
    """A service that is busy is asked again, under the same key."""
    service.answer(_SEND, Answer(status=503), Answer(status=429), Answer({"id": "email-1"}))

    result = await jobs.run(trial_follow_up, _EVENT)

    assert result["email_id"] == "email-1"
    keys = [request.headers["Idempotency-Key"] for request in service.asked(_SEND)]
    assert len(keys) == 3
    assert len(set(keys)) == 1


async def test_lost_worker(jobs: Jobs, service: Service) -> None:
    """Where the worker dies after it has sent, the service is asked again, and can tell by the key."""
    jobs.crash_at("send_note", "after_effect")

    await jobs.run(trial_follow_up, _EVENT)

    first, second = service.asked(_SEND)
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert first.data == second.data


@pytest.mark.parametrize("missing", ["STRIPE_API_KEY", "RESEND_API_KEY", "EMAIL_FROM"])
async def test_unset(jobs: Jobs, service: Service, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """A setting that is missing fails the run at once, by name."""
    monkeypatch.delenv(missing)
    run = await jobs.start(trial_follow_up, _EVENT)

    await run.failed_with(RuntimeError, match=missing)
    assert service.asked(_SEND) == []
