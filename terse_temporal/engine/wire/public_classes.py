"""The classes of this package that can get into a history, by the names that they have there: `terse_temporal:Name`.

Not by the module that they stand in, which is nobody's business and moves. A class that is not in this table is not
named in a history at all, and nothing else of this package is found by a name from one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ... import errors
from ...agents import Finished, TextDelta, ToolCalled, ToolReturned
from ...events import Event, EventModel
from ...execution.protocol import RunIdentity, StepContext
from ...execution.run_operations import RunInfo
from ...execution.run_timeline import RunTimeline, TimelineEntry
from ...inputs import DefaultWay, EmailWay, InputAnswer, InputOption, SlackWay, TerminalWay, WebpageWay
from ...jobs.failures import RunFailure
from ...jobs.job import module_name
from ...jobs.options import Retry
from ...serialization.wire_names import PACKAGE
from ...state import StateId, Stored
from ...tools.builtin.email import Attachment, EmailReceipt
from ...tools.builtin.http import HttpResponse
from ...tools.builtin.slack import SlackChannel, SlackMessage
from ...triggers import (
    CustomerCreated,
    PullRequestOpened,
    ScheduledEvent,
    TrialStarted,
    WebhookRequest,
    github,
    linear,
    slack,
    stripe,
)

__all__ = [
    "PUBLIC_CLASSES",
    "RECORDED_AS",
    "class_references",
    "is_of_this_package",
    "public_class",
    "reference_of_class",
]

#: By name. A name stays when its class is moved or renamed, and is never given to another class.
PUBLIC_CLASSES: Final[Mapping[str, type]] = {
    **{name: getattr(errors, name) for name in errors.__all__},
    "Attachment": Attachment,
    "CustomerCreated": CustomerCreated,
    "DefaultWay": DefaultWay,
    "EmailReceipt": EmailReceipt,
    "EmailWay": EmailWay,
    "Event": Event,
    "EventModel": EventModel,
    "Finished": Finished,
    "GitHubBranch": github.Branch,
    "GitHubComment": github.Comment,
    "GitHubCommit": github.Commit,
    "GitHubEvent": github.GitHubEvent,
    "GitHubIssue": github.Issue,
    "GitHubIssueCommented": github.IssueCommented,
    "GitHubIssueOpened": github.IssueOpened,
    "GitHubLabel": github.Label,
    "GitHubPullRequest": github.PullRequest,
    "GitHubPullRequestClosed": github.PullRequestClosed,
    "GitHubPullRequestEvent": github.PullRequestEvent,
    "GitHubPullRequestMerged": github.PullRequestMerged,
    "GitHubPullRequestReviewed": github.PullRequestReviewed,
    "GitHubPullRequestSynchronized": github.PullRequestSynchronized,
    "GitHubPush": github.Push,
    "GitHubRepository": github.Repository,
    "GitHubReview": github.Review,
    "GitHubUser": github.User,
    "HttpResponse": HttpResponse,
    "InputAnswer": InputAnswer,
    "InputOption": InputOption,
    "LinearComment": linear.LinearComment,
    "LinearCommentCreated": linear.LinearCommentCreated,
    "LinearEvent": linear.LinearEvent,
    "LinearIssue": linear.LinearIssue,
    "LinearIssueCreated": linear.LinearIssueCreated,
    "LinearIssueUpdated": linear.LinearIssueUpdated,
    "LinearLabel": linear.LinearLabel,
    "LinearState": linear.LinearState,
    "LinearTeam": linear.LinearTeam,
    "LinearUser": linear.LinearUser,
    "PullRequestOpened": PullRequestOpened,
    "Retry": Retry,
    "RunFailure": RunFailure,
    "RunIdentity": RunIdentity,
    "RunInfo": RunInfo,
    "RunTimeline": RunTimeline,
    "ScheduledEvent": ScheduledEvent,
    "SlackChannel": SlackChannel,
    "SlackEvent": slack.SlackEvent,
    "SlackFile": slack.SlackFile,
    "SlackMessage": SlackMessage,
    "SlackMessagePosted": slack.SlackMessagePosted,
    "SlackReactionAdded": slack.SlackReactionAdded,
    "SlackWay": SlackWay,
    "StateId": StateId,
    "StepContext": StepContext,
    "Stored": Stored,
    "StripeCustomer": stripe.Customer,
    "StripeData": stripe.StripeData,
    "StripeEvent": stripe.StripeEvent,
    "StripeSubscription": stripe.Subscription,
    "TerminalWay": TerminalWay,
    "TextDelta": TextDelta,
    "TimelineEntry": TimelineEntry,
    "ToolCalled": ToolCalled,
    "ToolReturned": ToolReturned,
    "TrialStarted": TrialStarted,
    "WebhookRequest": WebhookRequest,
    "WebpageWay": WebpageWay,
}

#: What a class that was made of a recorded failure was recorded as.
RECORDED_AS: Final = "__terse_recorded_as__"

_NAMES: Final[Mapping[type, str]] = {cls: name for name, cls in PUBLIC_CLASSES.items()}


def public_class(name: str) -> type | None:
    """Return the class of this package that has a name in histories."""
    return PUBLIC_CLASSES.get(name)


def is_of_this_package(module: str) -> bool:
    """Return whether a module is of this package, whose classes have names of their own."""
    return module.partition(".")[0] == PACKAGE


def reference_of_class(cls: type) -> str:
    """Return `module:qualname` of a class; of one of this package that is not public, of its nearest public base."""
    return next(reference for each in cls.__mro__ if (reference := _reference(each)) is not None)


def class_references(classes: Iterable[type]) -> list[str]:
    """Return the references to classes, those of this package that are not public left out."""
    return [reference for cls in classes if (reference := _reference(cls)) is not None]


def _reference(cls: Any) -> str | None:
    if isinstance(recorded := vars(cls).get(RECORDED_AS), str):
        return recorded
    if is_of_this_package(cls.__module__):
        return None if (name := _NAMES.get(cls)) is None else f"{PACKAGE}:{name}"
    return f"{module_name(cls.__module__)}:{cls.__qualname__}"
