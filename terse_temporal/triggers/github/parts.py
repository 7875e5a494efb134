"""What the events of GitHub are made of. GitHub leaves much of it out, or sends null: nothing is required."""

from __future__ import annotations

from typing import ClassVar

from pydantic import ConfigDict, Field, model_validator

from ...events import EventModel
from ..base import UtcDatetime
from ..parts import BUILT_WHEN_USED, ListOf, Part

__all__ = ["Branch", "Comment", "Commit", "Issue", "Label", "PullRequest", "Repository", "Review", "User"]


class User(Part):
    """A person, app or organisation. An app's `type` is `"Bot"`."""

    login: str | None = None
    name: str | None = None
    email: str | None = None
    type: str | None = None
    id: int | None = Field(default=None, repr=False)
    html_url: str | None = Field(default=None, repr=False)


class Repository(Part):
    """A repository; `full_name` is `"owner/name"`."""

    full_name: str | None = None
    name: str | None = Field(default=None, repr=False)
    default_branch: str | None = None
    private: bool | None = None
    html_url: str | None = None
    id: int | None = Field(default=None, repr=False)
    owner: User = Field(default_factory=User, repr=False)


class Branch(Part):
    """One side of a pull request."""

    ref: str | None = None
    sha: str | None = None
    label: str | None = Field(default=None, repr=False)
    repo: Repository = Field(default_factory=Repository, repr=False)


class Commit(Part):
    """A commit of a push."""

    sha: str | None = None
    message: str | None = None
    author: User = Field(default_factory=User)
    timestamp: UtcDatetime | None = None
    url: str | None = None
    added: ListOf[str] = Field(default_factory=list)
    modified: ListOf[str] = Field(default_factory=list)
    removed: ListOf[str] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _read_id(cls, raw: object) -> object:
        # In a push, GitHub calls it the id.
        return {"sha": raw["id"], **raw} if isinstance(raw, dict) and "id" in raw else raw


class Label(Part):
    """A label of an issue or pull request."""

    name: str | None = None
    description: str | None = Field(default=None, repr=False)


class _Authored(EventModel):
    """What somebody has written. GitHub calls them the `user`, and here they are the `author` too."""

    model_config: ClassVar[ConfigDict] = BUILT_WHEN_USED

    @model_validator(mode="before")
    @classmethod
    def _read_author(cls, raw: object) -> object:
        if not isinstance(raw, dict):
            return raw
        if raw.get("author") is None:
            return {**raw, "author": raw.get("user")}
        return {"user": raw["author"], **raw}


class Issue(_Authored):
    """An issue, or a pull request where somebody comments on one: `is_pull_request` tells."""

    number: int | None = None
    title: str | None = None
    body: str | None = None
    state: str | None = None
    url: str | None = Field(default=None, repr=False)
    html_url: str | None = None
    created_at: UtcDatetime | None = None
    labels: ListOf[Label] = Field(default_factory=list)
    author: User = Field(default_factory=User)
    user: User = Field(default_factory=User, repr=False)

    @property
    def is_pull_request(self) -> bool:
        """Whether it is a pull request, which GitHub counts among the issues."""
        return (self.model_extra or {}).get("pull_request") is not None


class Comment(_Authored):
    """A comment on an issue or pull request."""

    body: str | None = None
    id: int | None = Field(default=None, repr=False)
    url: str | None = Field(default=None, repr=False)
    html_url: str | None = None
    created_at: UtcDatetime | None = None
    author: User = Field(default_factory=User)
    user: User = Field(default_factory=User, repr=False)


class Review(_Authored):
    """A review of a pull request; its `state` is `"approved"`, `"changes_requested"` or `"commented"`."""

    id: int | None = Field(default=None, repr=False)
    state: str | None = None
    body: str | None = None
    html_url: str | None = None
    submitted_at: UtcDatetime | None = None
    author: User = Field(default_factory=User)
    user: User = Field(default_factory=User, repr=False)


class PullRequest(_Authored):
    """A pull request: `head` is to be merged into `base`.

    `html_url` is its page, and `url`, as GitHub has it, its address in the API. `merged` is None where GitHub does not
    say.
    """

    number: int | None = None
    title: str | None = None
    body: str | None = None
    state: str | None = None
    merged: bool | None = None
    draft: bool | None = None
    url: str | None = Field(default=None, repr=False)
    html_url: str | None = None
    created_at: UtcDatetime | None = None
    author: User = Field(default_factory=User)
    user: User = Field(default_factory=User, repr=False)
    labels: ListOf[Label] = Field(default_factory=list)
    head: Branch = Field(default_factory=Branch)
    base: Branch = Field(default_factory=Branch)
    commits: int | None = None
    additions: int | None = None
    deletions: int | None = None
    changed_files: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_merged(cls, raw: object) -> object:
        # The short pull request of a review has but the time.
        if isinstance(raw, dict) and raw.get("merged") is None and "merged_at" in raw:
            return {**raw, "merged": raw["merged_at"] is not None}
        return raw
