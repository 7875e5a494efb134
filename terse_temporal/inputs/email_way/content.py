"""What stands in the mails of a question: as plain text, and as HTML.

Everything that is asked was written by others, a model among them: it is shown as text, and a subject is one line.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from ...diagnostics.text import json_text, one_line, printable, shorten
from ..questions import InputOption, InputQuestion
from .page import Block, Button, html_page

__all__ = ["Content", "answered_mail", "question_mail"]

#: Characters of a subject, and of one value in a table.
_LONGEST_SUBJECT: Final = 120
_LONGEST_VALUE: Final = 2_000

_NOTHING_YET: Final = "Opening a link answers nothing: you confirm it on the page. It is yours, so do not pass it on."


@dataclass(frozen=True, slots=True)
class Content:
    """What a mail says."""

    subject: str
    text: str
    html: str


def question_mail(question: InputQuestion, link: str | None, *, reminder: int = 0) -> Content:
    """Return the mail that asks.

    Args:
        question: what is asked.
        link: the recipient's own; `None` where there is no page.
        reminder: its number; 0 is the first mail.
    """
    subject = _subject(question.prompt, "Reminder" if reminder else "")
    said = "This is still open." if reminder else ""
    blocks = [Block("note", said)] if said else []
    blocks += [Block("prompt", printable(question.prompt)), Block("table", rows=_rows(question))]
    if question.because:
        blocks.append(Block("note", f"Asked because {one_line(question.because)}"))
    blocks.append(Block("buttons", buttons=_buttons(question, link)))
    if link is None:
        blocks.append(Block("note", f"To answer: {_command(question)}"))
    blocks.append(Block("table", rows=_who_asks(question)))
    if link is not None:
        blocks.append(Block("small", _NOTHING_YET))
    return Content(subject, _plain(blocks), html_page(subject, blocks))


def answered_mail(question: InputQuestion, outcome: Mapping[str, Any]) -> Content:
    """Return the mail that says that nobody is asked any more.

    Args:
        question: what was asked.
        outcome: as `InputWay.close` is given it.
    """
    ended, by = outcome.get("ended"), outcome.get("by_name") or outcome.get("by")
    label = _label(question, outcome.get("choice"))
    who = f" by {one_line(str(by))}" if by else ""
    if ended == "answered":
        first, said = "Answered", f"This was answered{who}{f': {label}' if label else ''}. There is nothing left to do."
    elif ended == "timed_out":
        counts = f" {label} counts as chosen." if label else ""
        first, said = "Too late", f"Nobody answered this in time.{counts} There is nothing left to do."
    else:
        first, said = "No longer asked", "This is no longer asked. There is nothing left to do."
    subject = _subject(question.prompt, first)
    blocks = [
        Block("lead", said),
        Block("prompt", printable(question.prompt)),
        Block("table", rows=_who_asks(question, is_open=False)),
    ]
    return Content(subject, _plain(blocks), html_page(subject, blocks))


def _subject(prompt: str, first: str) -> str:
    # A header stands in one line, and what looks like an encoded word in it is none of ours.
    words = " ".join(one_line(re.sub(r"\s+", " ", prompt)).replace("=?", "= ?").split())
    return shorten(f"{first}: {words}" if first else words, _LONGEST_SUBJECT)


def _label(question: InputQuestion, choice: Any) -> str:
    found = question.label_of(choice) if isinstance(choice, str) else None
    return "" if found is None else f"“{one_line(found)}”"


def _rows(question: InputQuestion) -> list[tuple[str, str]]:
    if question.tool is None:
        return [(one_line(name), _value(each)) for name, each in question.details.items()]
    rows = [("Tool", one_line(question.tool))]
    arguments = question.arguments
    if isinstance(arguments, Mapping):
        return [*rows, *((one_line(str(name)), _value(each)) for name, each in arguments.items())]
    return [*rows, *([] if arguments is None else [("Arguments", _value(arguments))])]


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "-"
    if isinstance(value, list) and all(isinstance(each, str | int | float) for each in value):
        return shorten(", ".join(map(str, value)), _LONGEST_VALUE)
    text = value if isinstance(value, str) else json_text(value)
    return shorten(text, _LONGEST_VALUE)


def _buttons(question: InputQuestion, link: str | None) -> list[Button]:
    if not question.options:
        return [Button("Answer", link)] if link is not None else []
    return [Button(one_line(each.label), _option_link(link, each), _described(each)) for each in question.options]


def _option_link(link: str | None, option: InputOption) -> str | None:
    return None if link is None else f"{link}?choice={quote(option.id, safe='', errors='replace')}"


def _described(option: InputOption) -> str:
    return one_line(option.description)


def _who_asks(question: InputQuestion, *, is_open: bool = True) -> list[tuple[str, str]]:
    rows = [("Job", one_line(question.job)), ("Run", f"{one_line(question.id)}, question {one_line(question.number)}")]
    if question.since is not None:
        rows.append(("Asked", f"{question.since:%Y-%m-%d %H:%M} UTC"))
    if question.until is not None and is_open:
        label = _label(question, question.on_timeout) if question.on_timeout else ""
        then = f", then {label} counts" if label else ""
        rows.append(("Until", f"{question.until:%Y-%m-%d %H:%M} UTC{then}"))
    if question.respond_by and is_open:
        rows.append(("For", ", ".join(map(one_line, question.respond_by))))
    return [row for row in rows if row[1]]


def _command(question: InputQuestion) -> str:
    return one_line(f"terse-temporal inputs show {shlex.quote(question.id)}, then inputs answer")


def _plain(blocks: list[Block]) -> str:
    """Return a mail as plain text."""
    parts = []
    for block in blocks:
        if block.kind == "table":
            parts.append("\n".join(f"{name}: {_indented(value)}" for name, value in block.rows))
        elif block.kind == "buttons":
            parts.append("\n\n".join(_plain_button(each) for each in block.buttons))
        else:
            parts.append(block.text)
    return "\n\n".join(filter(None, parts)) + "\n"


def _plain_button(button: Button) -> str:
    described = f": {button.description}" if button.description else ""
    return "\n".join([f"{button.label}{described}", *([button.link] if button.link is not None else [])])


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")
