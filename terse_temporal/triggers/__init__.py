"""What starts a job, and the types of the events that it then gets."""

from .base import Trigger
from .catalog import Triggers
from .deliveries import Delivery
from .github import Branch, GitHubTrigger, PullRequest, PullRequestOpened, Repository, User
from .schedule import CronTrigger, ScheduledEvent
from .signature_schemes import HmacSignature
from .stripe import Customer, CustomerCreated, StripeTrigger, Subscription, TrialStarted
from .webhook import WebhookRequest, WebhookTrigger

__all__ = [
    "Branch",
    "CronTrigger",
    "Customer",
    "CustomerCreated",
    "Delivery",
    "GitHubTrigger",
    "HmacSignature",
    "PullRequest",
    "PullRequestOpened",
    "Repository",
    "ScheduledEvent",
    "StripeTrigger",
    "Subscription",
    "TrialStarted",
    "Trigger",
    "Triggers",
    "User",
    "WebhookRequest",
    "WebhookTrigger",
]
