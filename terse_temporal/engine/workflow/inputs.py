"""Questions that a run asks a person, and the answers, which come in as workflow updates.

What is open stands in the run's memo, so that it can be found among all runs and read without a worker, and in the
details that the Web UI shows. So does who has answered the last ones. An answer is an update, checked by its validator:
one that does not fit leaves nothing in the history. One that is accepted is not checked again, on a replay or by newer
code: it has been answered.

Who is told of a question, and when, is `telling.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any, Final

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from ...diagnostics.text import shorten
from ...durations import format_duration
from ...errors import InputError, InputTimeoutError
from ...execution.input_requests import APPROVE, DENY, AnswerProblem, InputRequest, RecordedAnswer
from ...execution.protocol import StepRequest
from ...inputs.answers import check_size
from ...inputs.default_way import DefaultWay, has_default_way
from ...inputs.ways import WaySteps
from ...serialization.wire_names import (
    INPUT_DEFAULT_MARKER,
    INPUT_EARLY_MARKER,
    WRONG_ANSWER_FAILURE,
)
from .question import Ended, Question, shown_time
from .telling import Telling
from .waiting import WaitingBoard

__all__ = ["InputRequests"]

#: Questions that are shown, and the bytes of them that are shown in full: a memo is recorded whole whenever it changes.
_SHOWN: Final = 20
_SHOWN_BYTES: Final = 32 * 1024

#: Questions of one run that are open at once. Each is shown, and taken away.
_MOST_OPEN: Final = 500

#: Questions that are over of which the memo tells who has answered.
_REMEMBERED: Final = 20

#: Digits of the number of a question.
_DIGITS: Final = 9


class InputRequests:
    """The questions of one run.

    Args:
        board: where they are shown.
        call: makes a step.
        recorded: returns a value as it was at first, on a replay too.
        run: returns the run id before any reset.
        job: the job's name.
    """

    def __init__(
        self,
        board: WaitingBoard,
        call: Callable[[StepRequest], Coroutine[Any, Any, Any]],
        recorded: Callable[[str, bool], bool],
        run: Callable[[], str],
        job: str,
    ) -> None:
        self._board = board
        self._recorded = recorded
        self._run = run
        #: Whether questions that name no way are asked by the default one; `None` before the first of these.
        self._has_default: bool | None = None
        #: By number, in the order in which they were asked.
        self._open: dict[str, Question] = {}
        #: Answers to questions that come again after a reset.
        self._early: dict[str, Mapping[str, Any]] = {}
        #: Numbers of questions that were answered, with what is remembered of it.
        self._answered: dict[str, dict[str, Any]] = {}
        self._asked = 0
        self._is_over = False
        self._telling = Telling(call, job)

    async def ask(self, request: InputRequest, where: str) -> Any:
        """Ask, and wait for the answer.

        Args:
            request: the question.
            where: the line of the user's that asks.
        """
        if self._is_over:  # a task of the handler asks, which goes with the run: nobody would read the answer
            await workflow.wait_condition(lambda: False)
        if len(self._open) >= _MOST_OPEN:
            raise InputError(
                f"wait_for_input() at {where}: {_MOST_OPEN} questions of this run are open, which is the most. Ask"
                " fewer at a time, or in child runs."
            )
        self._asked += 1
        number = str(self._asked)
        request = self._with_default(request)
        question = Question(number, request, self._run(), workflow.now())
        self._open[number] = question
        self._take_early(question)
        try:
            if question.answer is None:
                self._telling.tell(question, where)
            self._show()
            await self._until_over(question, where)
        # Not in a `finally`, which a run that leaves the cache of its worker comes through too.
        except (asyncio.CancelledError, Exception):
            self._close(question, question.ended or ("withdrawn" if question.answer is None else "answered"))
            raise
        self._close(question, question.ended or "answered")
        assert question.answer is not None
        return request.read(question.answer)

    def _with_default(self, request: InputRequest) -> InputRequest:
        """Return a question with the default way, where it names none and the worker has one."""
        if request.ways:
            return request
        # Once for a run: the marker is two events, and one more name in a search attribute.
        if self._has_default is None:
            self._has_default = self._recorded(INPUT_DEFAULT_MARKER, has_default_way())
        return replace(request, ways=(WaySteps(DefaultWay, {}),)) if self._has_default else request

    async def settle(self) -> None:
        """Have everybody told that nobody is asked any more, as the run ends."""
        # What a task of the handler still asks, nobody will read the answer to. The memo goes over to the next run.
        self._is_over = True
        self._board.questions = {}
        await self._telling.settle()

    async def _until_over(self, question: Question, where: str) -> None:
        request = question.request

        def is_over() -> bool:
            return question.answer is not None or question.is_untold

        if request.timeout is None:
            await workflow.wait_condition(is_over)
        else:
            try:
                # Without a summary: a timer that has one is a sleep of the handler.
                await workflow.wait_condition(is_over, timeout=request.timeout)
            except TimeoutError:
                question.ended = "timed_out"
                if request.on_timeout is None:
                    raise InputTimeoutError(
                        f"nobody answered the question {question.number} of the run within"
                        f" {format_duration(request.timeout)}: wait_for_input() at {where}",
                        question=question.number,
                    ) from None
                question.answer = RecordedAnswer(request.on_timeout, "", None, None, workflow.now())
        if question.answer is None:
            question.ended = "withdrawn"
            raise next(iter(question.failed.values()))

    def _close(self, question: Question, ended: Ended) -> None:
        question.ended = ended
        if question.answer is not None:
            answered = question.outcome | question.past | {"at": shown_time(question.answer.answered_at)}
            answered |= {"of": question.digest} if question.answer.respondent else {}
            self._answered[question.number] = {name: each for name, each in answered.items() if each is not None}
        else:
            self._answered[question.number] = question.past | {"at": shown_time(workflow.now()), "ended": ended}
        if len(self._answered) > _REMEMBERED:
            del self._answered[next(iter(self._answered))]
        del self._open[question.number]
        self._show()

    def check(self, answer: Any) -> None:
        """Refuse an answer that does not fit, or comes too late.

        What is refused stands in the details of the failure: `kind`, `fields`, `by` and `by_name` of
        `AnswerRefusedError`.
        """
        if not isinstance(answer, dict):
            raise _refusal('an answer is an object, such as {"id": "1", "choice": "approve"}')
        number = self._meant(answer)
        if (run := answer.get("run")) is not None and run != self._run():
            raise _refusal(f"question {shorten(number, 40)!r} is of another run, which is over", "closed")
        question = self._unanswered().get(number)
        if question is not None:
            try:
                question.request.check(_in_full(answer))
            except AnswerProblem as problem:
                raise _refusal(problem.message, problem.kind, problem.fields) from None
        elif self._is_early(number):
            try:
                check_size(answer)
            except AnswerProblem as problem:
                raise _refusal(problem.message, problem.kind) from None
        else:
            raise self._late(number)

    def _late(self, number: str) -> ApplicationError:
        open_ = list(self._unanswered()) or "none"
        answered = self._answered.get(number)
        if number in self._open:  # and answered, of which the handler has not heard yet
            answered = self._open[number].outcome | {"ended": "answered"}
        if answered is None or answered["ended"] != "answered":
            was_asked = 0 < _as_number(number) <= self._asked
            said = "is over" if was_asked else "is not open"
            return _refusal(f"question {shorten(number, 40)!r} {said}: open are {open_}", "closed")
        by, name = str(answered.get("by") or ""), str(answered.get("by_name") or "")
        who = f" by {name or by!r}" if name or by else ""
        said = f"question {shorten(number, 40)!r} was answered before{who}: open are {open_}"
        return _refusal(said, "answered", by=by, by_name=name)

    def _is_early(self, number: str) -> bool:
        """Return whether the question has been asked and answered before, and comes again.

        What a run was sent after the point that it is reset to comes in again first of all.
        """
        info = workflow.info()
        is_reset = info.run_id != info.original_execution_run_id
        return is_reset and number not in self._early and _as_number(number) > self._asked

    def decide(self, answer: Any) -> str:
        """Take an answer that fits, and return the number of its question."""
        number = self._meant(answer)
        if (question := self._unanswered().get(number)) is not None:
            self._take(question, answer)
        elif _as_number(number) > self._asked:
            self._early[number] = answer
        return number

    def _take(self, question: Question, answer: Mapping[str, Any]) -> None:
        given = _in_full(answer)
        choice, by, name, via = (given.get(each) for each in ("choice", "by", "by_name", "via"))
        question.answer = RecordedAnswer(
            choice if isinstance(choice, str) else None,
            str(given.get("text") or ""),
            given.get("data"),
            str(by) if by else None,
            workflow.now(),
            str(name) if name else None,
        )
        question.via = via if isinstance(via, str) else ""

    def _take_early(self, question: Question) -> None:
        """Take the answer that has come before, if it fits what is asked now."""
        answer = self._early.pop(question.number, None)
        if answer is None:
            return
        # Of a call that may be made, nothing else says for which arguments: a model may choose others this time.
        fits = answer.get("of", None if "tool" in question.shown else question.digest) == question.digest
        try:
            question.request.check(_in_full(answer))
        except AnswerProblem:
            fits = False
        # Whether it fits may be another thing for newer code, and the run is to come past here again.
        if not self._recorded(INPUT_EARLY_MARKER, not fits):
            self._take(question, answer)

    def _meant(self, answer: Mapping[str, Any]) -> str:
        """Return the question that is answered: the only one that is open, where it does not say."""
        unanswered = self._unanswered()
        if answer.get("id") is None and len(unanswered) == 1:
            return next(iter(unanswered))
        return str(answer.get("id") or "")

    def _unanswered(self) -> dict[str, Question]:
        # One that is answered stays open until the handler is told, which may be after a second answer.
        return {number: each for number, each in self._open.items() if each.answer is None and each.ended is None}

    def question(self, number: Any) -> dict[str, Any] | None:
        """Return an open question in full, by its number."""
        question = self._open.get(str(number))
        return None if question is None else dict(question.shown)

    def _show(self) -> None:
        shown: dict[str, Mapping[str, Any]] = {}
        left = _SHOWN_BYTES
        numbers = list(self._open)
        for number in numbers[:_SHOWN]:
            question = self._open[number]
            if question.size <= left:
                shown[number] = question.shown
                left -= question.size
            else:
                shown[number] = question.short
        if len(numbers) > _SHOWN:
            last = numbers[_SHOWN - 1]
            shown[last] = {**shown[last], "more": len(numbers) - _SHOWN}
        self._board.questions = shown
        self._board.answered = dict(self._answered)
        self._board.show()


def _in_full(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an answer with what an approval may say instead: `approved` and `reason`."""
    if not isinstance(approved := answer.get("approved"), bool) or answer.get("choice") is not None:
        return answer
    return {**answer, "choice": APPROVE if approved else DENY, "text": answer.get("text") or answer.get("reason")}


def _as_number(number: str) -> int:
    """Return the number of a question that an answer names; 0 where it is none."""
    return int(number) if number.isascii() and number.isdecimal() and len(number) <= _DIGITS else 0


def _refusal(
    message: str, kind: str = "wrong", fields: Mapping[str, str] | None = None, by: str = "", by_name: str = ""
) -> ApplicationError:
    details = {"kind": kind, "fields": dict(fields or {}), "by": by, "by_name": by_name}
    return ApplicationError(message, {n: each for n, each in details.items() if each}, type=WRONG_ANSWER_FAILURE)
