"""The way by which questions are asked that name none, from the environment of the worker: `TERSE_ASK_BY`.

A run asks by it where the variable was set on the worker that first came to such a question of the run, which is
recorded. What stands in it is read in the steps.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from ..diagnostics.text import shorten
from ..errors import InputError
from .email_way import email
from .questions import InputQuestion
from .slack_way import slack
from .terminal_way import terminal
from .ways import InputWay
from .webpage_way import webpage

__all__ = ["ASK_BY", "DefaultWay", "default_way", "has_default_way"]

ASK_BY: Final = "TERSE_ASK_BY"

_TAKEN: Final = "give slack:CHANNEL, email:ADDRESS (several with commas between), page or, for dev, terminal"


class DefaultWay(InputWay):
    """Asks by the way that is in the environment; reminds and closes by the one that has asked."""

    way_name: ClassVar[str] = "default"

    @classmethod
    def can_remind(cls) -> bool:
        return default_way().can_remind()

    @classmethod
    def can_close(cls) -> bool:
        return default_way().can_close()

    def used(self) -> InputWay:
        return default_way()

    async def ask(self, question: InputQuestion) -> Any:
        by = _variable()
        return {"by": by, "sent": await default_way(by).ask(question)}

    async def remind(self, question: InputQuestion, sent: Any, number: int) -> None:
        way, its = _asked_by(sent)
        await way.remind(question, its, number)

    async def close(self, question: InputQuestion, sent: Any, outcome: Mapping[str, Any]) -> None:
        way, its = _asked_by(sent)
        await way.close(question, its, outcome)


def has_default_way() -> bool:
    """Return whether the environment has one."""
    return bool(_variable())


def default_way(text: str | None = None) -> InputWay:
    """Return the way that a text means.

    Args:
        text: as it stands in `TERSE_ASK_BY`; `None` is what stands there.

    Raises:
        InputError: it means none.
    """
    text = _variable() if text is None else text
    name, _, to = (each.strip() for each in text.partition(":"))
    try:
        match name.lower():
            case "slack" if to:
                return slack(channel=to)
            case "email" if to:
                return email([each.strip() for each in to.split(",") if each.strip()])
            case "page" | "" if not to:  # nothing, where the variable is gone since
                return webpage()
            case "terminal" if not to:
                return terminal()
    except (InputError, ValueError) as err:
        raise InputError(f"{ASK_BY}: {err}") from None
    raise InputError(f"{ASK_BY} is {shorten(repr(text), 100)}: {_TAKEN}")


def _variable() -> str:
    return os.environ.get(ASK_BY, "").strip()


def _asked_by(sent: Any) -> tuple[InputWay, Any]:
    """Return the way that has asked, and what it has returned, of what was recorded."""
    found = sent if isinstance(sent, Mapping) else {}
    return default_way(str(found.get("by") or "")), found.get("sent")
