"""A job with several triggers takes a union of their events, and gets the one that was sent."""

from __future__ import annotations

from typing import Any

import pytest

from terse_temporal.errors import EventError
from terse_temporal.jobs.event_input import read_event
from terse_temporal.triggers import (
    GitHubEvent,
    LinearCommentCreated,
    LinearIssueCreated,
    PullRequestEvent,
    PullRequestOpened,
    PullRequestSynchronized,
    Push,
    SlackMessagePosted,
    SlackReactionAdded,
)

from ..webhooks import payload

OF_CODE: Any = PullRequestOpened | PullRequestSynchronized | Push


@pytest.mark.parametrize(
    ("sent", "expected", "read"),
    [
        ("github/pull_request.opened", OF_CODE, PullRequestOpened),
        ("github/pull_request.synchronize", OF_CODE, PullRequestSynchronized),
        ("github/push.1", OF_CODE, Push),
        ("github/push.1", GitHubEvent, GitHubEvent),
        ("github/pull_request.closed", PullRequestEvent, PullRequestEvent),
        ("slack/message.channels", SlackReactionAdded | SlackMessagePosted, SlackMessagePosted),
        ("slack/reaction_added", SlackMessagePosted | SlackReactionAdded, SlackReactionAdded),
        ("linear/Comment.create", LinearIssueCreated | LinearCommentCreated, LinearCommentCreated),
    ],
)
def test_the_one_that_was_sent(sent: str, expected: Any, read: type) -> None:
    """Whatever their order."""
    assert type(read_event(payload(sent), expected, job="onboard")) is read


def test_none_of_them() -> None:
    """What is refused names each of them as it is called."""
    with pytest.raises(EventError) as raised:
        read_event(payload("github/issues.opened"), OF_CODE, job="onboard")
    assert '\n  PullRequestOpened: this is the GitHub event "issues.opened"; PullRequestOpened is' in str(raised.value)
    assert "function" not in str(raised.value)
