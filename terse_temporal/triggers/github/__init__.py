"""Jobs that something on GitHub starts, and the events that they get."""

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
)
from .parts import Branch, Comment, Commit, Issue, Label, PullRequest, Repository, Review, User
from .triggers import GitHubTrigger, GitHubTriggers

__all__ = [
    "Branch",
    "Comment",
    "Commit",
    "GitHubEvent",
    "GitHubTrigger",
    "GitHubTriggers",
    "Issue",
    "IssueCommented",
    "IssueOpened",
    "Label",
    "PullRequest",
    "PullRequestClosed",
    "PullRequestEvent",
    "PullRequestMerged",
    "PullRequestOpened",
    "PullRequestReviewed",
    "PullRequestSynchronized",
    "Push",
    "Repository",
    "Review",
    "User",
]
