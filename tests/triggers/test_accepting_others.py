"""A trigger of Linear or Stripe accepts the deliveries that it names and that pass its filters, and no others."""

from __future__ import annotations

from typing import Any

import pytest

from terse_temporal.errors import JobDefinitionError
from terse_temporal.triggers import Trigger, Triggers

from ..webhooks import payload
from .deliveries import case_id, delivered

linear: Any = Triggers.linear
stripe: Any = Triggers.stripe

SENT = {
    "linear": ["Issue.create", "Issue.update", "Comment.create", "Project.update"],
    "stripe": ["customer.created", "customer.subscription.created", "invoice.paid", "checkout.session.completed"],
}
OF_ISSUES = {"Issue.create", "Issue.update"}


@pytest.mark.parametrize(
    ("trigger", "accepted"),
    [
        (linear.on_issue_created(), {"Issue.create"}),
        (linear.on_issue_updated("SHOP"), {"Issue.update"}),
        (linear.on_comment("the shop"), {"Comment.create"}),
        (linear.on_comment("ENG"), set()),
        (linear.on_event("Issue"), OF_ISSUES),
        (linear.on_event("Issue", "7EA30000-0000-4000-8000-000000000001"), OF_ISSUES),
        (linear.on_event("Project.update"), {"Project.update"}),
        (linear.on_event("Project.update", "SHOP"), set()),
        (stripe.on_customer_created(), {"customer.created"}),
        (stripe.on_trial_started(), {"customer.subscription.created"}),
        (stripe.on_event("invoice.paid"), {"invoice.paid"}),
        (stripe.on_event("customer"), {"customer.created", "customer.subscription.created"}),
        (stripe.on_event("custom"), set()),
    ],
    ids=case_id,
)
def test_each_takes_its_own(trigger: Trigger, accepted: set[str]) -> None:
    """Of all that its vendor sends, and nothing that another sends by the same name."""
    for source, names in SENT.items():
        taken = {name for name in names if trigger.accepts(delivered(name, payload(f"{source}/{name}"), source=source))}
        assert taken == (accepted if source == trigger.source else set())
    for name in SENT[trigger.source]:
        assert not trigger.accepts(delivered(name, payload(f"{trigger.source}/{name}"), source="github"))


@pytest.mark.parametrize(
    ("data", "team", "taken"),
    [
        ({"team": {"key": "ENG"}}, "eng", True),
        ({"team": {"key": "ENG", "name": "Engineering"}}, "ENGINEERING", True),
        ({"teamId": "7ea3"}, "7EA3", True),
        ({"issue": {"teamId": "7ea3"}}, "7ea3", True),
        ({"issue": {"identifier": "ENG-42"}}, "ENG", True),
        ({"identifier": "ENG-42"}, "EN", False),
        ({"team": {"key": "OPS"}, "title": "ENG"}, "ENG", False),
        ({"team": None}, "ENG", False),
        ({"team": {"key": ["ENG"]}}, "ENG", False),
        (["ENG"], "ENG", False),
    ],
)
def test_the_team(data: Any, team: str, taken: bool) -> None:
    """It is compared with key, id and name, that of a comment's issue too, in capital or small letters."""
    assert linear.on_issue_created(team).accepts(delivered("Issue.create", {"data": data}, source="linear")) is taken


@pytest.mark.parametrize(
    ("subscription", "taken"),
    [
        ({"status": "trialing"}, True),
        ({"status": "active", "trial_start": 1795770000}, True),
        ({"status": "active", "trial_start": None}, False),
        ({}, False),
        ("sub_1", False),
    ],
)
def test_a_trial(subscription: Any, taken: bool) -> None:
    """A subscription that begins without a trial starts no job that waits for trials."""
    body = {"type": "customer.subscription.created", "data": {"object": subscription}}
    sent = delivered("customer.subscription.created", body, source="stripe")
    assert stripe.on_trial_started().accepts(sent) is taken


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: linear.on_issue_created(""), "team='' is no key, id or name of a team"),
        (lambda: linear.on_comment(5), "team=5 is no key, id or name of a team"),
        (lambda: linear.on_event("Project", ["ENG"]), r"on_event\(\"Project\", team=\"ENG\"\)"),
        (lambda: linear.on_event("Issue created"), "event='Issue created' is no name of an event"),
        (lambda: linear.on_event("Project", model=5), "model=5 is not a type"),
        (lambda: stripe.on_event("invoice."), "event='invoice.' is no name of an event"),
        (lambda: stripe.on_event("invoice.paid", model="Invoice"), "model='Invoice' is a string, not a type"),
        (lambda: stripe.on_event("invoice.paid", model={"amount": int}), "is not a type that JSON can be validated"),
        (lambda: stripe.on_event("invoice.paid", model=print), "against: it is a function"),
        (lambda: stripe.on_event("invoice.paid", model=type("Opaque", (), {})), "model=Opaque is not a type"),
    ],
)
def test_wrong_filters_are_refused_at_import(make: Any, said: str) -> None:
    """With the line, what is wrong, and an example."""
    with pytest.raises(JobDefinitionError, match=said) as raised:
        make()
    assert "test_accepting_others.py:" in str(raised.value)
    assert "write it as Triggers." in str(raised.value)
