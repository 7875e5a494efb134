"""Triggers: what starts a job, and the events they bring, from the vendors' payloads and from short ones."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from terse_temporal.errors import EventError, JobDefinitionError
from terse_temporal.events import Event
from terse_temporal.jobs.event_input import read_event
from terse_temporal.triggers import (
    CustomerCreated,
    PullRequestOpened,
    ScheduledEvent,
    TrialStarted,
    Trigger,
    Triggers,
)
from tests import webhooks
from tests.webhooks import payload, payloads


class Lead(BaseModel):
    email: str


def read(raw: object, expected: Any) -> Any:
    return read_event(raw, expected, job="onboard")


@pytest.mark.parametrize(
    ("trigger", "source", "model", "text"),
    [
        (Triggers.webhook.on_request(), "webhook", None, "webhook.on_request()"),
        (Triggers.webhook.on_request(body=Lead), "webhook", Lead, "webhook.on_request(body=Lead)"),
        (
            Triggers.schedule.cron("0 9  * * mon", timezone="Europe/Berlin"),
            "schedule",
            ScheduledEvent,
            'schedule.cron("0 9 * * mon", timezone="Europe/Berlin")',
        ),
        (
            Triggers.schedule.cron("*/5 * * * *"),
            "schedule",
            ScheduledEvent,
            'schedule.cron("*/5 * * * *", timezone="UTC")',
        ),
        (Triggers.stripe.on_customer_created(), "stripe", CustomerCreated, "stripe.on_customer_created()"),
        (Triggers.stripe.on_trial_started(), "stripe", TrialStarted, "stripe.on_trial_started()"),
        (Triggers.github.on_pr_opened(), "github", PullRequestOpened, "github.on_pr_opened()"),
        (
            Triggers.github.on_pr_opened(repo="acme/web.site"),
            "github",
            PullRequestOpened,
            'github.on_pr_opened(repo="acme/web.site")',
        ),
    ],
)
def test_a_trigger_says_what_it_is(trigger: Trigger, source: str, model: Any, text: str) -> None:
    """A trigger has a source, a name, the type of its event, and a string as it is written."""
    assert isinstance(trigger, Trigger)
    assert trigger.source == source
    assert trigger.name == text.partition("(")[0]
    assert trigger.event_model is model
    assert trigger.describe() == text
    assert repr(trigger) == f"<Triggers.{text}>"


def test_a_trigger_is_a_value() -> None:
    """Two triggers declared alike are equal, and one cannot be changed: several jobs may share it."""
    trigger = Triggers.github.on_pr_opened(repo="acme/web")
    assert trigger == Triggers.github.on_pr_opened(repo="acme/web")
    assert trigger != Triggers.github.on_pr_opened()
    with pytest.raises(dataclasses.FrozenInstanceError):
        trigger.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("expression", "wrong"),
    [
        ("0 9 * *", "has 4 fields, not five"),
        ("0 0 9 * * 1", "has 6 fields, not five"),
        ("@dayly", "is none of @yearly, @annually"),
        ("@every 5m", "Triggers.schedule.every("),
        ("@reboot", "is no time"),
        ("0 9 31 4,6 *", "never fits a day"),
        ("", "has 0 fields, not five"),
        ("61 9 * * 1", "bad minute"),
        ("0 25 * * 1", "bad hour"),
        ("0 9 32 * *", "bad day of month"),
        ("0 9 30 2 *", "never fits a day"),
        ("0 9 * 13 *", "bad month"),
        ("0 9 * * 8", "bad day of week"),
        ("0 9 * * someday", "bad day of week"),
        ("*/0 9 * * 1", "bad minute"),
        ("0 9 L * *", "uses L, W or #"),
        ("0 9 * * 5#2", "uses L, W or #"),
        (5, "is not a string"),
    ],
)
def test_a_wrong_cron_expression_is_refused_at_import(expression: Any, wrong: str) -> None:
    """A wrong expression is refused where it is written, with the value, what is wrong, and an example."""
    with pytest.raises(JobDefinitionError) as raised:
        Triggers.schedule.cron(expression)
    message = str(raised.value)
    assert repr(expression) in message
    assert wrong in message
    assert 'schedule.cron("0 9 * * 1"' in message
    line = raised.traceback[0].lineno + 1
    assert f"test_triggers.py:{line}" in message


@pytest.mark.parametrize(
    "expression", ["0 9 * * 1", "*/15 8-18 * * mon-fri", "0 0 1,15 jan,jul *", "5/10 * * * *", "@daily", "0 9 31 4 1"]
)
def test_cron_expressions_that_are_fine(expression: str) -> None:
    """Names, lists, ranges and steps are accepted."""
    assert Triggers.schedule.cron(expression).describe().startswith(f'schedule.cron("{expression}"')


@pytest.mark.parametrize("timezone", ["Europe/Berlinn", "", "../etc/passwd", "Europe", "/etc/localtime", 5, None])
def test_a_wrong_timezone_is_refused_at_import(timezone: Any) -> None:
    """A timezone that does not exist is refused where it is written, with the value and an example."""
    with pytest.raises(JobDefinitionError, match="is not in the IANA database") as raised:
        Triggers.schedule.cron("0 9 * * 1", timezone=timezone)
    assert repr(timezone) in str(raised.value)
    assert "Europe/Berlin" in str(raised.value)
    assert "test_triggers.py:" in str(raised.value)


@pytest.mark.parametrize(
    "repo", ["acme", "acme/", "/web", "https://github.com/acme/web", "acme/web/x", "acme/we b", 5, ""]
)
def test_a_wrong_repo_is_refused_at_import(repo: Any) -> None:
    """A repository that is not "owner/name" is refused where it is written."""
    with pytest.raises(JobDefinitionError, match=r'is not "owner/name".*repo="acme/web"') as raised:
        Triggers.github.on_pr_opened(repo=repo)
    assert repr(repo) in str(raised.value)
    assert "test_triggers.py:" in str(raised.value)


@pytest.mark.parametrize("body", ["Lead", 5, Lead(email="a"), type("Opaque", (), {})])
def test_a_body_that_is_not_a_type_is_refused_at_import(body: Any) -> None:
    """A webhook's body must be a type that JSON can be validated against."""
    with pytest.raises(JobDefinitionError, match=r"webhook\.on_request \(.*test_triggers\.py:\d+\): body="):
        Triggers.webhook.on_request(body=body)


def test_the_event_of_a_webhook_is_its_body() -> None:
    """The body of a request is the event itself."""
    assert read({"email": "a"}, Triggers.webhook.on_request(body=Lead).event_model) == Lead(email="a")


def test_a_scheduled_event_may_be_empty() -> None:
    """The event of a schedule says when it was due, or nothing when the job is started by hand."""
    assert read(None, ScheduledEvent).scheduled_at is None
    assert read({"scheduledAt": "2026-01-02T10:00:00+01:00"}, ScheduledEvent).scheduled_at == datetime(
        2026, 1, 2, 9, tzinfo=UTC
    )


def each_payload(pattern: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", payloads(pattern), ids=webhooks.label)


@each_payload("stripe/customer.created")
def test_customer_created_from_stripe(path: Path) -> None:
    """Stripe's own payload reads as CustomerCreated, its other fields included."""
    raw = webhooks.read(path)
    sent = raw["data"]["object"]
    event = read(raw, CustomerCreated)
    assert (event.id, event.type) == (raw["id"], "customer.created")
    assert event.created == datetime.fromtimestamp(raw["created"], UTC)
    assert event.customer.id == sent["id"]
    assert event.customer.email == sent["email"] == "ada@example.com"
    assert event.customer.name == sent["name"] == "Ada Lovelace"
    assert event.customer.created == datetime.fromtimestamp(sent["created"], UTC)
    assert event.customer.invoice_settings.renderingOptions.template is None
    assert event.request.idempotency_key is None


@pytest.mark.parametrize(
    "raw",
    [
        {"customer": {"email": "ada@example.com"}},
        {"type": "customer.created", "customer": {"email": "ada@example.com"}},
    ],
)
def test_customer_created_from_the_short_form(raw: dict[str, Any]) -> None:
    """The short form needs the customer and no more."""
    event = read(raw, CustomerCreated)
    assert event.customer.email == "ada@example.com"
    assert event.customer.id is None
    assert event.customer.metadata == {}


def test_customer_created_needs_a_customer() -> None:
    """Without a customer there is no event."""
    for raw in (None, {"email": "ada@example.com"}, {"customer": 5}):
        with pytest.raises(EventError, match="customer: "):
            read(raw, CustomerCreated)


@each_payload("stripe/customer.subscription.created")
def test_trial_started_from_stripe(path: Path) -> None:
    """Stripe's own payload has the customer's id alone, and the times of the trial in UTC."""
    raw = webhooks.read(path)
    sent = raw["data"]["object"]
    event = read(raw, TrialStarted)
    assert event.customer.id == sent["customer"]
    assert event.customer.email is None
    assert event.subscription.id == sent["id"]
    assert event.subscription.status == "trialing"
    assert event.subscription.trial_start == datetime.fromtimestamp(sent["trial_start"], UTC)
    assert event.subscription.trial_end == datetime.fromtimestamp(sent["trial_end"], UTC)
    assert event.subscription.trial_end.utcoffset() == timedelta(0)
    assert event.subscription.items.data[0].price.unit_amount == 2000


def test_trial_started_from_the_short_form() -> None:
    """The short form may have both parts, in either spelling, or the customer alone."""
    event = read(
        {"customer": {"id": "cus_1", "email": "ada@example.com"}, "subscription": {"trialEnd": "2026-01-02T00:00:00"}},
        TrialStarted,
    )
    assert event.customer.email == "ada@example.com"
    assert event.subscription.trial_end == datetime(2026, 1, 2, tzinfo=UTC)
    event = read({"customer": "cus_1"}, TrialStarted)
    assert event.customer.id == "cus_1"
    assert event.subscription.trial_end is None


@pytest.mark.parametrize(
    ("sent", "model", "expected"),
    [
        ("invoice.paid", CustomerCreated, "customer.created"),
        ("customer.subscription.created", CustomerCreated, "customer.created"),
        ("checkout.session.completed", TrialStarted, "customer.subscription.created"),
        ("customer.created", TrialStarted, "customer.subscription.created"),
    ],
)
def test_another_event_of_stripe_is_refused(sent: str, model: Any, expected: str) -> None:
    """The payload of another event is refused, and both events are named, even where its object would fit."""
    with pytest.raises(EventError) as raised:
        read(payload(f"stripe/{sent}"), model)
    assert f'Stripe event "{sent}"' in str(raised.value)
    assert f'{model.__name__} is read from "{expected}"' in str(raised.value)


def test_a_subscription_without_a_trial_is_refused() -> None:
    """A subscription that begins without a trial is no TrialStarted."""
    raw = payload("stripe/customer.subscription.created")
    raw["data"]["object"].update(status="active", trial_start=None, trial_end=None)
    with pytest.raises(EventError, match="without a trial"):
        read(raw, TrialStarted)


@each_payload("github/pull_request.opened*")
def test_pull_request_opened_from_github(path: Path) -> None:
    """GitHub's own payload reads as PullRequestOpened, its other fields included."""
    raw = webhooks.read(path)
    event = read(raw, PullRequestOpened)
    sent = raw["pull_request"]
    pull_request = event.pull_request
    assert (pull_request.number, pull_request.title, pull_request.body) == (
        sent["number"],
        sent["title"],
        sent["body"],
    )
    assert pull_request.html_url == sent["html_url"]
    assert pull_request.draft is sent["draft"]
    assert pull_request.user.login == sent["user"]["login"]
    assert (pull_request.head.ref, pull_request.base.ref) == (sent["head"]["ref"], sent["base"]["ref"])
    assert pull_request.additions == sent["additions"]
    assert pull_request.review_comments == sent["review_comments"]
    assert pull_request._links.html.href == sent["_links"]["html"]["href"]
    assert event.repository.full_name == raw["repository"]["full_name"]
    assert event.sender.login == raw["sender"]["login"]
    assert event.action == "opened"
    assert event.installation.id == raw["installation"]["id"]


def test_pull_request_opened_from_the_short_form() -> None:
    """The short form needs the pull request and no more; what is left out, or null, reads as None."""
    for key in ("pullRequest", "pull_request"):
        event = read({key: {"number": 5, "htmlUrl": "u", "user": None}}, PullRequestOpened)
        assert (event.pull_request.number, event.pull_request.html_url) == (5, "u")
        assert event.pull_request.user.login is None
        assert event.pull_request.head.repo.full_name is None
        assert event.repository.full_name is None
        assert event.action == "opened"
    with pytest.raises(EventError, match="pull_request: Field required"):
        read({}, PullRequestOpened)


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("pull_request.closed", "pull_request.closed"),
        ("pull_request.synchronize", "pull_request.synchronize"),
        ("issues.opened", "issues.opened"),
        ("issue_comment.created", "issue_comment.created"),
        ("push.1", "push"),
        ("ping", "ping"),
    ],
)
def test_another_event_of_github_is_refused(name: str, sent: str) -> None:
    """The payload of another event is refused, and both events are named."""
    with pytest.raises(EventError) as raised:
        read(payload(f"github/{name}"), PullRequestOpened)
    assert f'GitHub event "{sent}"' in str(raised.value)
    assert 'PullRequestOpened is read from "pull_request.opened"' in str(raised.value)


@each_payload("*/*")
def test_every_payload_reads_as_an_untyped_event(path: Path) -> None:
    """Any payload of a vendor reads as an Event, unchanged, and has a string and a log line."""
    raw = webhooks.read(path)
    event = read(raw, Event)
    assert json.loads(json.dumps(event)) == raw
    assert event.format_for_agent().startswith("Event")
    assert len(event.debug_log()) <= 200


@each_payload("github/pull_request.opened")
def test_the_text_of_a_pull_request_is_what_matters(path: Path) -> None:
    """A typed event's text is short, even where the raw payload is long."""
    text = read(webhooks.read(path), PullRequestOpened).format_for_agent()
    assert text.startswith(
        "Pull request opened\naction: opened\npull_request:\n  number: 2\n  title: Update the README"
    )
    assert len(text) < 2500
    assert "null" not in text


def test_the_text_of_a_customer_is_what_matters() -> None:
    """A typed event's text begins with its own fields, in their order."""
    text = read(payload("stripe/customer.created"), CustomerCreated).format_for_agent()
    assert "\ncustomer:\n  id: cus_example1\n  email: ada@example.com\n  name: Ada Lovelace" in text
