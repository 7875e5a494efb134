"""What somebody does in Slack with a message or modal of a question, read from what Slack sends.

Slack has signed it, which says that it comes from there, and not that it was made here: whoever has the bot token can
post a button of any name. So the token in it counts, and what was chosen is for the run to check.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..inputs.slack_way.message import is_user
from ..inputs.slack_way.modal import read_about
from ..serialization.wire_names import (
    SLACK_ACTIONS,
    SLACK_ANSWER_VIEW,
    SLACK_CHOOSE_ACTION,
    SLACK_MENU_ACTION,
    SLACK_WRITE_ACTION,
)

__all__ = ["Click", "Submission", "is_of_a_question", "read_click", "read_submission"]


@dataclass(frozen=True)
class Click:
    """Somebody has clicked on a button, or chosen from a menu.

    Attributes:
        user: their id.
        user_name: what they are called.
        token: of the question.
        choice: the id of the option; `None` where something is to be written.
        trigger: with which a modal can be opened, within three seconds.
        response_url: where something can be said to them alone.
    """

    user: str
    user_name: str
    token: str
    choice: str | None
    trigger: str
    response_url: str


@dataclass(frozen=True)
class Submission:
    """Somebody has sent a modal.

    Attributes:
        user, user_name, token: as in a click.
        choice: the option that the text goes with, if one.
        state: what was put in, as Slack has it.
        blocks: of the modal, likewise.
    """

    user: str
    user_name: str
    token: str
    choice: str | None
    state: Any
    blocks: Any


def is_of_a_question(body: Mapping[str, Any]) -> bool:
    """Return whether it is about a question, and no delivery for jobs."""
    match body.get("type"):
        case "block_actions":
            return _action(body) is not None
        case "view_submission":
            view = body.get("view")
            return isinstance(view, Mapping) and _text(view.get("callback_id")).startswith(SLACK_ACTIONS)
    return False


def read_click(body: Mapping[str, Any]) -> Click | None:
    """Return a click; `None` for one that answers nothing, as on the link to the page."""
    action = _action(body)
    user, name = _user(body)
    if action is None or not user:
        return None
    called, token, choice = _text(action.get("action_id")), _text(action.get("value")), None
    if called.startswith(f"{SLACK_CHOOSE_ACTION}:"):
        choice = called.removeprefix(f"{SLACK_CHOOSE_ACTION}:")
    elif called == SLACK_MENU_ACTION:
        option = action.get("selected_option")
        choice = _text(option.get("value") if isinstance(option, Mapping) else None)
        token = _text(action.get("block_id"))
    elif called != SLACK_WRITE_ACTION:
        return None
    return Click(user, name, token, choice, _text(body.get("trigger_id")), _text(body.get("response_url")))


def read_submission(body: Mapping[str, Any]) -> Submission | None:
    """Return what was sent by a modal; `None` for a modal that is of another release, or of nobody."""
    view = body.get("view")
    user, name = _user(body)
    if not isinstance(view, Mapping) or view.get("callback_id") != SLACK_ANSWER_VIEW or not user:
        return None
    about = read_about(view.get("private_metadata"))
    if about is None:
        return None
    return Submission(user, name, about.token, about.choice, view.get("state"), view.get("blocks"))


def _action(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the first that is of a question."""
    actions = body.get("actions")
    for each in actions if isinstance(actions, list) else []:
        if isinstance(each, Mapping) and _text(each.get("action_id")).startswith(SLACK_ACTIONS):
            return each
    return None


def _user(body: Mapping[str, Any]) -> tuple[str, str]:
    user = body.get("user")
    if not isinstance(user, Mapping) or not is_user(_text(user.get("id"))):
        return "", ""
    return user["id"], _text(user.get("name")) or _text(user.get("username"))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
