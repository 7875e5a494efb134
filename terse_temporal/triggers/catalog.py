"""The triggers there are, by source."""

from __future__ import annotations

from .github import GitHubTriggers
from .schedule import ScheduleTriggers
from .stripe import StripeTriggers
from .webhook import WebhookTriggers

__all__ = ["Triggers"]


class Triggers:
    """What can start a job: `create_job(triggers=[Triggers.stripe.on_customer_created()], …)`."""

    webhook = WebhookTriggers
    schedule = ScheduleTriggers
    stripe = StripeTriggers
    github = GitHubTriggers
