"""The events of Slack read its own payloads and what people write by hand, and refuse those of other events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from terse_temporal.errors import EventError
from terse_temporal.jobs.event_input import read_event
from terse_temporal.triggers import SlackEvent, SlackMessagePosted, SlackReactionAdded

from ..webhooks import label, payload, payloads, read


def event_of(raw: Any, model: Any) -> Any:
    return read_event(raw, model, job="onboard")


@pytest.mark.parametrize("path", [*payloads("slack/message.*"), *payloads("slack/app_mention")], ids=label)
def test_messages(path: Path) -> None:
    """A message has the fields that are promised, the envelope's and those of its event that are undeclared too."""
    raw = read(path)
    sent = raw["event"]
    for model in (SlackMessagePosted, SlackEvent):
        event = event_of(raw, model)
        assert (event.type, event.channel_id, event.user_id) == (sent["type"], sent["channel"], sent.get("user"))
        assert (event.text, event.timestamp, event.thread_ts) == (sent.get("text"), sent["ts"], sent.get("thread_ts"))
        assert (event.team_id, event.channel_type) == (raw["team_id"], sent.get("channel_type"))
        assert (event.event_id, event.event_ts) == (raw["event_id"], sent["event_ts"])
        assert event.user_name == sent.get("username")


@pytest.mark.parametrize("path", payloads("slack/reaction_added"), ids=label)
def test_reactions(path: Path) -> None:
    """A reaction has what was reacted to."""
    raw = read(path)
    sent = raw["event"]
    event = event_of(raw, SlackReactionAdded)
    assert (event.reaction, event.user_id) == (sent["reaction"], sent["user"])
    assert (event.item_type, event.item_user_id) == (sent["item"]["type"], sent["item_user"])
    assert event.item_channel_id == event.channel_id == sent["item"]["channel"]
    assert (event.item_timestamp, event.timestamp) == (sent["item"]["ts"], sent["event_ts"])


@pytest.mark.parametrize("path", payloads("slack/block_actions"), ids=label)
def test_buttons(path: Path) -> None:
    """What somebody does with a button has no envelope, and objects where events have ids."""
    raw = read(path)
    event = event_of(raw, SlackEvent)
    assert (event.type, event.channel_id, event.channel_name) == (
        "block_actions",
        raw["channel"]["id"],
        raw["channel"]["name"],
    )
    assert (event.user_id, event.user_name, event.team_id) == (
        raw["user"]["id"],
        raw["user"]["name"],
        raw["team"]["id"],
    )
    assert event.actions[0].value == raw["actions"][0]["value"]
    assert event.timestamp == raw["message"]["ts"]


def test_files() -> None:
    """Those of a message are typed, and null is none."""
    raw = payload("slack/message.file_share")
    [file] = event_of(raw, SlackMessagePosted).files
    assert (file.name, file.mimetype, file.size) == ("door.png", "image/png", 2048)
    raw["event"]["files"] = None
    assert event_of(raw, SlackMessagePosted).files == []


@pytest.mark.parametrize(
    "raw",
    [
        {"channel_id": "C1", "user_id": "U1", "text": "hi"},
        {"channelId": "C1", "userId": "U1", "text": "hi"},
        {"channel": "C1", "user": "U1", "text": "hi"},
        {"type": "message", "channel": {"id": "C1"}, "user": {"id": "U1"}, "text": "hi"},
        {"event": {"channel": "C1", "user": "U1", "text": "hi"}},
    ],
)
def test_short_forms(raw: dict[str, Any]) -> None:
    """What people write by hand is enough, by the names of the fields or by Slack's."""
    event = event_of(raw, SlackMessagePosted)
    assert (event.channel_id, event.user_id, event.text, event.thread_ts) == ("C1", "U1", "hi", None)


@pytest.mark.parametrize(
    ("name", "model", "expected"),
    [
        ("reaction_added", SlackMessagePosted, '"message" and "app_mention"'),
        ("block_actions", SlackMessagePosted, '"message" and "app_mention"'),
        ("message.im", SlackReactionAdded, '"reaction_added"'),
        ("app_mention", SlackReactionAdded, '"reaction_added"'),
    ],
)
def test_another_event_is_refused(name: str, model: type[Any], expected: str) -> None:
    """And both events are named."""
    with pytest.raises(EventError) as raised:
        event_of(payload(f"slack/{name}"), model)
    sent = name.partition(".")[0]
    assert f'Slack event "{sent}"; {model.__name__} is read from {expected}' in str(raised.value)


def test_what_a_prompt_and_a_log_say() -> None:
    """What was written, by whom and where, and nothing of what is for the app alone."""
    event = event_of(payload("slack/message.file_share"), SlackMessagePosted)
    assert event.format_for_agent() == (
        "Slack message\ntype: message\ntext: The door squeaks\nuser_id: UADA00001\nchannel_id: CSHOP0001\n"
        "channel_type: channel\ntimestamp: 1795770000.000100\nthread_ts: 1795769000.000100\n"
        "files:\n  - name: door.png\n    mimetype: image/png\n    size: 2048\n"
        "    url_private: https://files.slack.example/door.png\nsubtype: file_share"
    )
    assert event.debug_log().startswith("SlackMessagePosted type='message' text='The door squeaks' user_id=")
    clicked = event_of(payload("slack/block_actions"), SlackEvent)
    for text in (clicked.format_for_agent(), clicked.debug_log()):
        assert "not-a-secret" not in text
        assert "hooks.slack.example" not in text
    assert "value: yes" in clicked.format_for_agent()
