"""Text in Slack that is nobody's markup: blocks of rich text, in which a text is shown as it is.

In Slack's mrkdwn `<!channel>` calls everybody, `<https://evil.example|acme.example>` is a link that says another
address, and no escaping takes `*` and `_` their meaning. Rich text says beside a text what is bold and what is a link,
so that prompts, details and names can have anything in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from ...diagnostics.text import shorten

__all__ = ["bullets", "date", "escaped", "plain", "preformatted", "rich_text", "section", "text", "texts", "user"]

#: Addresses that a text has in it. They are links that say where they lead.
_ADDRESS: Final = re.compile(r"https?://[^\s<>\"'`|\\^{}\[\]]{1,2000}")

#: What ends the sentence, and not the address.
_PUNCTUATION: Final = ".,;:!?)"


def rich_text(*parts: dict[str, Any]) -> dict[str, Any]:
    """Return a block of sections, lists and preformatted texts."""
    return {"type": "rich_text", "elements": list(parts)}


def section(*elements: dict[str, Any]) -> dict[str, Any]:
    """Return a paragraph."""
    return {"type": "rich_text_section", "elements": list(elements)}


def bullets(items: Iterable[Iterable[dict[str, Any]]]) -> dict[str, Any]:
    """Return a list with bullets."""
    return {"type": "rich_text_list", "style": "bullet", "elements": [section(*each) for each in items]}


def preformatted(content: str, most: int) -> dict[str, Any]:
    """Return a text in fixed width."""
    return {"type": "rich_text_preformatted", "elements": [text(content, most)]}


def text(content: str, most: int, *, bold: bool = False, code: bool = False) -> dict[str, Any]:
    """Return a text as it is, of so many characters at most."""
    styles = {name: True for name, is_so in (("bold", bold), ("code", code)) if is_so}
    # An empty one is refused.
    return {"type": "text", "text": shorten(content, most) or " ", **({"style": styles} if styles else {})}


def texts(content: str, most: int) -> list[dict[str, Any]]:
    """Return a text as it is, with the addresses in it as links."""
    left = shorten(content, most) or " "
    found = []
    place = 0
    for each in _ADDRESS.finditer(left):
        address = each[0].rstrip(_PUNCTUATION)
        if address.endswith("…"):  # cut off
            continue
        if each.start() > place:
            found.append(text(left[place : each.start()], most))
        found.append({"type": "link", "url": address})
        place = each.start() + len(address)
    return [*found, text(left[place:], most)] if place < len(left) else found


def user(id: str) -> dict[str, Any]:
    """Return a user, whom Slack shows by their name, and who is told where the message is new."""
    return {"type": "user", "user_id": id}


def date(moment: datetime) -> dict[str, Any]:
    """Return a moment, which everybody sees on their own clock."""
    return {
        "type": "date",
        "timestamp": int(moment.timestamp()),
        "format": "{date_short_pretty} at {time}",
        "fallback": moment.strftime("%Y-%m-%d %H:%M UTC"),
    }


def plain(content: str, most: int) -> dict[str, Any]:
    """Return a text as it is, for labels, buttons and titles."""
    return {"type": "plain_text", "text": shorten(content, most) or " ", "emoji": False}


def escaped(content: str, most: int) -> str:
    """Return a text for where Slack takes mrkdwn alone, such as what a notification says."""
    return shorten(content, most).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
