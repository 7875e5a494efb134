"""The pages that say what became of a question or an answer, and with which status."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from ...inputs.forms import FormField, read_form
from ...inputs.questions import InputQuestion
from ..pages.question_page import notice_page
from ..pages.showing import show_time
from .answering import InputOutcome
from .typed import Typed

__all__ = ["STATUS", "outcome_page", "thanks_page"]

#: What a page is answered with that shows how a question is over, or why it cannot be shown.
STATUS: Final[Mapping[str, int]] = {
    "taken": 200,
    "wrong": 422,
    "not_allowed": 403,
    "answered": 410,
    "closed": 410,
    "away": 503,
    "no_worker": 503,
}

_LATE: Final[Mapping[str, tuple[str, str]]] = {
    "timed_out": ("Time is up", "Nobody answered in time, so this question is not open any more."),
    "withdrawn": ("This is not asked any more", "The run has gone on without an answer. There is nothing to do."),
    "": (
        "This question is not open",
        "It has been answered some time ago, time is up, or its run has ended. There is nothing to do.",
    ),
}


_ABSENT: Final[Mapping[str, str]] = {
    "away": "What runs the jobs does not answer.",
    "no_worker": "The question is long, and no worker of its job is running, which has the rest of it.",
}


def outcome_page(
    outcome: InputOutcome,
    *,
    by: str,
    again: str = "",
    typed: Typed | None = None,
    csrf: str = "",
    list_link: str = "",
) -> str:
    """Return the page of a question that cannot be answered, or not now.

    Args:
        outcome: why.
        by: who looks.
        again: the address of the page, from itself: a proxy may have it below a path that it takes off.
        typed: what was sent, which is kept where it can be sent again; `None` where nothing was.
        csrf: the token to send it with.
        list_link: the address of the list of all questions, for who may see it.
    """
    if outcome.kind in _ABSENT:
        kept = " What you have entered is kept below." if typed else ""
        return notice_page(
            heading="Your answer was not sent" if typed else "This cannot be shown at the moment",
            paragraphs=[f"{_ABSENT[outcome.kind]} Try again in a minute.{kept}"],
            tone="warning",
            again="" if typed else again,
            resend=typed or {},
            csrf=csrf,
            list_link=list_link,
        )
    if outcome.kind == "answered":
        return _answered(outcome, by, typed is not None, list_link)
    heading, sentence = _LATE.get(outcome.ended, _LATE[""])
    shown = _when("Over since", outcome.at)
    return notice_page(heading=heading, paragraphs=[sentence], tone="info", shown=shown, list_link=list_link)


def thanks_page(question: InputQuestion, typed: Typed, by: str, list_link: str = "") -> str:
    """Return the page after an answer that was taken.

    Args:
        question: that was answered.
        typed: the answer.
        by: who gave it.
        list_link: the address of the list of all questions, for who may see it.
    """
    shown: list[tuple[str, Any]] = []
    if question.form is not None and not question.options:
        fields = read_form(question.form).fields
        shown += [(each.label, given) for each in fields if (given := _shown(each, typed))]
    else:
        chosen = next((each for each in question.options if each.id in typed.get("choice", ())), None)
        shown += [("Answer", chosen.label)] if chosen is not None else []
        shown += [("Note" if chosen else "Answer", text) for text in typed.get("text", ()) if text.strip()]
    if by:
        shown.append(("Answered by", by))
    return notice_page(
        heading="Thank you",
        paragraphs=["Your answer was taken, and the run goes on. You can close this page."],
        tone="ok",
        job=question.job,
        prompt=question.prompt,
        shown=shown,
        list_link=list_link,
    )


def _answered(outcome: InputOutcome, by: str, sent: bool, list_link: str) -> str:
    is_own = bool(by) and outcome.by.casefold() == by.casefold()
    # Of two answers that are nobody's in particular, this may be the same one that the browser has sent again.
    is_late = sent and not is_own and bool(by or outcome.by)
    shown: list[tuple[str, Any]] = [("Answered by", outcome.by_name or outcome.by)] if outcome.by else []
    if outcome.label:
        shown.append(("Answer", outcome.label))
    sentence = "You have answered it." if is_own else "The first answer counts."
    if is_late:
        sentence = "Somebody was faster. The first answer counts, and yours was not taken."
    return notice_page(
        heading="This has been answered",
        paragraphs=[sentence],
        tone="ok" if is_own else "info",
        shown=[*shown, *_when("Answered", outcome.at)],
        list_link=list_link,
    )


def _when(name: str, at: datetime | None) -> list[tuple[str, Any]]:
    return [] if at is None else [(name, show_time(at))]


def _shown(field: FormField, typed: Typed) -> str | list[str]:
    """Return what was given in a field; empty where that is nothing."""
    texts = [each for each in typed.get(field.name, ()) if each.strip()]
    match field.kind:
        case "yes_no" if texts or not field.nullable:
            return "Yes" if texts and texts[0] == "true" else "No"
        case "texts":
            return [line for text in texts for line in text.split("\n") if line.strip()]
        case "choices":
            return texts
    return texts[0] if texts else ""
