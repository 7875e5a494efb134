"""The events of GitHub read its own payloads and what people write by hand, and refuse those of other events."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from terse_temporal.errors import EventError
from terse_temporal.jobs.event_input import read_event
from terse_temporal.triggers import (
    GitHubEvent,
    IssueCommented,
    IssueOpened,
    PullRequestClosed,
    PullRequestEvent,
    PullRequestMerged,
    PullRequestOpened,
    PullRequestReviewed,
    PullRequestSynchronized,
    Push,
)

from ..webhooks import label, payload, payloads, read

MODELS = {
    "push": Push,
    "pull_request.opened": PullRequestOpened,
    "pull_request.closed": PullRequestClosed,
    "pull_request.synchronize": PullRequestSynchronized,
    "pull_request_review.submitted": PullRequestReviewed,
    "issues.opened": IssueOpened,
    "issue_comment.created": IssueCommented,
}


def event_of(raw: Any, model: Any) -> Any:
    return read_event(raw, model, job="onboard")


def kind(path: Path) -> str:
    """The event that a file is named for: `push.1` is a push."""
    return next((name for name in MODELS if path.stem == name or path.stem.startswith(f"{name}.")), path.stem)


@pytest.mark.parametrize("path", payloads("github/*"), ids=label)
def test_what_all_have_in_common(path: Path) -> None:
    """Repository, sender and commits of every payload are read, by its own model and by that of any event."""
    raw = read(path)
    for model in {MODELS.get(kind(path), GitHubEvent), GitHubEvent}:
        event = event_of(raw, model)
        sent = raw["repository"]
        assert (event.repository.id, event.repository.name) == (sent["id"], sent["name"])
        assert event.repository.default_branch == sent["default_branch"]
        assert event.repository.owner.login == sent["owner"]["login"]
        assert event.sender.login == raw["sender"]["login"]
        assert [(each.sha, each.message) for each in event.commits] == [
            (each["id"], each["message"]) for each in raw.get("commits", ())
        ]
        assert (event.model_extra or {}).keys() == raw.keys() - type(event).model_fields.keys()


@pytest.mark.parametrize("path", payloads("github/p*"), ids=label)
def test_pull_requests(path: Path) -> None:
    """A pull request has the fields that are promised, whichever event it comes with."""
    raw = read(path)
    if "pull_request" not in raw:
        return
    event, sent = event_of(raw, MODELS[kind(path)]).pull_request, raw["pull_request"]
    assert (event.number, event.title, event.body, event.state) == (
        *(sent["number"], sent["title"], sent["body"], sent["state"]),
    )
    assert event.merged is sent.get("merged", sent["merged_at"] is not None)
    assert (event.head.ref, event.base.sha) == (sent["head"]["ref"], sent["base"]["sha"])
    assert event.author.login == event.user.login == sent["user"]["login"]
    assert (event.html_url, event.url) == (sent["html_url"], sent.get("url"))


@pytest.mark.parametrize("path", payloads("github/push.*"), ids=label)
def test_pushes(path: Path) -> None:
    """A push has its branch or its tag."""
    raw = read(path)
    event = event_of(raw, Push)
    assert f"refs/heads/{event.branch}" == raw["ref"] or (
        event.branch is None and f"refs/tags/{event.tag}" == raw["ref"]
    )
    assert (event.before, event.after, event.deleted) == (raw["before"], raw["after"], raw["deleted"])
    assert event.pusher.email == raw["pusher"]["email"]


def test_issues_comments_and_reviews() -> None:
    """Each has what was written, and by whom."""
    opened = event_of(payload("github/issues.opened"), IssueOpened)
    assert (opened.issue.number, opened.issue.is_pull_request) == (
        payload("github/issues.opened")["issue"]["number"],
        False,
    )
    raw = payload("github/issue_comment.created")
    commented = event_of(raw, IssueCommented)
    assert commented.comment.body == raw["comment"]["body"]
    assert commented.comment.author.login == raw["comment"]["user"]["login"]
    raw["issue"]["pull_request"] = {"url": "https://api.github.com/repos/acme/shop/pulls/1"}
    assert event_of(raw, IssueCommented).issue.is_pull_request
    reviewed = event_of(payload("github/pull_request_review.submitted"), PullRequestReviewed)
    assert (reviewed.review.state, reviewed.review.author.login) == ("changes_requested", "ada-example")
    assert reviewed.review.submitted_at == datetime(2026, 11, 27, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "model", "path", "value"),
    [
        ({"branch": "main"}, Push, "branch", "main"),
        ({"ref": "main"}, Push, "branch", "main"),
        ({"ref": "refs/heads/a/b"}, Push, "branch", "a/b"),
        ({"ref": "refs/tags/v1"}, Push, "tag", "v1"),
        ({"ref": "refs/notes/x"}, Push, "branch", None),
        ({"commits": [{"sha": "a1", "message": "x"}]}, Push, "commits.0.sha", "a1"),
        ({"headCommit": {"id": "a1"}}, Push, "head_commit.sha", "a1"),
        ({"pullRequest": {"number": 5}}, PullRequestMerged, "pull_request.merged", True),
        ({"pull_request": {"number": 5}}, PullRequestMerged, "action", "closed"),
        ({"pull_request": {"author": {"login": "ada"}}}, PullRequestOpened, "pull_request.user.login", "ada"),
        ({"pull_request": {"user": {"login": "ada"}}}, PullRequestOpened, "pull_request.author.login", "ada"),
        ({"pull_request": {"user": None}}, PullRequestClosed, "pull_request.author.login", None),
        ({"pull_request": {"number": 5}, "action": "labeled"}, PullRequestEvent, "action", "labeled"),
        ({"review": {"state": "approved"}}, PullRequestReviewed, "pull_request.number", None),
        ({"comment": {"body": "hi"}, "issue": {"number": 3}}, IssueCommented, "issue.number", 3),
        ({"issue": {"htmlUrl": "u"}}, IssueOpened, "issue.html_url", "u"),
        ({"issue": {"labels": [{"name": "bug"}]}}, IssueOpened, "issue.labels.0.name", "bug"),
        ({"issue": {"labels": None}, "commits": None}, IssueOpened, "issue.labels", []),
        ({"commits": [{"id": "a1", "added": ["x.py"], "removed": None}]}, Push, "commits.0.removed", []),
        ({"release": {"tag_name": "v1"}}, GitHubEvent, "release.tagName", "v1"),
    ],
)
def test_short_forms(raw: dict[str, Any], model: Any, path: str, value: Any) -> None:
    """What people write by hand is enough, in either spelling."""
    found = event_of(raw, model)
    for name in path.split("."):
        found = found[int(name)] if name.isdigit() else getattr(found, name)
    assert found == value


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.__name__)
@pytest.mark.parametrize("name", [*(each for each in MODELS if each != "push"), "push.1", "ping", "release.created"])
def test_another_event_is_refused(name: str, model: type[Any]) -> None:
    """And both events are named."""
    sent = name.removesuffix(".1")
    if MODELS.get(sent) is model:
        return
    expected = next(each for each, of in MODELS.items() if of is model)
    with pytest.raises(EventError) as raised:
        event_of(payload(f"github/{name}"), model)
    assert f'GitHub event "{sent}"; {model.__name__} is read from "{expected}"' in str(raised.value)


@pytest.mark.parametrize("raw", [{"action": "created", "starred_at": "now"}, {"action": 5}])
def test_an_event_that_nothing_tells_is_refused(raw: dict[str, Any]) -> None:
    """By its action, which the model's event has not."""
    for model in (Push, IssueOpened):
        with pytest.raises(EventError, match=f"a GitHub event with another action; {model.__name__} is read from"):
            event_of(raw, model)


def test_what_was_not_merged_is_not_merged() -> None:
    """A pull request that was closed without is refused."""
    for raw in (payload("github/pull_request.closed"), {"pullRequest": {"mergedAt": None, "merged_at": None}}):
        with pytest.raises(EventError, match="of a pull request that was not merged"):
            event_of(raw, PullRequestMerged)


def test_what_a_prompt_says() -> None:
    """It begins with what happened, and has neither addresses of the API nor what is for machines."""
    text = event_of(payload("github/release.created"), GitHubEvent).format_for_agent()
    assert text == (
        "GitHub event\naction: created\nrelease:\n  id: 80\n  html_url: https://github.com/acme/shop/releases/tag/v1\n"
        "  tag_name: v1\n  name: The first\n  draft: false\n  prerelease: false\n  author:\n    login: ada-example\n"
        "    id: 2\n    type: User\n    html_url: https://github.com/ada-example\n  body: The shop is open.\n"
        "sender:\n  login: ada-example\n  type: User\n"
        "repository:\n  full_name: acme/shop\n  default_branch: main\n  private: true\n"
        "  html_url: https://github.com/acme/shop"
    )
    text = event_of(payload("github/pull_request_review.submitted"), PullRequestReviewed).format_for_agent()
    assert text.startswith(
        "Pull request reviewed\naction: submitted\nreview:\n  state: changes_requested\n  body: The sign"
    )
    assert text.count("ada-example") == text.count("  login: ada-example")


def test_what_a_log_says() -> None:
    """What happened, on one line."""
    line = event_of(payload("github/push.1"), Push).debug_log()
    assert line.startswith("Push ref='refs/heads/main' branch='main' before=")
    assert len(line) <= 200
    assert "\n" not in line
