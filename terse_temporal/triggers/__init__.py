"""What starts a job, and the types of the events that it then gets."""

from .base import Trigger
from .catalog import Triggers
from .deliveries import Delivery
from .github import (
    Branch,
    Comment,
    Commit,
    GitHubEvent,
    GitHubTrigger,
    Issue,
    IssueCommented,
    IssueOpened,
    PullRequest,
    PullRequestClosed,
    PullRequestEvent,
    PullRequestMerged,
    PullRequestOpened,
    PullRequestReviewed,
    PullRequestSynchronized,
    Push,
    Repository,
    Review,
    User,
)
from .schedule import CronTrigger, EveryTrigger, Overlap, ScheduledEvent, ScheduleTrigger
from .signature_schemes import HmacSignature
from .stripe import Customer, CustomerCreated, StripeData, StripeEvent, StripeTrigger, Subscription, TrialStarted
from .webhook import WebhookRequest, WebhookTrigger

__all__ = [
    "Branch",
    "Comment",
    "Commit",
    "CronTrigger",
    "Customer",
    "CustomerCreated",
    "Delivery",
    "EveryTrigger",
    "GitHubEvent",
    "GitHubTrigger",
    "HmacSignature",
    "Issue",
    "IssueCommented",
    "IssueOpened",
    "Overlap",
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
    "ScheduleTrigger",
    "ScheduledEvent",
    "StripeData",
    "StripeEvent",
    "StripeTrigger",
    "Subscription",
    "TrialStarted",
    "Trigger",
    "Triggers",
    "User",
    "WebhookRequest",
    "WebhookTrigger",
]
