"""What a run says of itself while it waits: in its memo, to be found without a worker, and in the Web UI."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from temporalio import workflow

from ...diagnostics.text import one_line
from ...serialization.json_text import encoded_size
from ...serialization.wire_names import INPUTS_ANSWERED_MEMO, WAITING_MEMO

__all__ = ["WaitingBoard"]

#: Bytes of memos that go to the server in one message, beside `SENT_AT_ONCE` of step inputs; it takes 4 MiB. Over it a
#: timer stands in the history: what a question has in the memo may not grow with a release for runs that show so much.
_SHOWN_AT_ONCE: Final = 512 * 1024

#: Seconds after which what had no room is shown.
_LATER: Final = 0.1


class WaitingBoard:
    """What one run waits for.

    Attributes:
        questions: to a person, by number.
        answered: those that are over, likewise: who has answered.
        events: by a number of theirs, `event-1`: `event`, and perhaps `key`, `trigger` and `match`, `since`,
            `until`, `more`.
    """

    def __init__(self) -> None:
        self.questions: Mapping[str, Mapping[str, Any]] = {}
        self.answered: Mapping[str, Mapping[str, Any]] = {}
        self.events: Mapping[str, Mapping[str, Any]] = {}
        #: Bytes that go to the server when the handler next waits. The runner sets it back.
        self.unsent = 0
        self._later: asyncio.TimerHandle | None = None

    def show(self) -> None:
        """Write it to the memo and to what the Web UI shows: soon, where it has changed so often that there is no room
        for another one in the message to the server, which would be refused, and the run with it.
        """
        answered = {INPUTS_ANSWERED_MEMO: dict(self.answered)} if self.answered else {}
        memo = {WAITING_MEMO: {**self.questions, **self.events}, **answered}
        size = encoded_size(memo)
        if self.unsent and self.unsent + size > _SHOWN_AT_ONCE:
            if self._later is None:
                self._later = asyncio.get_running_loop().call_later(_LATER, self._show_later)
            return
        self.unsent += size
        if self._later is not None:
            self._later.cancel()
            self._later = None
        workflow.upsert_memo(memo)
        workflow.set_current_details(self._details())

    def _show_later(self) -> None:
        self._later = None
        self.show()

    def _details(self) -> str:
        """Return what the Web UI shows, in Markdown."""
        questions = [
            f"- {_code(number)}: approve {_code(question['tool'])} with {_code(json.dumps(question.get('arguments')))}?"
            if "tool" in question
            else f"- {_code(number)}: {_code(question.get('prompt'))}"
            for number, question in self.questions.items()
        ]
        events = [
            (
                f"- {_code(each['trigger'])}"
                + (f" with {_code(json.dumps(each['match'], ensure_ascii=False))}" if each["match"] else "")
                if "trigger" in each
                else f"- {_code(each['event'])}" + (f" under the key {_code(each['key'])}" if "key" in each else "")
            )
            + f" since {each['since']}"
            + (f", until {each['until']}" if "until" in each else "")
            + (f", and {each['more']} more" if "more" in each else "")
            for each in self.events.values()
        ]
        return "\n".join(
            [
                *(["**Waiting for a decision**", *questions] if questions else []),
                *(["**Waiting for an event**", *events] if events else []),
            ]
        )


def _code(value: Any) -> str:
    """Return a code span of Markdown (CommonMark 6.1), which what is in it cannot end: a model has written it."""
    text = one_line(str(value))
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    return f"{fence} {text} {fence}" if "`" in text or text != text.strip() else f"{fence}{text}{fence}"
