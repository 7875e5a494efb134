"""A trigger of GitHub accepts the deliveries that it names and that pass its filters, and no others."""

from __future__ import annotations

from typing import Any

import pytest

from terse_temporal.errors import JobDefinitionError
from terse_temporal.triggers import Trigger, Triggers

from ..webhooks import payload
from .deliveries import case_id, delivered

github: Any = Triggers.github

SENT: dict[str, Any] = {
    "push": payload("github/push.1"),
    **{
        name: payload(f"github/{name}")
        for name in (
            *("pull_request.opened", "pull_request.closed", "pull_request.synchronize"),
            *("issues.opened", "issue_comment.created", "ping"),
        )
    },
    "pull_request_review.submitted": {"action": "submitted", "review": {}, "pull_request": {}},
    "release.created": {"action": "created", "release": {}},
    "release.published": {"action": "published", "release": {}},
    "released": {},
}


@pytest.mark.parametrize(
    ("trigger", "accepted"),
    [
        (github.on_push(), {"push"}),
        (github.on_pr(), {"pull_request.opened", "pull_request.closed", "pull_request.synchronize"}),
        (github.on_pr_opened(), {"pull_request.opened"}),
        (github.on_pr_closed(), {"pull_request.closed"}),
        (github.on_pr_synchronized(), {"pull_request.synchronize"}),
        (github.on_pr_reviewed(), {"pull_request_review.submitted"}),
        (github.on_issue_opened(), {"issues.opened"}),
        (github.on_issue_comment(), {"issue_comment.created"}),
        (github.on_event("release"), {"release.created", "release.published"}),
        (github.on_event("release.created"), {"release.created"}),
        (github.on_event("ping"), {"ping"}),
        (Triggers.stripe.on_event("ping"), set()),
    ],
    ids=case_id,
)
def test_each_takes_its_own(trigger: Trigger, accepted: set[str]) -> None:
    """Of all that GitHub sends."""
    assert {kind for kind, body in SENT.items() if trigger.accepts(delivered(kind, body))} == accepted


def test_merged_is_closed_by_merging() -> None:
    """What is closed without starts no job that waits for merged ones; one that waits for closed ones takes both."""
    for merged in (True, False, None):
        sent = delivered("pull_request.closed", {"action": "closed", "pull_request": {"merged": merged}})
        assert github.on_pr_merged().accepts(sent) is (merged is True)
        assert github.on_pr_closed().accepts(sent)


@pytest.mark.parametrize("repo", ["acme/shop", "Acme/Shop", "ACME/SHOP"])
def test_the_repository_is_compared_as_github_does(repo: str) -> None:
    """Capital letters are none of its business, and another repository, or none, is another."""
    body = payload("github/push.1")
    assert github.on_push(repo).accepts(delivered("push", body))
    assert not github.on_push(f"{repo}s").accepts(delivered("push", body))
    others: list[Any] = [{}, {"repository": None}, {"repository": {"full_name": 5}}, [], None]
    for other in others:
        assert not github.on_push(repo).accepts(delivered("push", other))


@pytest.mark.parametrize(
    ("branch", "ref", "taken"),
    [
        ("main", "refs/heads/main", True),
        ("main", "refs/heads/Main", False),
        ("main", "refs/heads/maintenance", False),
        ("main", "refs/heads/feature/main", False),
        ("main", "refs/tags/main", False),
        ("release/*", "refs/heads/release/1.2", True),
        ("release/*", "refs/heads/release/1/hotfix", True),
        ("release/*", "refs/heads/release", False),
        ("*", "refs/heads/anything/at/all", True),
        ("*", "refs/tags/v1", False),
        ("*/fix-*", "refs/heads/ada/fix-door", True),
    ],
)
def test_the_branch(branch: str, ref: str, taken: bool) -> None:
    """It is compared exactly, stars stand for any text, and a tag is no branch."""
    body = {"ref": ref, "deleted": False}
    assert github.on_push(branch=branch).accepts(delivered("push", body)) is taken
    assert not github.on_push(branch=branch).accepts(delivered("push", {**body, "deleted": True}))
    assert github.on_push().accepts(delivered("push", {**body, "deleted": True}))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: github.on_push(repo="acme"), r"repo='acme' is not \"owner/name\""),
        (lambda: github.on_push(branch=""), "branch='' is no name of a branch"),
        (lambda: github.on_push(branch="refs/heads/main"), "branch='refs/heads/main' is no name of a branch"),
        (lambda: github.on_push(branch="a b"), "branch='a b' is no name of a branch"),
        (lambda: github.on_push(branch="v[0-9]"), "is no name of a branch, nor a pattern with stars"),
        (lambda: github.on_push(branch=["main"]), "is no name of a branch"),
        (lambda: github.on_pr(repo=5), "repo=5 is not"),
        (lambda: github.on_event(""), "event='' is no name of an event"),
        (lambda: github.on_event("release created"), "event='release created' is no name of an event"),
        (lambda: github.on_event(["release"]), "is no name of an event"),
        (lambda: github.on_event("release", "acme"), r"on_event\(\"release\", repo=\"acme/web\"\)"),
        (lambda: github.on_event("release", model="Release"), "model='Release' is a string, not a type"),
        (lambda: github.on_event("release", model=5), "model=5 is not a type"),
    ],
)
def test_wrong_filters_are_refused_at_import(make: Any, said: str) -> None:
    """With the line, what is wrong, and an example."""
    with pytest.raises(JobDefinitionError, match=said) as raised:
        make()
    assert f"{__file__.rpartition('/')[2]}:" in str(raised.value)
    assert "write it as Triggers.github." in str(raised.value)
