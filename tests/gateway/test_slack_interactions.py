"""What comes from Slack about a question is read, whatever it is: Slack signs what its users make it send."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from terse_temporal.gateway.slack_interactions import is_of_a_question, read_click, read_submission

KEYS = st.sampled_from(
    [
        *("type", "user", "id", "name", "view", "callback_id", "private_metadata", "state", "actions", "action_id"),
        *("value", "block_id", "selected_option", "trigger_id", "response_url"),
    ]
)
TEXTS = st.sampled_from(
    [
        *("block_actions", "terse.input.answer.v1", "terse.input.menu.v1", "terse.input.choose.v1:x"),
        *("U061F7AUR", '["t", null]', "\ud800", ""),
    ]
)
JSON = st.recursive(
    TEXTS | st.none() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
ACTION = st.fixed_dictionaries({"action_id": TEXTS | JSON, "selected_option": JSON})
VIEW = st.fixed_dictionaries({"callback_id": TEXTS | JSON, "private_metadata": TEXTS | JSON})


@settings(max_examples=100, deadline=None)
@given(
    body=st.fixed_dictionaries(
        {"type": st.sampled_from(["block_actions", "view_submission"])},
        optional={
            "user": st.just({"id": "U061F7AUR"}) | JSON,
            "view": VIEW | JSON,
            "actions": st.lists(ACTION | JSON) | JSON,
        },
    )
)
def test_whatever_slack_sends_is_read(body: dict[str, Any]) -> None:
    """No payload makes reading it raise, and what is read is of a question, and has a user."""
    found = read_click(body) if body["type"] == "block_actions" else read_submission(body)
    is_ours = is_of_a_question(body)
    if found is not None:
        assert is_ours
        assert found.user == "U061F7AUR"
        assert isinstance(found.token, str)
