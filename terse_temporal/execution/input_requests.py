"""A question to a person with all of it checked, and its answer: what the job API hands to what runs it, and gets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

__all__ = ["APPROVE", "ASKING", "DENY", "AnswerProblem", "InputRequest", "RecordedAnswer"]

#: What stands for the ways to ask among what a code base uses: they spend what the worker holds, as tools do.
ASKING: Final = "wait_for_input"

#: The options of the question whether a tool may be called.
APPROVE: Final = "approve"
DENY: Final = "deny"


class AnswerProblem(Exception):  # noqa: N818  # not an error of its own: why an answer is not taken
    """Why an answer does not fit its question.

    Attributes:
        message: for whoever has answered. It does not show what was answered.
        fields: what is wrong, by the names of the fields of a form.
        kind: `"wrong"`, or `"not_allowed"` where it is not this person's to answer.
    """

    def __init__(self, message: str, fields: Mapping[str, str] | None = None, kind: str = "wrong") -> None:
        super().__init__(message)
        self.message = message
        self.fields: dict[str, str] = dict(fields or {})
        self.kind = kind


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """An answer as it is in the history.

    Attributes:
        choice: the id of an option; `None` of a form or a free text.
        text: what was written, or an empty string.
        data: of a form, as JSON.
        respondent: who has answered; `None` where time was up, or it is not known.
        answered_at: on the run's clock.
        respondent_name: what that person is called, where it is another than `respondent`.
    """

    choice: str | None
    text: str
    data: Any
    respondent: str | None
    answered_at: datetime
    respondent_name: str | None = None


@dataclass(frozen=True, slots=True)
class InputRequest:
    """A question to a person.

    Attributes:
        shown: it as JSON, as far as whoever asks knows it: `prompt`, and `options`, `form`, `details`, `respond_by`,
            `on_timeout`, `tool` and `arguments` where there are some. See `inputs/questions.py`.
        check: raises an `AnswerProblem` for an answer, as JSON, that does not fit.
        read: makes of an answer what the handler gets.
        ways: how it is asked: `WaySteps` of `inputs/ways.py`.
        timeout: how long to wait; `None` is as long as it takes.
        on_timeout: the option that then counts as chosen; `None` raises.
        remind_every: how long between two reminders.
    """

    shown: Mapping[str, Any]
    check: Callable[[Mapping[str, Any]], None]
    read: Callable[[RecordedAnswer], Any]
    ways: Sequence[Any] = ()
    timeout: timedelta | None = None
    on_timeout: str | None = None
    remind_every: timedelta | None = None
