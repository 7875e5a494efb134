"""Which messages of Slack a person has posted, and which the app itself.

An app that posts to a channel gets its own message as an event, as everybody's. So a job that answers what is posted
would start itself for ever.
"""

from __future__ import annotations

from typing import Any, Final

from ..vendor import value_at

__all__ = ["is_by_bot", "is_by_this_app", "is_message"]

#: Messages that people post; all other subtypes tell of edits, deletions, who joined and the like.
_POSTED: Final = frozenset({"bot_message", "file_share", "me_message", "thread_broadcast"})


def is_message(event: dict[str, Any]) -> bool:
    """Return whether an event of Slack is a message that was posted, and not that one was edited, or the like."""
    subtype = event.get("subtype")
    return subtype is None or (isinstance(subtype, str) and subtype in _POSTED)


#: Slack itself, which posts reminders, and answers that a workspace has set up.
_SLACKBOT: Final = "USLACKBOT"


def is_by_bot(event: dict[str, Any]) -> bool:
    """Return whether a bot posted a message: an app, a workflow, or Slack itself."""
    return (
        any(event.get(key) is not None for key in ("bot_id", "bot_profile"))
        or event.get("subtype") == "bot_message"
        or event.get("user") == _SLACKBOT
    )


def is_by_this_app(body: Any, event: dict[str, Any]) -> bool:
    """Return whether the app that is told of an event is the one that has done it."""
    this_app, user = value_at(body, "api_app_id"), event.get("user")
    if isinstance(this_app, str) and this_app in (event.get("app_id"), value_at(event, "bot_profile", "app_id")):
        return True
    authorizations = value_at(body, "authorizations")
    return (
        isinstance(user, str)
        and isinstance(authorizations, list)
        and any(value_at(each, "is_bot") is True and value_at(each, "user_id") == user for each in authorizations)
    )
