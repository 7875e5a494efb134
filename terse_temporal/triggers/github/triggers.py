"""Jobs that something on GitHub starts."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, overload

from typing_extensions import TypeVar

from ..base import refusal
from ..vendor import VendorTrigger, check_event, value_at
from .events import (
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
    branch_of,
)

if TYPE_CHECKING:
    from typing_extensions import TypeForm

__all__ = ["GitHubTrigger", "GitHubTriggers"]

_T = TypeVar("_T")
_EventT_co = TypeVar("_EventT_co", covariant=True, default=Any)

# Owners have letters, digits and hyphens, and an underscore before the suffix of a managed company.
_REPO: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*/[A-Za-z0-9._-]+")

#: What no branch of Git can have in its name, the star left out: here that stands for any text.
_NOT_IN_BRANCHES: Final = re.compile(r"[\x00-\x20\x7f~^:?\[\\]|\.\.|@\{|^/|//|^refs/")

#: Characters of a branch, and of a pattern for branches.
_LONGEST_BRANCH: Final = 255


@dataclass(frozen=True, kw_only=True, repr=False)
class GitHubTrigger(VendorTrigger[_EventT_co]):
    """An event of one repository, or of all that are connected.

    Attributes:
        repo: `"owner/name"`, or None for all. GitHub does not tell capital letters from small ones in it.
        branch: of a push: the branch, or a pattern for it; None for all, and for tags.
        merged: of a pull request that was closed: only if it was merged.
    """

    repo: str | None = None
    branch: str | None = None
    merged: bool = False

    def _passes(self, body: Any) -> bool:
        if self.repo is not None:
            sent = value_at(body, "repository", "full_name")
            if not (isinstance(sent, str) and sent.lower() == self.repo.lower()):
                return False
        if self.merged and value_at(body, "pull_request", "merged") is not True:
            return False
        if self.branch is not None:
            sent = branch_of(value_at(body, "ref"))
            # A branch that was deleted got no push.
            return (
                sent is not None
                and len(sent) <= _LONGEST_BRANCH
                and fnmatch.fnmatchcase(sent, self.branch)
                and value_at(body, "deleted") is not True
            )
        return True

    def _filters(self) -> dict[str, Any]:
        return {"repo": self.repo, "branch": self.branch}


class GitHubTriggers:
    """`Triggers.github`. Every one takes `repo`: `"owner/name"`; without it, all that send here start the job."""

    @staticmethod
    def on_push(repo: str | None = None, branch: str | None = None) -> GitHubTrigger[Push]:
        """Start the job when something was pushed (`push`). The event is a `Push`.

        Args:
            repo: only in this repository, given as `"owner/name"`.
            branch: only to this branch, `"main"`, or to those of a pattern, `"release/*"`, in which a star stands for
                any text, slashes too. Without it tags start the job as well, and so do branches that are deleted:
                `event.branch` and `event.deleted` tell.

        Raises:
            JobDefinitionError: `repo` or `branch` has another shape.
        """
        name = "github.on_push"
        if branch is not None and not _is_branch(branch):
            problem = f"branch={branch!r} is no name of a branch, nor a pattern with stars"
            raise refusal(name, problem, f'{name}(repo="acme/web", branch="main")')
        return _trigger(name, ("push",), Push, repo, branch=branch)

    @staticmethod
    def on_pr(repo: str | None = None) -> GitHubTrigger[PullRequestEvent]:
        """Start the job whenever something happens to a pull request (`pull_request`, every action).

        The event is a `PullRequestEvent`, whose `action` says what it is.
        """
        return _trigger("github.on_pr", ("pull_request",), PullRequestEvent, repo)

    @staticmethod
    def on_pr_opened(repo: str | None = None) -> GitHubTrigger[PullRequestOpened]:
        """Start the job when a pull request was opened. The event is a `PullRequestOpened`.

        Args:
            repo: only in this repository, given as `"owner/name"`.

        Raises:
            JobDefinitionError: `repo` has another shape.
        """
        return _trigger("github.on_pr_opened", ("pull_request.opened",), PullRequestOpened, repo)

    @staticmethod
    def on_pr_merged(repo: str | None = None) -> GitHubTrigger[PullRequestMerged]:
        """Start the job when a pull request was merged (`pull_request.closed`). The event is a `PullRequestMerged`."""
        return _trigger("github.on_pr_merged", ("pull_request.closed",), PullRequestMerged, repo, merged=True)

    @staticmethod
    def on_pr_closed(repo: str | None = None) -> GitHubTrigger[PullRequestClosed]:
        """Start the job when a pull request was closed, by merging it or without. The event is a `PullRequestClosed`.

        Its `pull_request.merged` tells which.
        """
        return _trigger("github.on_pr_closed", ("pull_request.closed",), PullRequestClosed, repo)

    @staticmethod
    def on_pr_synchronized(repo: str | None = None) -> GitHubTrigger[PullRequestSynchronized]:
        """Start the job when commits were pushed to a pull request (`pull_request.synchronize`).

        The event is a `PullRequestSynchronized`.
        """
        return _trigger("github.on_pr_synchronized", ("pull_request.synchronize",), PullRequestSynchronized, repo)

    @staticmethod
    def on_pr_reviewed(repo: str | None = None) -> GitHubTrigger[PullRequestReviewed]:
        """Start the job when a review was submitted (`pull_request_review.submitted`).

        The event is a `PullRequestReviewed`.
        """
        return _trigger("github.on_pr_reviewed", ("pull_request_review.submitted",), PullRequestReviewed, repo)

    @staticmethod
    def on_issue_opened(repo: str | None = None) -> GitHubTrigger[IssueOpened]:
        """Start the job when an issue was opened (`issues.opened`). The event is an `IssueOpened`."""
        return _trigger("github.on_issue_opened", ("issues.opened",), IssueOpened, repo)

    @staticmethod
    def on_issue_comment(repo: str | None = None) -> GitHubTrigger[IssueCommented]:
        """Start the job when somebody commented on an issue or pull request (`issue_comment.created`).

        The event is an `IssueCommented`. A comment that is edited or deleted starts nothing. One that the job itself
        makes does: `filter=lambda event: event.sender.type != "Bot"` leaves out those of apps.
        """
        return _trigger("github.on_issue_comment", ("issue_comment.created",), IssueCommented, repo)

    @overload
    @staticmethod
    def on_event(event: str, repo: str | None = None, *, model: None = None) -> GitHubTrigger[GitHubEvent]: ...

    @overload
    @staticmethod
    def on_event(event: str, repo: str | None = None, *, model: TypeForm[_T]) -> GitHubTrigger[_T]: ...

    @staticmethod
    def on_event(event: str, repo: str | None = None, *, model: Any = None) -> GitHubTrigger[Any]:
        """Start the job on any event of GitHub.

        Args:
            event: as GitHub names it, with the action behind a dot: `"release.created"`; or without, `"release"`, for
                every action.
            repo: only in this repository, given as `"owner/name"`.
            model: the type that the body is read as: a pydantic model, dataclass, TypedDict … Without it the event is a
                `GitHubEvent`.

        Raises:
            JobDefinitionError: an argument has another shape, or `model` is not a type that JSON can be validated
                against.
        """
        name = "github.on_event"
        check_event(name, event, model, "release.created", "Release")
        return _trigger(name, (event,), GitHubEvent if model is None else model, repo, chosen=event, model=model)


def _trigger(name: str, kinds: tuple[str, ...], event_model: Any, repo: Any, **given: Any) -> GitHubTrigger[Any]:
    if repo is not None and not (isinstance(repo, str) and _REPO.fullmatch(repo)):
        first = f'"{kinds[0]}", ' if "chosen" in given else ""
        raise refusal(name, f'repo={repo!r} is not "owner/name"', f'{name}({first}repo="acme/web")')
    return GitHubTrigger(source="github", name=name, kinds=kinds, event_model=event_model, repo=repo, **given)


def _is_branch(branch: object) -> bool:
    return (
        isinstance(branch, str)
        and 0 < len(branch) <= _LONGEST_BRANCH
        and not _NOT_IN_BRANCHES.search(branch)
        and not branch.endswith(("/", "."))
    )
