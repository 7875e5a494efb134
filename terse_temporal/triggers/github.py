"""Jobs that something on GitHub starts.

GitHub says in an HTTP header which event it sends; the body has only an `action`, which several events share. So the
model recognises other events by the parts that only they have.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypeVar

from ..events import EventModel
from .base import Trigger, UtcDatetime, quoted, refusal

__all__ = ["Branch", "GitHubTrigger", "GitHubTriggers", "PullRequest", "PullRequestOpened", "Repository", "User"]

_EventT_co = TypeVar("_EventT_co", covariant=True, default=Any)

# Owners have letters, digits and hyphens, and an underscore before the suffix of a managed company.
_REPO: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*/[A-Za-z0-9._-]+")

#: The part of a body that tells an event, the more telling first.
_TOLD_BY: Final = {
    "comment": "issue_comment",
    "review": "pull_request_review",
    "issue": "issues",
    "pusher": "push",
    "zen": "ping",
}


class _Part(EventModel):
    """A part of a payload in which nothing is required. What GitHub sends as null (a deleted user) reads as empty."""

    @model_validator(mode="before")
    @classmethod
    def _read_null(cls, raw: object) -> object:
        return {} if raw is None else raw


class User(_Part):
    """A person, app or organisation."""

    id: int | None = None
    login: str | None = None
    type: str | None = None
    html_url: str | None = None


class Repository(_Part):
    """A repository; `full_name` is `"owner/name"`."""

    id: int | None = None
    name: str | None = None
    full_name: str | None = None
    private: bool | None = None
    default_branch: str | None = None
    html_url: str | None = None
    owner: User = Field(default_factory=User)


class Branch(_Part):
    """One side of a pull request."""

    ref: str | None = None
    sha: str | None = None
    label: str | None = None
    repo: Repository = Field(default_factory=Repository)


class PullRequest(EventModel):
    """A pull request: `head` is to be merged into `base`."""

    number: int | None = None
    title: str | None = None
    body: str | None = None
    state: str | None = None
    draft: bool | None = None
    html_url: str | None = None
    created_at: UtcDatetime | None = None
    user: User = Field(default_factory=User)
    head: Branch = Field(default_factory=Branch)
    base: Branch = Field(default_factory=Branch)
    commits: int | None = None
    additions: int | None = None
    deletions: int | None = None
    changed_files: int | None = None


class PullRequestOpened(EventModel):
    """A pull request was opened."""

    action: str = "opened"
    pull_request: PullRequest
    repository: Repository = Field(default_factory=Repository)
    sender: User = Field(default_factory=User)

    @model_validator(mode="before")
    @classmethod
    def _refuse_others(cls, raw: object) -> object:
        if not isinstance(raw, dict):
            return raw
        action = raw.get("action")
        has_pull_request = not raw.keys().isdisjoint(("pull_request", "pullRequest"))
        if has_pull_request and action in (None, "opened"):
            return raw
        event = next((name for part, name in _TOLD_BY.items() if part in raw), "pull_request")
        if event == "issue_comment" and has_pull_request:
            event = "pull_request_review_comment"
        sent = f"{event}.{action}" if isinstance(action, str) else event
        if event != "pull_request" or action not in (None, "opened"):
            raise PydanticCustomError(
                "github_event",
                'this is the GitHub event "{sent}"; {model} is read from "pull_request.opened"',
                {"sent": sent, "model": cls.__name__},
            )
        return raw


@dataclass(frozen=True, kw_only=True, repr=False)
class GitHubTrigger(Trigger[_EventT_co]):
    """An event of one repository, or of all that are connected.

    Attributes:
        repo: `"owner/name"`, or None for all.
    """

    repo: str | None = None

    def _arguments(self) -> list[str]:
        return [] if self.repo is None else [f"repo={quoted(self.repo)}"]


class GitHubTriggers:
    """`Triggers.github`."""

    @staticmethod
    def on_pr_opened(repo: str | None = None) -> GitHubTrigger[PullRequestOpened]:
        """Start the job when a pull request was opened. The event is a `PullRequestOpened`.

        Args:
            repo: only in this repository, given as `"owner/name"`.

        Raises:
            JobDefinitionError: `repo` has another shape.
        """
        name = "github.on_pr_opened"
        given: Any = repo
        if given is not None and not (isinstance(given, str) and _REPO.fullmatch(given)):
            raise refusal(name, f'repo={given!r} is not "owner/name"', f'{name}(repo="acme/web")')
        return GitHubTrigger(source="github", name=name, event_model=PullRequestOpened, repo=repo)
