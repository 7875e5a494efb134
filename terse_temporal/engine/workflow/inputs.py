"""Questions that a run asks a person, and the answers, which come in as workflow updates.

What is open stands in the run's memo, so that it can be found among all runs and read without a worker, and in the
details that the Web UI shows. An answer is an update.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from ...diagnostics.text import shorten
from ...serialization.wire_names import INPUT_UPDATE, WRONG_ANSWER_FAILURE
from .waiting import WaitingBoard

__all__ = ["InputRequests"]

#: Characters of a call's arguments that are shown.
_LONGEST: Final = 4_000


class InputRequests:
    """The open questions of one run.

    Args:
        board: where they are shown.
    """

    def __init__(self, board: WaitingBoard) -> None:
        self._board = board
        self._open: dict[str, Mapping[str, Any]] = {}
        self._answers: dict[str, dict[str, Any]] = {}
        self._asked = 0

    def install(self) -> None:
        """Take answers in the workflow that is starting."""
        # Named as a function is, because it is the update's description too.
        workflow.set_update_handler(INPUT_UPDATE, self._decide, validator=self._check)

    async def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Wait for the answer: `approved`, and perhaps `reason` and `by`."""
        self._asked += 1
        number = str(self._asked)
        self._open[number] = {**question, "arguments": _for_the_memo(question.get("arguments"))}
        try:
            self._show()
            await workflow.wait_condition(lambda: number in self._answers)
        # Not in a `finally`, which a run that leaves the cache of its worker comes through too.
        except (asyncio.CancelledError, Exception):
            self._closed(number)
            raise
        self._closed(number)
        return self._answers[number]

    def _closed(self, number: str) -> None:
        del self._open[number]
        self._show()

    def _check(self, answer: Any) -> None:
        if not isinstance(answer, dict) or not isinstance(answer.get("approved"), bool):
            raise ApplicationError(
                'an answer is {"id": "1", "approved": true}, and may have "reason" and "by"', type=WRONG_ANSWER_FAILURE
            )
        number = self._meant(answer)
        if number not in self._unanswered() and not self._is_early(number):
            asked = "was answered before" if number in self._answers else "is not open"
            raise ApplicationError(
                f"question {number!r} {asked}: open are {self._unanswered() or 'none'}", type=WRONG_ANSWER_FAILURE
            )

    def _is_early(self, number: str) -> bool:
        """Return whether the question has been asked and answered before, and comes again.

        What a run was sent after the point that it is reset to comes in again first of all.
        """
        info = workflow.info()
        is_reset = info.run_id != info.original_execution_run_id
        return is_reset and number not in self._answers and number.isdecimal() and int(number) > self._asked

    async def _decide(self, answer: Any) -> str:
        number = self._meant(answer)
        self._answers[number] = {
            "approved": answer["approved"],
            "reason": str(answer.get("reason") or ""),
            "by": str(answer.get("by") or ""),
        }
        return number

    def _meant(self, answer: Mapping[str, Any]) -> str:
        """Return the question that is answered: the only one that is open, where it does not say."""
        unanswered = self._unanswered()
        if answer.get("id") is None and len(unanswered) == 1:
            return unanswered[0]
        return str(answer.get("id") or "")

    def _unanswered(self) -> list[str]:
        # One that is answered stays open until the handler is told, which may be after a second answer.
        return [number for number in self._open if number not in self._answers]

    def _show(self) -> None:
        self._board.questions = dict(self._open)
        self._board.show()


def _for_the_memo(arguments: Any) -> Any:
    """Return the arguments, or as much of them as a person reads: a memo is recorded whole whenever it changes."""
    text = json.dumps(arguments)
    return arguments if len(text) <= _LONGEST else {"(shortened)": shorten(text, _LONGEST, with_length=True)}
