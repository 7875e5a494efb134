"""Jobs that something in Slack starts, and the events that they get."""

from .events import SlackEvent, SlackFile, SlackMessagePosted, SlackReactionAdded
from .triggers import SlackTrigger, SlackTriggers

__all__ = [
    "SlackEvent",
    "SlackFile",
    "SlackMessagePosted",
    "SlackReactionAdded",
    "SlackTrigger",
    "SlackTriggers",
]
