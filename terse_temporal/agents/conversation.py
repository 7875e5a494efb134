"""A conversation with a model, as the loop of an agent has it: how it goes on, and what the next turn is asked with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..errors import ModelOutputError, TurnLimitError
from ..execution.recorded_results import long_hash, result_hash
from .references import given_arguments, refer_to_results

__all__ = ["Conversation"]

#: How often in a row an answer may fail to validate. A model that has not got it right by then does not.
_CORRECTIONS: Final = 3


class Conversation:
    """A conversation so far.

    Args:
        model: its name, or `None` for the worker's choice, which then stays.
        instructions: the system prompt.
        max_turns: requests to the model, at most.

    Attributes:
        history: what was said: the hash of what the last turn has come to, or all messages where turns do not refer to
            each other. What was recorded for the first turn decides, so a run goes on as it has begun.
        results: what tools have returned since, by the id of the call.
        calls: the tools that the model wants called.
        turns: how many there were.
        over: whether the answer is there, and
        output: which it is, as JSON.
    """

    def __init__(self, model: str | None, instructions: str | None, max_turns: int) -> None:
        self._limit = max_turns
        self.model = model or ""
        self.instructions: str | bool | None = instructions
        self._corrections = 0
        self.turns = 0
        self.history: list[Any] | str = []
        self.calls: list[dict[str, Any]] = []
        self.results: Mapping[str, Any] = {}
        self.over = False
        self.output: Any = None

    def take(self, result: dict[str, Any]) -> None:
        """Go on by the result of a turn."""
        model = self.model = result["model"]
        self.turns += 1
        self.calls, self.results = result.get("calls", []), {}
        if isinstance(self.history, list) and "after" not in result:
            self.history = [*self.history[: result["keep"]], *result["messages"]]
        else:
            if self.turns == 1 and isinstance(self.instructions, str) and long_hash(self.instructions):
                # As the library has written them; it takes the space around them away.
                is_there = result["messages"][0].get("instructions") == self.instructions.strip()
                self.instructions = is_there or self.instructions
            self.history = result_hash(result)
            given = given_arguments(result["messages"]) if self.calls else {}
            self.calls = [
                call if "error" in call or "arguments" in call else {**call, "arguments": given[call["id"]]}
                for call in self.calls
            ]
        if "output" in result:
            self.over, self.output = True, result["output"]
            return
        self._corrections = self._corrections + 1 if "correction" in result else 0
        if self._corrections > _CORRECTIONS:
            raise ModelOutputError(
                f"the model {model!r} did not give an output that validates, in {_CORRECTIONS} corrections either:"
                f" {result['correction']}. Describe the output in the prompt, make output_schema easier, or name"
                " another model.",
                model=model,
            )
        if self.turns >= self._limit:
            raise TurnLimitError(
                f"the model {model!r} did not come to an end in {self._limit} turns. Raise max_turns, allow it fewer"
                " tools, or ask for less at once.",
                model=model,
            )

    def take_results(self, results: Mapping[str, Any]) -> None:
        """Go on with what the tools have returned."""
        self.results = results if isinstance(self.history, list) else refer_to_results(results)
