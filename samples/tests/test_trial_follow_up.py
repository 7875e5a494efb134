"""Trial follow-up: what is sent after three days is what was written on the first."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import WorkflowFailureError

from samples.tests.service import Answer, Service
from samples.trial_follow_up import trial_follow_up
from terse_temporal.testing import JobEnvironment

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


async def test_same_text(env: JobEnvironment, cache: int, service: Service) -> None:
    """The customer is looked up by id, and gets one e-mail three days later, with the text that was recorded before."""
    async with env.worker([trial_follow_up], max_cached_workflows=cache):
        run = await env.start(trial_follow_up, _EVENT)
        result = await run.result()
        took = await _duration(env, run.id)

    assert len(service.asked(_CUSTOMER)) == 1
    (sent,) = service.asked(_SEND)
    assert sent.data["to"] == ["ada@example.com"]
    assert sent.data["text"] == result["text"]
    assert sent.data["text"].startswith("Hello Ada,\nyou have been trying us since")
    assert sent.headers["Authorization"] == "Bearer re_1"
    assert timedelta(days=3) <= took < timedelta(days=3, minutes=5)


async def test_short_form(env: JobEnvironment, cache: int, service: Service) -> None:
    """An event that has the e-mail address costs no look-up."""
    async with env.worker([trial_follow_up], max_cached_workflows=cache):
        result = await env.run(trial_follow_up, {"customer": {"email": "grace@example.com"}})

    assert result["to"] == "grace@example.com"
    assert service.asked(_CUSTOMER) == []
    assert len(service.asked(_SEND)) == 1


async def test_busy(env: JobEnvironment, cache: int, service: Service) -> None:
    """A service that is busy is asked again, under the same key."""
    service.answer(_SEND, Answer(status=503), Answer(status=429), Answer({"id": "email-1"}))
    async with env.worker([trial_follow_up], max_cached_workflows=cache):
        result = await env.run(trial_follow_up, _EVENT)

    assert result["email_id"] == "email-1"
    keys = [request.headers["Idempotency-Key"] for request in service.asked(_SEND)]
    assert len(keys) == 3
    assert len(set(keys)) == 1


@pytest.mark.parametrize("missing", ["STRIPE_API_KEY", "RESEND_API_KEY", "EMAIL_FROM"])
async def test_unset(
    env: JobEnvironment, cache: int, service: Service, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    """A setting that is missing fails the run at once, by name."""
    monkeypatch.delenv(missing)
    async with env.worker([trial_follow_up], max_cached_workflows=cache):
        with pytest.raises(WorkflowFailureError) as failed:
            await env.run(trial_follow_up, _EVENT)

    assert missing in str(failed.value.cause)
    assert service.asked(_SEND) == []


async def _duration(env: JobEnvironment, id: str) -> timedelta:
    """How long a run took by its own clock."""
    description = await env.client.get_workflow_handle(id).describe()
    assert description.close_time is not None
    return description.close_time - description.start_time
