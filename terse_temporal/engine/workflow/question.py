"""A question of a run, while it is open and until those who were asked have been told that it is over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

from ...diagnostics.text import shorten
from ...errors import TerseError
from ...execution.input_requests import InputRequest, RecordedAnswer
from ...inputs.questions import question_digest
from ...inputs.ways import WaySteps
from ...serialization.json_text import encoded_size

__all__ = ["Ended", "Question", "shown_time"]

#: Characters of a call's arguments that are shown, and of a question that is over.
_LONGEST: Final = 4_000
_LONGEST_TITLE: Final = 100

Ended: TypeAlias = Literal["answered", "timed_out", "withdrawn"]


class Question:
    """One question, from when it is asked until those have been told that it is over who were asked.

    Attributes:
        number: in the run, as a text.
        request: what is asked.
        shown: it as it stands in the memo.
        size: bytes of that.
        digest: what an answer may say it is an answer to.
        answer: as soon as there is one.
        via: the name of the way by which that came.
        ended: how it is over; `None` while it is not.
        told: by way, what its step has given; a way that could not ask is not in it.
        failed: by way, why it could not.
    """

    def __init__(self, number: str, request: InputRequest, run: str, now: datetime) -> None:
        self.number = number
        self.request = request
        self.shown: dict[str, Any] = {**request.shown, "run": run, "since": shown_time(now)}
        if "arguments" in self.shown:
            self.shown["arguments"] = _for_the_memo(self.shown["arguments"])
        if request.timeout is not None:
            with suppress(OverflowError):  # after the year 9999
                self.shown["until"] = shown_time(now + request.timeout)
        if request.ways:
            self.shown["via"] = [each.name for each in request.ways]
            if request.remind_every is not None:
                self.shown["remind_every"] = request.remind_every.total_seconds()
        self.size = encoded_size(self.shown)
        self.digest = question_digest(self.shown)
        self.answer: RecordedAnswer | None = None
        self.via = ""
        self.ended: Ended | None = None
        self.told: dict[WaySteps, Mapping[str, Any]] = {}
        self.failed: dict[WaySteps, TerseError] = {}

    @property
    def short(self) -> dict[str, Any]:
        """What is shown of it where there is no room for all."""
        kept: dict[str, Any] = {
            name: self.shown[name] for name in ("v", "run", "since", "until", "tool", "via") if name in self.shown
        }
        return {**kept, "prompt": shorten(self.shown["prompt"], 200), "is_short": True}

    @property
    def past(self) -> dict[str, Any]:
        """What is remembered of it, beside how it is over."""
        title = shorten(self.shown["prompt"], _LONGEST_TITLE)
        return {"prompt": title, "run": self.shown["run"], "since": self.shown["since"]}

    @property
    def outcome(self) -> dict[str, Any]:
        """How it is over, for the ways."""
        found: dict[str, Any] = {"ended": self.ended}
        if self.answer is not None:
            found |= {"choice": self.answer.choice, "by": self.answer.respondent}
            known = {"by_name": self.answer.respondent_name, "label": self._label(self.answer.choice), "via": self.via}
            found |= {name: each for name, each in known.items() if each}
        return found

    def _label(self, choice: str | None) -> str | None:
        """Return what an option is called."""
        options = self.request.shown.get("options", ())
        return next((each.get("label") for each in options if each["id"] == choice), None)

    @property
    def is_untold(self) -> bool:
        """Whether no way could ask."""
        return bool(self.request.ways) and len(self.failed) == len(self.request.ways)


def shown_time(moment: datetime) -> str:
    """Return a moment as a memo has it: so that it can be put among what a history has."""
    return moment.isoformat(timespec="microseconds")


def _for_the_memo(arguments: Any) -> Any:
    """Return the arguments, or as much of them as a person reads: a memo is recorded whole whenever it changes."""
    text = json.dumps(arguments)
    return arguments if len(text) <= _LONGEST else {"(shortened)": shorten(text, _LONGEST, with_length=True)}
