"""Jobs that something in Linear starts, and the events that they get."""

from .events import LinearCommentCreated, LinearEvent, LinearIssueCreated, LinearIssueUpdated
from .parts import LinearComment, LinearIssue, LinearLabel, LinearState, LinearTeam, LinearUser
from .triggers import LinearTrigger, LinearTriggers

__all__ = [
    "LinearComment",
    "LinearCommentCreated",
    "LinearEvent",
    "LinearIssue",
    "LinearIssueCreated",
    "LinearIssueUpdated",
    "LinearLabel",
    "LinearState",
    "LinearTeam",
    "LinearTrigger",
    "LinearTriggers",
    "LinearUser",
]
