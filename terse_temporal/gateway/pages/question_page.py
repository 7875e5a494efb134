"""The page of a question, and those that say why there is none to answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal

from ...diagnostics.text import one_line, printable, shorten
from ...inputs.forms import Form, read_form
from ...inputs.questions import InputQuestion
from .fields import Field, field_views, mistakes_of
from .rendering import render
from .showing import Shown, pairs, show, show_time

__all__ = ["notice_page", "question_page"]

#: Characters of a line; what jobs ask is shorter, a memo may be of anybody's making.
_LONGEST_LINE: Final = 500
_LONGEST_PROMPT: Final = 10_000

_NOTHING: Final[Mapping[str, Sequence[str]]] = {}
_NO_MISTAKES: Final[Mapping[str, str]] = {}

#: Typed texts that a page shows again where they cannot be edited, and characters of each.
_MOST_SHOWN: Final = 60
_LONGEST_SHOWN: Final = 2_000


def question_page(
    question: InputQuestion,
    *,
    csrf: str,
    typed: Mapping[str, Sequence[str]] = _NOTHING,
    mistakes: Mapping[str, str] = _NO_MISTAKES,
    notice: str = "",
    answering_as: str = "",
    chosen: str = "",
    may_answer: bool = True,
    list_link: str = "",
    now: datetime | None = None,
) -> str:
    """Return the page on which a question is answered, as HTML.

    Args:
        question: in full, as it stands in the memo of its run, of which nothing is trusted.
        csrf: the token that the answer has to have with it.
        typed: what was sent before, by the names of the fields, and is kept in them; empty begins with the defaults.
        mistakes: what is wrong with that, by the paths of a form's values, or by `choice` and `text`; of all of it by
            an empty path.
        notice: what else is to be said before it is sent again.
        answering_as: whose answer it is, if that is known.
        chosen: the option that the link has said: it is pointed out, and not chosen.
        may_answer: whether there is something to answer with; without it `notice` says why not.
        list_link: the address of the list of all questions, for who may see it.
        now: for tests.
    """
    form, problem = _form_of(question)
    views: list[Field] = [] if form is None else field_views(form, typed, mistakes)
    now = now or datetime.now(UTC)
    options = {each.id: each for each in question.options}
    counts = options.get(question.on_timeout or "")
    approval: dict[str, Any] = {"tool": None, "arguments": [], "because": ""}
    if question.tool is not None:
        arguments = question.arguments
        approval = {
            "tool": shorten(question.tool, _LONGEST_LINE),
            "arguments": pairs(arguments) if isinstance(arguments, dict) else [("arguments", show(arguments))],
            "because": shorten(question.because, _LONGEST_LINE),
        }
    return render(
        "question.html",
        job=_line(question.job),
        run_id=_line(question.id),
        prompt=shorten(question.prompt, _LONGEST_PROMPT),
        details=pairs(question.details),
        options=[
            {
                "id": each.id,
                "label": _line(each.label),
                "description": printable(each.description),
                "free_text": each.free_text,
            }
            for each in question.options
        ],
        form=form and {"description": form.description, "fields": views},
        form_problem=problem,
        chosen=chosen if chosen in options else "",
        text_error=printable(mistakes.get("text", "")),
        text=next(iter(typed.get("text", ())), ""),
        csrf=csrf,
        may_answer=may_answer,
        list_link=list_link,
        answering_as=_line(answering_as),
        mistakes=_sentences(mistakes) if form is None else mistakes_of(views, form, mistakes),
        notice=notice,
        since=show_time(question.since, now) if question.since else "",
        until=show_time(question.until, now) if question.until else "",
        on_timeout=_line(counts.label) if counts else "",
        respond_by=[_line(each) for each in question.respond_by],
        **approval,
    )


def notice_page(
    *,
    heading: str,
    paragraphs: Iterable[str],
    tone: Literal["ok", "info", "warning"] = "info",
    job: str = "",
    prompt: str = "",
    shown: Iterable[tuple[str, Shown]] = (),
    again: str = "",
    resend: Mapping[str, Sequence[str]] = _NOTHING,
    csrf: str = "",
    list_link: str = "",
) -> str:
    """Return a page that says something, as HTML.

    Args:
        heading: what, in a few words.
        paragraphs: the rest.
        tone: how it looks.
        job: that has asked.
        prompt: what was asked.
        shown: names and values below it.
        again: a link to try again by.
        resend: what was sent, by the names of the fields, to be sent again with a button.
        csrf: the token that goes with it then.
        list_link: the address of the list of all questions, for who may see it.
    """
    return render(
        "notice.html",
        heading=one_line(heading),
        paragraphs=[printable(each) for each in paragraphs],
        tone=tone,
        job=_line(job),
        prompt=shorten(prompt, _LONGEST_PROMPT),
        shown=list(shown),
        again=again,
        resend=[(name, text) for name, texts in resend.items() for text in texts],
        typed=[
            (_line(name), shorten("\n".join(texts), _LONGEST_SHOWN))
            for name, texts in list(resend.items())[:_MOST_SHOWN]
            if any(texts)
        ],
        csrf=csrf,
        list_link=list_link,
    )


def _sentences(mistakes: Mapping[str, str]) -> list[tuple[str, str]]:
    return [("text" if path == "text" else "", printable(said)) for path, said in mistakes.items()]


def _form_of(question: InputQuestion) -> tuple[Form | None, str]:
    """Return the form of a question, and why there is none where there should be."""
    if question.form is None:
        return None, ""
    try:
        return read_form(question.form), ""
    except ValueError as error:
        return None, str(error)


def _line(text: str) -> str:
    return shorten(one_line(text), _LONGEST_LINE)
