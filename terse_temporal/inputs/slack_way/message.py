"""The message that asks, as blocks: the question, and buttons; and what becomes of it when the question is over."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from datetime import UTC
from typing import Any, Final

from ...diagnostics.text import json_text
from ...serialization.wire_names import SLACK_CHOOSE_ACTION, SLACK_MENU_ACTION, SLACK_PAGE_ACTION, SLACK_WRITE_ACTION
from ..questions import InputOption, InputQuestion
from . import rich_text as rich
from .modal import fits_modal

__all__ = [
    "closed_blocks",
    "closed_text",
    "has_token",
    "is_user",
    "question_blocks",
    "question_text",
    "reminder_blocks",
]

#: Options up to which each gets a button; of more there is a menu.
_MOST_BUTTONS: Final = 5

#: Characters that Slack takes: of a button, of its value, of an entry of a menu, of the id of a block, of an address.
_LONGEST_BUTTON: Final = 75
_LONGEST_VALUE: Final = 2_000
_LONGEST_ENTRY: Final = 75
_LONGEST_ID: Final = 255
_LONGEST_ADDRESS: Final = 3_000

#: Characters that are shown: of the prompt, of each detail and description, of all of each, of the arguments of a call,
#: of a name. Slack refuses messages whose blocks have many; how many, it does not say, and people have met it above
#: 11,000. So all together is less than 8,000; the page has the rest.
_LONGEST_PROMPT: Final = 2_500
_LONGEST_DETAIL: Final = 300
_MOST_OF_A_LIST: Final = 1_500
_LONGEST_ARGUMENTS: Final = 2_000
_LONGEST_NAME: Final = 200
_LONGEST_RUN: Final = 500

#: Characters of what a notification says.
_LONGEST_NOTICE: Final = 500

_USER: Final = re.compile(r"[UW][A-Z0-9]{2,30}")


def is_user(name: str) -> bool:
    """Return whether it is the id of a user of Slack, by its looks."""
    return _USER.fullmatch(name) is not None


def question_text(question: InputQuestion) -> str:
    """Return what a notification of the question says."""
    return rich.escaped(question.prompt, _LONGEST_NOTICE)


def question_blocks(question: InputQuestion, token: str | None, link: str | None) -> list[dict[str, Any]]:
    """Return the message that asks.

    Args:
        question: what is asked.
        token: of the question; `None` where the worker has no key to make one with.
        link: to its page, if there is one.
    """
    blocks = [*_asked(question), *_options(question)]
    link = link if link is not None and len(link) <= _LONGEST_ADDRESS else None
    controls = [] if token is None or len(token) > _LONGEST_VALUE else _controls(question, token)
    if link is not None:
        page = {"type": "button", "action_id": SLACK_PAGE_ACTION, "text": rich.plain("Open the page", _LONGEST_BUTTON)}
        controls.append({**page, "url": link, **({} if controls else {"style": "primary"})})
    if controls:
        # What is chosen from a menu is all that its value says. So the token is what its block is called.
        of_menu = controls[0]["type"] == "static_select"
        blocks.append({"type": "actions", **({"block_id": token} if of_menu else {}), "elements": controls})
    else:
        command = f"terse-temporal inputs answer {shlex.quote(question.id)} {question.number}"
        told = [rich.text("Answer it with ", 20), rich.text(command, _LONGEST_RUN, code=True)]
        blocks.append(rich.rich_text(rich.section(*told)))
    return [*blocks, _who_asks(question)]


def has_token(message: Mapping[str, Any], token: str) -> bool:
    """Return whether a message that is in Slack has the buttons or the menu of a question."""
    blocks = message.get("blocks")
    for block in blocks if isinstance(blocks, list) else []:
        if isinstance(block, Mapping) and block.get("type") == "actions":
            elements = block.get("elements")
            values = [each.get("value") for each in elements if isinstance(each, Mapping)] if elements else []
            if token in (block.get("block_id"), *values):
                return True
    return False


def closed_text(question: InputQuestion, outcome: Mapping[str, Any]) -> str:
    """Return what stands for the message where blocks are not shown, once the question is over."""
    ended = {"answered": "Answered", "timed_out": "Time is up"}.get(str(outcome.get("ended")), "Withdrawn")
    return f"{ended}: {rich.escaped(question.prompt, _LONGEST_NOTICE)}"


def closed_blocks(question: InputQuestion, outcome: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the message once the question is over: without buttons, and with who has chosen what.

    Args:
        question: what was asked.
        outcome: as `InputWay.close` is given it.
    """
    told = rich.rich_text(rich.section(*_outcome(question, outcome)))
    return [*_asked(question), told, _who_asks(question, is_open=False)]


def reminder_blocks(question: InputQuestion, number: int) -> list[dict[str, Any]]:
    """Return what is said in the thread, to be seen in the channel too.

    Args:
        question: what is asked.
        number: of the reminder.
    """
    said = [rich.text(f"Reminder {number}: ", 50, bold=True), *rich.texts(question.prompt, _LONGEST_NOTICE)]
    if question.since is not None:
        said += [rich.text("\nIt waits for an answer since ", 50), rich.date(question.since)]
    return [rich.rich_text(rich.section(*said, *_respondents(question)))]


def _asked(question: InputQuestion) -> list[dict[str, Any]]:
    """Return what is asked: of an approval the call, of any other the prompt with its details."""
    parts = [rich.section(*rich.texts(question.prompt, _LONGEST_PROMPT), *_respondents(question))]
    if question.because:
        parts.append(rich.section(*rich.texts(f"\n{question.because}", _LONGEST_DETAIL)))
    if question.tool is not None and question.arguments is not None:
        parts.append(rich.preformatted(json_text(question.arguments, indent=2), _LONGEST_ARGUMENTS))
    blocks = [rich.rich_text(*parts)]
    if question.details:
        details = question.details.items()
        blocks.append(_named({name: each if isinstance(each, str) else json_text(each) for name, each in details}))
    return blocks


def _named(texts: Mapping[str, str]) -> dict[str, Any]:
    """Return texts by their names, as a list; as many as there is room for."""
    items: list[list[dict[str, Any]]] = []
    left = _MOST_OF_A_LIST
    for name, said in texts.items():
        left -= min(len(name), _LONGEST_NAME) + min(len(said), _LONGEST_DETAIL)
        if left < 0:
            items.append([rich.text(f"and {len(texts) - len(items)} more", 50)])
            break
        called = rich.text(f"{name}: " if said else name, _LONGEST_NAME, bold=True)
        items.append([called, *(rich.texts(said, _LONGEST_DETAIL) if said else ())])
    return rich.rich_text(rich.bullets(items))


def _options(question: InputQuestion) -> list[dict[str, Any]]:
    """Return what options mean, where that is more than a button says."""
    shown = {
        each.label: each.description
        for each in question.options
        if each.description or len(each.label) >= _LONGEST_BUTTON
    }
    return [_named(shown)] if shown else []


def _controls(question: InputQuestion, token: str) -> list[dict[str, Any]]:
    if not question.options:
        if not fits_modal(question):
            return []  # on the page it can be answered
        # A short one has a form, or not: what opens it looks.
        said = rich.plain("Fill in…" if question.form is not None else "Answer…", _LONGEST_BUTTON)
        write = {"type": "button", "action_id": SLACK_WRITE_ACTION, "text": said, "value": token}
        return [{**write, "style": "primary"}]
    fits_menu = len(token) <= _LONGEST_ID and max(len(each.id) for each in question.options) <= _LONGEST_ENTRY
    if len(question.options) > _MOST_BUTTONS and fits_menu:
        return [_menu(question.options)]
    return [_button(question, each, token) for each in question.options]


def _button(question: InputQuestion, option: InputOption, token: str) -> dict[str, Any]:
    button = {
        "type": "button",
        "action_id": f"{SLACK_CHOOSE_ACTION}:{option.id}",
        "text": rich.plain(f"{option.label}…" if option.free_text else option.label, _LONGEST_BUTTON),
        "value": token,
    }
    if question.tool is not None and (style := {"approve": "primary", "deny": "danger"}.get(option.id)):
        button["style"] = style
    return button


def _menu(options: tuple[InputOption, ...]) -> dict[str, Any]:
    return {
        "type": "static_select",
        "action_id": SLACK_MENU_ACTION,
        "placeholder": rich.plain("Choose an answer", _LONGEST_ENTRY),
        "options": [
            {"text": rich.plain(f"{each.label}…" if each.free_text else each.label, _LONGEST_ENTRY), "value": each.id}
            for each in options
        ],
        # A menu is easily missed by a line.
        "confirm": {
            "title": rich.plain("Answer like that?", 100),
            "text": rich.plain("The first answer counts.", 300),
            "confirm": rich.plain("Answer", 30),
            "deny": rich.plain("Cancel", 30),
        },
    }


def _respondents(question: InputQuestion) -> list[dict[str, Any]]:
    """Return those who may answer, as far as they are people of Slack, who are told by it."""
    users = [each for each in question.respond_by if is_user(each)]
    if not users:
        return []
    found = [rich.text("\nFor", 10)]
    for each in users:
        found += [rich.text(" ", 1), rich.user(each)]
    return found


def _outcome(question: InputQuestion, outcome: Mapping[str, Any]) -> list[dict[str, Any]]:
    choice = outcome.get("choice")
    label = outcome.get("label") or question.label_of(choice)
    chosen = [rich.text(label, _LONGEST_NAME, bold=True)] if isinstance(label, str) and label else []
    match outcome.get("ended"):
        case "answered":
            who = _who(outcome)
            by = [rich.text(" by " if chosen else "Answered by ", 20), who] if who else []
            return [*chosen, *by] or [rich.text("Answered", 20)]
        case "timed_out":
            counts = [rich.text(", and this counts: ", 30), *chosen] if chosen else []
            return [rich.text("Nobody answered in time", 50), *counts]
    return [rich.text("Withdrawn: no answer is needed any more", 50)]


def _who(outcome: Mapping[str, Any]) -> dict[str, Any] | None:
    by, name = outcome.get("by"), outcome.get("by_name")
    if isinstance(by, str) and outcome.get("via") == "slack" and is_user(by):
        return rich.user(by)
    shown = name if isinstance(name, str) and name else by
    return rich.text(shown, _LONGEST_NAME) if isinstance(shown, str) and shown else None


def _who_asks(question: InputQuestion, *, is_open: bool = True) -> dict[str, Any]:
    said = f"Asked by {question.job}, run {question.id}, question {question.number}"
    elements = [rich.plain(said, _LONGEST_RUN)]
    if is_open and question.until is not None:
        until = question.until.astimezone(UTC)
        when = f"<!date^{int(until.timestamp())}^{{date_short_pretty}} at {{time}}|{until:%Y-%m-%d %H:%M} UTC>"
        elements.append({"type": "mrkdwn", "text": f"until {when}"})
    return {"type": "context", "elements": elements}
