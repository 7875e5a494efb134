"""A trigger described as JSON is made anew from it, and what is no such description is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel

from terse_temporal.errors import UnknownTriggerError
from terse_temporal.triggers import Trigger, Triggers
from terse_temporal.triggers.catalog import trigger_from


class Release(BaseModel):
    action: str


TRIGGERS: list[Trigger] = [
    Triggers.github.on_push(),
    Triggers.github.on_push("acme/web", branch="release/*"),
    Triggers.github.on_pr(repo="acme/web"),
    Triggers.github.on_pr_opened(),
    Triggers.github.on_pr_merged("acme/web"),
    Triggers.github.on_pr_closed(),
    Triggers.github.on_pr_synchronized(),
    Triggers.github.on_pr_reviewed(),
    Triggers.github.on_issue_opened(),
    Triggers.github.on_issue_comment(),
    Triggers.github.on_event("release.created", "acme/web"),
    Triggers.linear.on_issue_created("ENG"),
    Triggers.linear.on_issue_updated(),
    Triggers.linear.on_comment(team="ENG"),
    Triggers.linear.on_event("Project.update", "ENG"),
    Triggers.slack.on_message("C061EG9SL", bots=True),
    Triggers.slack.on_direct_message(bots=True),
    Triggers.slack.on_direct_message(),
    Triggers.slack.on_mention(),
    Triggers.slack.on_reaction("eyes", channel="C061EG9SL"),
    Triggers.slack.on_event("team_join"),
    Triggers.stripe.on_customer_created(),
    Triggers.stripe.on_trial_started(),
    Triggers.stripe.on_event("invoice.paid"),
]


@pytest.mark.parametrize("trigger", TRIGGERS, ids=repr)
def test_a_trigger_is_made_anew(trigger: Trigger) -> None:
    """By its description, which has been JSON in between."""
    assert trigger_from(json.loads(json.dumps(trigger.reference()))) == trigger


def test_a_model_of_the_users_does_not_travel() -> None:
    """What is made anew accepts the same, and its event is of the trigger's own model."""
    trigger = Triggers.github.on_event("release", model=Release)
    assert trigger.reference() == {"trigger": "github.on_event", "arguments": {"event": "release"}}
    assert trigger_from(trigger.reference()) == Triggers.github.on_event("release")
    assert trigger.describe() == 'github.on_event("release", model=Release)'


def deep() -> Any:
    value: Any = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        (None, "what is no trigger"),
        ([], "what is no trigger"),
        ({}, "what is no trigger"),
        ({"trigger": 5, "arguments": {}}, "what is no trigger"),
        ({"trigger": "github.on_push"}, "what is no trigger"),
        ({"trigger": "github.on_push", "arguments": []}, "what is no trigger"),
        ({"trigger": "github.on_pushed", "arguments": {}}, r"'github\.on_pushed'.*did you mean .*github\.on_push"),
        ({"trigger": "x" * 1_000_000, "arguments": {}}, "which this version does not have"),
        ({"trigger": "github.__init__", "arguments": {}}, "which this version does not have"),
        ({"trigger": "schedule.cron", "arguments": {"expression": "* * * * *"}}, "which this version does not have"),
        ({"trigger": "webhook.on_request", "arguments": {}}, "which this version does not have"),
        ({"trigger": "github.on_push", "arguments": {"repo": "acme"}}, 'is not "owner/name"'),
        ({"trigger": "github.on_push", "arguments": {"branch": "x" * 501}}, "does not take: branch"),
        ({"trigger": "github.on_push", "arguments": {"branch": deep()}}, "does not take: branch"),
        ({"trigger": "github.on_push", "arguments": {"tag": "v1"}}, "does not take: tag"),
        ({"trigger": "github.on_event", "arguments": {}}, "'event'"),
        ({"trigger": "github.on_event", "arguments": {"event": True}}, "is no name of an event"),
        ({"trigger": "github.on_event", "arguments": {"event": "release", "model": "os:system"}}, "take: model"),
    ],
    ids=range(18),
)
def test_what_is_no_description_is_refused(reference: Any, said: str) -> None:
    """In one way, and with a message that is no longer than it has to be."""
    with pytest.raises(UnknownTriggerError, match=said) as raised:
        trigger_from(reference)
    assert len(str(raised.value)) < 500


def test_every_trigger_of_a_vendor_is_made_anew() -> None:
    """None is forgotten above."""
    vendors = {"github": Triggers.github, "linear": Triggers.linear, "slack": Triggers.slack, "stripe": Triggers.stripe}
    there = {
        f"{source}.{name}" for source, vendor in vendors.items() for name in vars(vendor) if name.startswith("on_")
    }
    assert {trigger.name for trigger in TRIGGERS} == there
