"""What starts a job, and the types of the events that it then gets."""

from .base import Trigger
from .catalog import Triggers
from .github import PullRequestOpened
from .schedule import ScheduledEvent
from .stripe import CustomerCreated, TrialStarted

__all__ = ["CustomerCreated", "PullRequestOpened", "ScheduledEvent", "TrialStarted", "Trigger", "Triggers"]
