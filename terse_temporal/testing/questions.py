"""`jobs.inputs`: what people answer, given before they are asked, and whom the ways to ask have told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from ..diagnostics.text import shorten
from ..execution.test_doubles import FunctionCall
from ..inputs.questions import InputOption, InputQuestion
from ..inputs.ways import DELIVERY_VERSION, InputWay
from ..runs.memo import question_text
from ..serialization.wire_names import INPUT_ASK, INPUT_CLOSE, INPUT_REMIND, SDK_REFERENCE
from ..tools import find_tool

__all__ = ["Inputs", "Question", "ToldByWay", "asked_text", "question_of"]

_OCCASIONS: Final[Mapping[str, Literal["ask", "remind", "close"]]] = {
    f"{SDK_REFERENCE}{INPUT_ASK}": "ask",
    f"{SDK_REFERENCE}{INPUT_REMIND}": "remind",
    f"{SDK_REFERENCE}{INPUT_CLOSE}": "close",
}


@dataclass(frozen=True)
class Question:
    """Something that a run waits for a person to answer.

    Attributes:
        id: its number in the run.
        tool: of an approval, the tool that somebody has to approve; else an empty string.
        arguments: what that is to be called with.
        prompt: what is asked.
        options: the answers to choose from.
        details: what is shown beside it.
        form: the JSON schema of the form, or `None`.
        until: when it is over; `None` is never.
    """

    id: str
    tool: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    prompt: str = field(default="", compare=False)
    options: Sequence[InputOption] = field(default=(), compare=False)
    details: Mapping[str, Any] = field(default_factory=dict, compare=False)
    form: Mapping[str, Any] | None = field(default=None, compare=False)
    until: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True)
class ToldByWay:
    """One time that a way to ask was used.

    Attributes:
        way: it, as the job has made it.
        occasion: `"ask"`, `"remind"` or `"close"`.
        prompt: of the question.
        number: of the question in its run.
        outcome: of `"close"`, as the way is given it.
    """

    way: InputWay
    occasion: Literal["ask", "remind", "close"]
    prompt: str
    number: str
    outcome: Mapping[str, Any] = field(default_factory=dict)


class Inputs:
    """Answers to questions that runs of the test may ask. Without one, a question stays open until its time is up.

    The ways to ask tell nobody in a test: what they would have is in `told`.

    Attributes:
        told: each time that a way was used, in order: to ask, to remind, and to say that the question is over.
    """

    def __init__(self) -> None:
        self._by_tool: dict[str, dict[str, Any]] = {}
        self._by_prompt: dict[str, dict[str, Any]] = {}
        self._is_real = False
        self.told: list[ToldByWay] = []

    def answers(
        self,
        prompt: str,
        *,
        choice: str | None = None,
        text: str = "",
        data: Any = None,
        by: str = "a test",
    ) -> None:
        """Answer every question whose prompt has a text in it.

        Args:
            prompt: the text; an empty one is in every prompt. Of several that fit the longest counts.
            choice: the id of an option.
            text: what goes with it, or is the answer.
            data: of a form: JSON by the names of its fields.
            by: who answers.

        An answer that does not fit its question is refused, and the question stays open.
        """
        answer = {"choice": choice, "text": text, "data": data, "by": by}
        self._by_prompt[prompt] = {name: each for name, each in answer.items() if each not in (None, "")}

    def approves(self, tool: str, *, by: str = "", reason: str = "") -> None:
        """Approve every call of a tool.

        Raises:
            UnknownToolError: there is none of that name.
        """
        self._by_tool[find_tool(tool).name] = {"approved": True, "by": by, "reason": reason}

    def denies(self, tool: str, *, by: str = "", reason: str = "") -> None:
        """Deny every call of a tool.

        Raises:
            UnknownToolError: there is none of that name.
        """
        self._by_tool[find_tool(tool).name] = {"approved": False, "by": by, "reason": reason}

    def uses_ways(self) -> None:
        """Have the ways to ask really tell people, from now on: for a test of a way."""
        self._is_real = True

    @property
    def reminders(self) -> int:
        """How often somebody was reminded."""
        return sum(each.occasion == "remind" for each in self.told)

    @property
    def _any(self) -> bool:
        return bool(self._by_tool or self._by_prompt)

    def _answer_to(self, question: Question) -> dict[str, Any] | None:
        answer = self._by_tool.get(question.tool)
        if answer is None:
            fitting = [each for each in self._by_prompt if each in question.prompt]
            answer = self._by_prompt[max(fitting, key=len)] if fitting and not question.tool else None
        return None if answer is None else {"id": question.id, **answer}

    async def _called(self, call: FunctionCall) -> Any:
        """Answer a step by which people are told, or make it."""
        occasion = _OCCASIONS.get(call.reference)
        if occasion is None:
            return await call.proceed()
        way, given = call.keywords["way"], call.keywords
        if not (isinstance(way, type) and issubclass(way, InputWay)):
            return await call.proceed()
        # Before it is made, as other calls are.
        self.told.append(
            ToldByWay(
                way.model_validate(given["options"]),
                occasion,
                str(given["question"].get("prompt")),
                str(given["question"].get("number")),
                dict(given.get("outcome") or {}),
            )
        )
        if self._is_real:
            return await call.proceed()
        if occasion != "ask":
            return None
        return {"v": DELIVERY_VERSION, "sent": None, "reminds": way.can_remind(), "closes": way.can_close()}


def question_of(asked: InputQuestion) -> Question:
    """Return a question as a test sees it."""
    arguments = asked.arguments if isinstance(asked.arguments, Mapping) else {}
    return Question(
        asked.number,
        asked.tool or "",
        arguments,
        asked.prompt,
        asked.options,
        asked.details,
        asked.form,
        asked.until,
    )


def asked_text(questions: Sequence[Question]) -> str:
    """Return what is to be answered, and how a test does that."""
    tools = " and ".join(question_text(vars(each)) for each in questions if each.tool)
    others = " and ".join(repr(shorten(each.prompt, 100)) for each in questions if not each.tool)
    said = []
    if tools:
        said.append(
            f"waits for somebody to approve {tools}. Do it in the test, await run.approve(), or before it asks,"
            " jobs.inputs.approves(…)."
        )
    if others:
        said.append(
            f"waits for somebody to answer {others}. Do it in the test, await run.answer(…), or before it asks,"
            " jobs.inputs.answers(…)."
        )
    return " It ".join(said)
