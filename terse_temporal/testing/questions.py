"""`jobs.inputs`: what a person answers, given before the question is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..tools import find_tool

__all__ = ["Inputs", "Question"]


@dataclass(frozen=True)
class Question:
    """Something that a run waits for a person to answer.

    Attributes:
        id: its number in the run.
        tool: the tool that somebody has to approve.
        arguments: what it is to be called with.
    """

    id: str
    tool: str
    arguments: Mapping[str, Any]


class Inputs:
    """Answers to questions that runs of the test may ask. Without one, a question stays open."""

    def __init__(self) -> None:
        self._by_tool: dict[str, dict[str, Any]] = {}

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

    @property
    def _any(self) -> bool:
        return bool(self._by_tool)

    def _answer_to(self, question: Question) -> dict[str, Any] | None:
        answer = self._by_tool.get(question.tool)
        return None if answer is None else {"id": question.id, **answer}
