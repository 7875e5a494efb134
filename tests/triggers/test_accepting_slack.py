"""A trigger of Slack accepts what people post where it listens: no edits, and nothing that the app itself posts."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from terse_temporal.errors import JobDefinitionError
from terse_temporal.triggers import Delivery, Trigger, Triggers
from terse_temporal.triggers.slack.triggers import _warn_of_name

from ..webhooks import payload
from .deliveries import case_id, delivered

slack: Any = Triggers.slack

POSTED = "message.channels"
SENT = [
    *("app_mention", "block_actions", POSTED, "message.bot", "message.changed", "message.file_share", "message.im"),
    "reaction_added",
]


def sent(name: str, **changed: Any) -> Delivery:
    body = payload(f"slack/{name}")
    body.get("event", {}).update(changed)
    return delivered(name.partition(".")[0], body, source="slack")


@pytest.mark.parametrize(
    ("trigger", "accepted"),
    [
        (slack.on_message(), {POSTED, "message.file_share"}),
        (slack.on_message(bots=True), {POSTED, "message.file_share", "message.bot"}),
        (slack.on_message("CSHOP0001"), {POSTED, "message.file_share"}),
        (slack.on_message("COTHER001"), set()),
        (slack.on_message("DADA00001"), {"message.im"}),
        (slack.on_direct_message(), {"message.im"}),
        (slack.on_mention(), {"app_mention"}),
        (slack.on_mention("CSHOP0001"), {"app_mention"}),
        (slack.on_mention("COTHER001"), set()),
        (slack.on_reaction(), {"reaction_added"}),
        (slack.on_reaction("thumbsup"), {"reaction_added"}),
        (slack.on_reaction(":+1:", "CSHOP0001"), {"reaction_added"}),
        (slack.on_reaction("eyes"), set()),
        (slack.on_reaction(channel="COTHER001"), set()),
        (slack.on_event("message"), {name for name in SENT if name.startswith("message")}),
        (slack.on_event("block_actions"), {"block_actions"}),
    ],
    ids=case_id,
)
def test_each_takes_its_own(trigger: Trigger, accepted: set[str]) -> None:
    """Of all that Slack sends."""
    assert {name for name in SENT if trigger.accepts(sent(name))} == accepted


@pytest.mark.parametrize(
    "posted",
    [
        {"bot_id": "BSHOP0001", "app_id": "ASHOP0001", "user": "USHOPBOT1"},
        {"bot_id": "BSHOP0001", "bot_profile": {"app_id": "ASHOP0001"}},
        {"user": "USHOPBOT1"},
    ],
)
def test_what_the_app_posts_starts_nothing(posted: dict[str, Any]) -> None:
    """Not even where bots are welcome: a job that posts where it listens would start itself for ever."""
    for bots in (False, True):
        assert not slack.on_message(bots=bots).accepts(sent(POSTED, **posted))
        assert not slack.on_mention(bots=bots).accepts(sent("app_mention", **posted))
        assert not slack.on_direct_message(bots=bots).accepts(sent("message.im", **posted))
    assert slack.on_event("message").accepts(sent(POSTED, **posted))


def test_what_the_app_reacts_with_starts_nothing() -> None:
    """An app that marks with eyes what it reads does not wake itself by them."""
    assert not slack.on_reaction().accepts(sent("reaction_added", user="USHOPBOT1"))


@pytest.mark.parametrize(
    "other", [{"bot_id": "BOTHER001", "app_id": "AOTHER001"}, {"subtype": "bot_message"}, {"user": "USLACKBOT"}]
)
def test_other_bots_count_where_they_are_asked_for(other: dict[str, Any]) -> None:
    """And else they do not."""
    assert not slack.on_message().accepts(sent(POSTED, **other))
    assert slack.on_message(bots=True).accepts(sent(POSTED, **other))


@pytest.mark.parametrize("subtype", ["message_changed", "message_deleted", "channel_join", "channel_topic", 5, ["x"]])
def test_what_is_no_posted_message_starts_nothing(subtype: Any) -> None:
    """Edits, deletions and what Slack itself has to say are messages to Slack alone."""
    for bots in (False, True):
        assert not slack.on_message(bots=bots).accepts(sent(POSTED, subtype=subtype))


@pytest.mark.parametrize("subtype", ["file_share", "me_message", "thread_broadcast"])
def test_what_people_post_starts_jobs(subtype: str) -> None:
    """With a file, or from a thread."""
    assert slack.on_message().accepts(sent(POSTED, subtype=subtype))


def test_a_channel_by_name(caplog: pytest.LogCaptureFixture) -> None:
    """It is compared with the name that an event has, which few have: a line in the log says so where it is written."""
    _warn_of_name.cache_clear()
    with caplog.at_level(logging.WARNING):
        triggers = [slack.on_message("#deploys") for _ in range(3)]
    trigger = triggers[-1]
    assert caplog.text.count("#deploys") == 1  # a module may be executed for every run
    assert "test_accepting_slack.py:" in caplog.text
    assert "name their channel by its id" in caplog.text
    assert trigger.accepts(sent(POSTED, channel_name="deploys"))
    assert trigger.accepts(sent(POSTED, channel={"id": "C1DEPLOYS", "name": "deploys"}))
    assert not trigger.accepts(sent(POSTED))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: slack.on_message(""), "channel='' is neither the id of a channel nor its name"),
        (lambda: slack.on_message("the shop"), "channel='the shop' is neither"),
        (lambda: slack.on_mention("Deploys"), "channel='Deploys' is neither"),
        (lambda: slack.on_message(["C1"]), "is neither the id of a channel nor its name"),
        (lambda: slack.on_message(bots="yes"), "bots='yes' is not True or False"),
        (lambda: slack.on_reaction("thumbs up"), "reaction='thumbs up' is no name of an emoji"),
        (lambda: slack.on_reaction(5), "reaction=5 is no name of an emoji"),
        (lambda: slack.on_event("message channels"), "event='message channels' is no name of an event"),
        (lambda: slack.on_event("message.im"), "is what an app subscribes to; what Slack sends is a 'message'"),
        (lambda: slack.on_event("team_join", model="TeamJoin"), "model='TeamJoin' is a string, not a type"),
    ],
)
def test_wrong_filters_are_refused_at_import(make: Any, said: str) -> None:
    """With the line, what is wrong, and an example."""
    with pytest.raises(JobDefinitionError, match=said) as raised:
        make()
    assert "test_accepting_slack.py:" in str(raised.value)
    assert "write it as Triggers.slack." in str(raised.value)


def test_no_secret_gets_into_a_run() -> None:
    """The token by which Slack once said that it is Slack is left out of the event; the rest is as it was sent."""
    delivery = sent(POSTED)
    assert slack.on_message().event(delivery) == {key: each for key, each in delivery.body.items() if key != "token"}
