"""The events of GitHub.

GitHub says in an HTTP header which event it sends; the body has only an `action`, which several events share. So the
models recognise other events by the parts that only they have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from ...diagnostics.text import shorten
from ...events import EventModel
from ..parts import BUILT_WHEN_USED, ListOf
from .parts import Comment, Commit, Issue, PullRequest, Repository, Review, User

__all__ = [
    "GitHubEvent",
    "IssueCommented",
    "IssueOpened",
    "PullRequestClosed",
    "PullRequestEvent",
    "PullRequestMerged",
    "PullRequestOpened",
    "PullRequestReviewed",
    "PullRequestSynchronized",
    "Push",
]

#: The part of a body that tells an event, the more telling first.
_TOLD_BY: Final = {
    "comment": "issue_comment",
    "review": "pull_request_review",
    "thread": "pull_request_review_thread",
    "pull_request": "pull_request",
    "pullRequest": "pull_request",
    "issue": "issues",
    "pusher": "push",
    "release": "release",
    "discussion": "discussion",
    "workflow_job": "workflow_job",
    "workflow_run": "workflow_run",
    "check_run": "check_run",
    "check_suite": "check_suite",
    "deployment_status": "deployment_status",
    "deployment": "deployment",
    "forkee": "fork",
    "zen": "ping",
}


_LAST: Final = ("commits", "sender", "repository")

#: Of what GitHub sends, what says nothing to people; and of its addresses, all but those of pages.
_SAYS_NOTHING: Final = frozenset(
    {"_links", "gravatar_id", "node_id", "reactions", "site_admin", "url", "user_view_type"}
)


def _without_addresses(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_addresses(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _without_addresses(item)
        for key, item in dict.items(value)
        if key not in _SAYS_NOTHING and (key == "html_url" or not key.endswith("_url"))
    }


def _event_of(raw: dict[str, Any]) -> str | None:
    """Return which event a body is of, as far as it tells."""
    event = next((name for part, name in _TOLD_BY.items() if part in raw), None)
    if event == "issue_comment" and "issue" not in raw:
        if not raw.keys().isdisjoint(("pull_request", "pullRequest")):
            return "pull_request_review_comment"
        return "discussion_comment" if "discussion" in raw else event
    return event


class _GitHubEvent(EventModel):
    """What events of GitHub have in common."""

    model_config: ClassVar[ConfigDict] = BUILT_WHEN_USED

    action: str | None = None
    repository: Repository = Field(default_factory=Repository)
    sender: User = Field(default_factory=User)
    commits: ListOf[Commit] = Field(default_factory=list)

    def _shown(self) -> dict[str, Any]:
        shown = super()._shown()
        # Where it happened, and by whom, is less than what happened.
        return {
            **{name: value for name, value in shown.items() if name not in _LAST},
            **{name: shown[name] for name in _LAST},
        }


class GitHubEvent(_GitHubEvent):
    """Any event of GitHub: what all have in common is typed, and the rest of the body reads as attributes too."""

    model_config: ClassVar[ConfigDict] = ConfigDict(title="GitHub event")

    def _shown(self) -> dict[str, Any]:
        return {"action": self.action, **_without_addresses(self.model_extra or {}), **super()._shown()}

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


class _OneEvent(_GitHubEvent):
    """An event that has a model of its own."""

    #: What GitHub calls the event in its header, and the action that the model is of: `"*"` for all, or None where the
    #: event has none.
    github_event: ClassVar[str]
    github_action: ClassVar[str | None]

    @model_validator(mode="before")
    @classmethod
    def _refuse_others(cls, raw: object) -> object:
        if not isinstance(raw, dict):
            return raw
        event, action = _event_of(raw), raw.get("action")
        other_event = event is not None and event != cls.github_event
        other_action = action is not None and cls.github_action not in ("*", action)
        if other_event or other_action:
            name = f"{event}.{shorten(action, 60)}" if isinstance(action, str) else event
            said = f'the GitHub event "{name}"' if event else "a GitHub event with another action"
            expected = cls.github_event + (f".{cls.github_action}" if cls.github_action not in (None, "*") else "")
            raise PydanticCustomError(
                "github_event",
                'this is {said}; {model} is read from "{expected}"',
                {"said": said, "model": cls.__name__, "expected": expected},
            )
        return raw


class Push(_OneEvent):
    """Commits were pushed to a branch, or a branch or tag was made, moved or deleted.

    Attributes:
        ref: what was pushed, in full: `"refs/heads/main"`.
        branch: the branch, or None where it is a tag.
        tag: the tag, or None where it is a branch.
        commits: at most 2048, the oldest first; none, where something was deleted.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(json_schema_extra={"examples": [{"branch": "main"}]})
    github_event: ClassVar[str] = "push"
    github_action: ClassVar[str | None] = None

    ref: str | None = None
    branch: str | None = None
    tag: str | None = None
    before: str | None = None
    after: str | None = None
    created: bool | None = None
    deleted: bool | None = None
    forced: bool | None = None
    compare: str | None = None
    pusher: User = Field(default_factory=User, repr=False)
    head_commit: Commit | None = Field(default=None, repr=False)

    @model_validator(mode="before")
    @classmethod
    def _read_ref(cls, raw: object) -> object:
        if not isinstance(raw, dict) or not isinstance(ref := raw.get("ref"), str):
            return raw
        branch, tag = branch_of(ref), ref.removeprefix("refs/tags/") if ref.startswith("refs/tags/") else None
        return {"branch": branch, "tag": tag, **raw}


def branch_of(ref: Any) -> str | None:
    """Return the branch that the ref of a push names; `None` where it is none."""
    if not isinstance(ref, str) or (ref.startswith("refs/") and not ref.startswith("refs/heads/")):
        return None
    return ref.removeprefix("refs/heads/")


class PullRequestEvent(_OneEvent):
    """Something happened to a pull request; `action` says what: `"opened"`, `"labeled"`, `"closed"`, …"""

    github_event: ClassVar[str] = "pull_request"
    github_action: ClassVar[str | None] = "*"

    pull_request: PullRequest


class PullRequestOpened(PullRequestEvent):
    """A pull request was opened."""

    github_action: ClassVar[str | None] = "opened"

    action: str = "opened"


class PullRequestClosed(PullRequestEvent):
    """A pull request was closed; `pull_request.merged` says whether by merging it."""

    github_action: ClassVar[str | None] = "closed"

    action: str = "closed"


class PullRequestMerged(PullRequestClosed):
    """A pull request was merged."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_unmerged(cls, raw: object) -> object:
        match raw:
            case {"pull_request": dict(pull_request)} | {"pullRequest": dict(pull_request)}:
                merged = pull_request.get("merged")
                if merged is None and pull_request.get("merged_at") is None and "merged_at" in pull_request:
                    merged = False
                if merged is False:
                    raise PydanticCustomError(
                        "github_merged",
                        'this is the GitHub event "{sent}" of a pull request that was not merged; {model} is read from'
                        " one that was",
                        {"sent": "pull_request.closed", "model": cls.__name__},
                    )
        return raw

    @model_validator(mode="after")
    def _say_merged(self) -> PullRequestMerged:
        self.pull_request.merged = True
        return self


class PullRequestSynchronized(PullRequestEvent):
    """Commits were pushed to a pull request."""

    github_action: ClassVar[str | None] = "synchronize"

    action: str = "synchronize"
    before: str | None = None
    after: str | None = None


class PullRequestReviewed(_OneEvent):
    """A review of a pull request was submitted."""

    model_config: ClassVar[ConfigDict] = ConfigDict(json_schema_extra={"examples": [{"review": {"state": "approved"}}]})
    github_event: ClassVar[str] = "pull_request_review"
    github_action: ClassVar[str | None] = "submitted"

    action: str = "submitted"
    review: Review
    pull_request: PullRequest = Field(default_factory=PullRequest)


class IssueOpened(_OneEvent):
    """An issue was opened."""

    github_event: ClassVar[str] = "issues"
    github_action: ClassVar[str | None] = "opened"

    action: str = "opened"
    issue: Issue


class IssueCommented(_OneEvent):
    """Somebody commented on an issue, or on a pull request, which `issue.is_pull_request` tells."""

    model_config: ClassVar[ConfigDict] = ConfigDict(json_schema_extra={"examples": [{"comment": {"body": "text"}}]})
    github_event: ClassVar[str] = "issue_comment"
    github_action: ClassVar[str | None] = "created"

    action: str = "created"
    comment: Comment
    issue: Issue = Field(default_factory=Issue)
