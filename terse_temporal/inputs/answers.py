"""An answer: whether it fits the question that was asked, and what the handler gets of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic

from typing_extensions import TypeVar

from ..diagnostics.text import shorten
from ..execution.input_requests import AnswerProblem
from ..execution.run_events import is_name
from ..serialization.codec import Codec
from ..serialization.json_text import encoded_size
from ..serialization.value_problems import too_deep

__all__ = ["InputAnswer", "answer_check", "check_size"]

_D = TypeVar("_D", default=None)

#: Bytes of an answer as JSON, which is recorded; and characters of its text.
_MOST_BYTES: Final = 64 * 1024
_LONGEST_TEXT: Final = 10_000
_LONGEST_RESPONDENT: Final = 200

#: Wrong fields that are named, and characters that are said of each.
_MOST_WRONG: Final = 50
_LONGEST_WRONG: Final = 300


@dataclass(frozen=True, slots=True)
class InputAnswer(Generic[_D]):
    """What a person has answered.

    Attributes:
        choice: the id of the option; `None` where there were none.
        text: what was written: with an option, or as the answer itself. An empty string if nothing was.
        data: of a form, an instance of the schema; `None` where there was none.
        respondent: who has answered, as far as is known: a user of Slack, an address, the name of an operator; `None`
            where time was up and `on_timeout` counts.
        answered_at: when, on the run's clock.
        respondent_name: what that person is called, for people to read; where that is not known, `respondent`.
    """

    choice: str | None
    text: str
    data: _D
    respondent: str | None
    answered_at: datetime
    respondent_name: str | None = None


def answer_check(
    question: Mapping[str, Any], codec: Codec | None, initial: Mapping[str, Any] | None = None
) -> Callable[[Mapping[str, Any]], None]:
    """Return what raises an `AnswerProblem` for an answer that does not fit a question.

    Args:
        question: as JSON, see `questions.py`.
        codec: of the model of a form; `None` where it has none.
        initial: what counts where an answer leaves a field out.

    It looks at `choice`, `text`, `data`, `by` and `by_name` of an answer.
    """
    options = {each["id"]: bool(each.get("free_text")) for each in question.get("options", ())}
    allowed = {each.casefold() for each in question.get("respond_by", ())}

    def check(given: Mapping[str, Any]) -> None:
        check_size(given)
        _check_respondent(given.get("by"), given.get("by_name"), allowed)
        text = given.get("text")
        if text is not None and not isinstance(text, str):
            raise AnswerProblem("the text of an answer is a string")
        if text and len(text) > _LONGEST_TEXT:
            raise AnswerProblem(f"the text has {len(text):,} characters, and {_LONGEST_TEXT:,} is the most")
        if codec is None and given.get("data") is not None:
            raise AnswerProblem("this question has no form, so an answer has no data")
        if not options and given.get("choice") is not None:
            raise AnswerProblem("this question has no options, so an answer has no choice")
        if options:
            _check_choice(given.get("choice"), text, options)
        elif codec is not None:
            _check_data(given.get("data"), text, codec, initial or {})
        elif not text or not text.strip():
            raise AnswerProblem("write something: the answer is empty", {"text": "write something"})

    return check


def check_size(given: Mapping[str, Any]) -> None:
    """Raise an `AnswerProblem` for an answer that is too large, or nested too deep.

    Whoever sends one asks this first: an update of megabytes never reaches a worker, and the server tries for long.
    """
    try:
        size = encoded_size(given)
    except (RecursionError, ValueError):
        raise AnswerProblem("an answer is JSON, of 64 KiB at most, and not nested deep") from None
    if size > _MOST_BYTES or too_deep(given) is not None:
        raise AnswerProblem("an answer is 64 KiB at most, and not nested deep")


def _check_respondent(by: Any, by_name: Any, allowed: set[str]) -> None:
    for name, each in (("by", by), ("by_name", by_name)):
        if each not in (None, "") and not is_name(each, _LONGEST_RESPONDENT):
            raise AnswerProblem(
                f"who answers ({name}) is a string of {_LONGEST_RESPONDENT} characters at most, in one line"
            )
    if allowed and (not by or by.casefold() not in allowed):
        who = "this is not known to be one of them" if not by else f"{by!r} is none of them"
        raise AnswerProblem(f"only some people may answer this question, and {who}", kind="not_allowed")


def _check_choice(choice: Any, text: str | None, options: Mapping[str, bool]) -> None:
    if not isinstance(choice, str) or choice not in options:
        raise AnswerProblem(f"choose one of {', '.join(map(repr, options))}", {"choice": "choose one of the options"})
    if text and not options[choice]:
        raise AnswerProblem(f"no text goes with the option {choice!r}", {"text": "no text goes with this option"})


def _check_data(data: Any, text: str | None, codec: Codec, initial: Mapping[str, Any]) -> None:
    if not isinstance(data, dict):
        raise AnswerProblem("this question has a form: an answer has its fields as data, an object")
    if text:
        raise AnswerProblem("this question has a form, so an answer has no text")
    wrong = codec.wrong_fields({**initial, **data})
    if not wrong:
        return
    fields: dict[str, str] = {}
    for path, said in wrong[:_MOST_WRONG]:
        fields.setdefault(shorten(path, 100) if path else "", shorten(said, _LONGEST_WRONG))
    more = f"\n  and {len(wrong) - _MOST_WRONG:,} more" if len(wrong) > _MOST_WRONG else ""
    lines = "\n".join(f"  {name or '(the form)'}: {said}" for name, said in fields.items())
    raise AnswerProblem(f"the form has mistakes:\n{lines}{more}", fields)
