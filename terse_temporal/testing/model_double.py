"""`jobs.model`: the test double of the model that `generate_text` and agents ask.

Only the answers are the test's. What is sent, which tools are offered, how the output is validated and what goes into
the history is as with a real model: pydantic-ai talks to a model of its own that gives these answers.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..agents.models import require_pydantic_ai
from ..diagnostics.text import shorten
from ..errors import NotInStepError, TestDoubleError
from ..execution.invocation import run_function
from ..jobs.steps import current_step
from ..serialization.serializer import shared_serializer
from ..serialization.value_problems import ValueProblem
from ..serialization.wire_names import MODEL_TOOL_METADATA
from ..tools import find_tool
from .answering_model import answering_model

__all__ = ["ModelDouble", "Prompt", "ToolCall"]


@dataclass(frozen=True)
class ToolCall:
    """A tool that the model asks for, as an answer of `jobs.model.replies`.

    Attributes:
        name: of the tool, `"slack.send_message"`.
        arguments: by name.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Prompt:
    """What a model was asked in one turn.

    Attributes:
        text: what the user says, which is the same in all turns of one conversation.
        instructions: the system prompt.
        tools: the names of those that it may call.
        results: what the tools that it asked for the turn before have returned, in order.
        messages: the whole conversation, as pydantic-ai has it.
    """

    text: str
    instructions: str | None
    tools: Sequence[str]
    results: Sequence[Any]
    messages: Sequence[Any]


class ModelDouble:
    """The model of a test. Until it is given answers, the real one is asked."""

    def __init__(self) -> None:
        self._answers: list[Any] = []
        self._given = 0
        self._always: Callable[[Prompt], Any] | None = None
        self._prompts: list[Prompt] = []
        #: By idempotency key: what a turn was answered. If it asks again, the answer was lost with its worker.
        self._lost: dict[str, Any] = {}

    @property
    def prompts(self) -> list[Prompt]:
        """What it was asked so far, a turn each, in all runs of the test."""
        return list(self._prompts)

    def replies(self, *answers: Any) -> None:
        """Answer the next turns by these, after those that were given before.

        Args:
            answers: a string; for an `output_schema` what fits it, as an instance or as data; a `ToolCall`, or a list
                of them, to have tools called; or an exception, which is raised.

        A turn more than there are answers is an error of the test.

        Raises:
            TestDoubleError: an answer calls a tool that is not there, or with arguments that do not fit.
        """
        self._take([_check(answer) for answer in answers])

    def asks_for(self, tool: str, /, **arguments: Any) -> None:
        """Have a tool called in the next turn, after what was given before: `replies(ToolCall(tool, arguments))`."""
        self.replies(ToolCall(tool, arguments))

    def raises(self, error: BaseException) -> None:
        """Fail in the next turn, after what was given before. `TransientError` is what is tried again."""
        self.replies(error)

    def does(self, function: Callable[[Prompt], Any]) -> None:
        """Call a function for the answer to every turn for which there is none given; it may be `async def`."""
        if not callable(function):
            raise TestDoubleError(f"jobs.model.does({function!r}): give a function of one argument, the prompt")
        require_pydantic_ai()
        self._always = function

    def _fresh(self) -> ModelDouble:
        other = ModelDouble()
        other._answers, other._given, other._always = list(self._answers), self._given, self._always
        return other

    def _take(self, answers: list[Any]) -> None:
        require_pydantic_ai()
        self._answers += answers
        self._given += len(answers)

    def _instead_of(self, name: str | None) -> Any:
        """Return the model of pydantic-ai's that gives the answers, or `None`."""
        return _model(self, name or "test") if self._given or self._always else None

    async def _answer(self, prompt: Prompt, key: str) -> Any:
        self._prompts.append(prompt)
        if key in self._lost:
            return self._lost[key]
        if self._answers:
            answer = self._answers.pop(0)
            if key and not isinstance(answer, BaseException):
                self._lost[key] = answer
            return answer
        if self._always is not None:
            return _check(await run_function(self._always, [prompt], {}))
        raise TestDoubleError(
            f"the model was asked more often than the test has answers for: it gave {self._given}, and this is turn"
            f" {len(self._prompts)}, {shorten(prompt.text, 80)!r}. Give more, jobs.model.replies(…), or a function,"
            " jobs.model.does(…)."
        )


def _model(double: ModelDouble, name: str) -> Any:
    from pydantic_ai.messages import ModelResponse  # noqa: PLC0415  an extra

    async def respond(messages: list[Any], info: Any) -> Any:
        answer = await double._answer(_prompt(messages, info), _key_of_the_turn())
        if isinstance(answer, BaseException):
            raise answer
        return ModelResponse(parts=_parts(answer, info), finish_reason="stop")

    return answering_model(respond, name=name)


def _key_of_the_turn() -> str:
    """Return its idempotency key; empty where an agent streams, which is no step."""
    try:
        return current_step().idempotency_key
    except NotInStepError:
        return ""


def _prompt(messages: list[Any], info: Any) -> Prompt:
    from pydantic_ai.messages import ToolReturnPart, UserPromptPart  # noqa: PLC0415  an extra

    parts = [part for message in messages for part in message.parts]
    text = next((part.content for part in parts if isinstance(part, UserPromptPart)), "")
    return Prompt(
        text=text if isinstance(text, str) else str(text),
        instructions=info.instructions,
        tools=sorted(_own_names(info).values()),
        results=[part.content for part in messages[-1].parts if isinstance(part, ToolReturnPart)],
        messages=list(messages),
    )


def _parts(answer: Any, info: Any) -> list[Any]:
    from pydantic_ai.messages import TextPart, ToolCallPart  # noqa: PLC0415  an extra

    calls = [answer] if isinstance(answer, ToolCall) else answer
    if isinstance(calls, list) and calls and all(isinstance(each, ToolCall) for each in calls):
        return [ToolCallPart(_name_in_conversation(each, info), dict(each.arguments)) for each in calls]
    if isinstance(answer, str) and info.allow_text_output:
        return [TextPart(answer)]
    try:
        data = shared_serializer.codec(Any).dump(answer)
    except ValueProblem as problem:
        raise TestDoubleError(f"the model cannot answer {answer!r} in a test: {problem}") from None
    if not info.output_tools:
        return [TextPart(data if isinstance(data, str) else json.dumps(data))]
    output = info.output_tools[0]
    key = output.outer_typed_dict_key
    return [ToolCallPart(output.name, data if key is None else {key: data})]


def _name_in_conversation(call: ToolCall, info: Any) -> str:
    """Return what a tool is called in this conversation."""
    own = find_tool(call.name).name
    named = [name for name, tool in _own_names(info).items() if tool == own]
    if named:
        _check_complete(call, own, next(each for each in info.function_tools if each.name == named[0]))
    else:
        raise TestDoubleError(
            f"the test's model asks for the tool {own!r}, which it is not offered: the skills are"
            f" {sorted(_own_names(info).values()) or 'none'}. A real model could not ask for it."
        )
    return named[0]


def _check_complete(call: ToolCall, own: str, offered: Any) -> None:
    """Check that a call gives what the model is told to give, as real ones nearly always do."""
    given = {find_tool(own).argument(name) or name for name in call.arguments}
    for name in offered.parameters_json_schema.get("required", ()):
        if name not in given:
            raise TestDoubleError(
                f"the test's model calls the tool {own!r} without its argument {name!r}. Give it, in"
                f" ToolCall({own!r}, {{{name!r}: …}})."
            )


def _own_names(info: Any) -> dict[str, str]:
    """Return the tools that a model is offered: what they are called there, and by us."""
    # Those of an agent of pydantic-ai's own, in a step, are none of ours.
    return {each.name: (each.metadata or {}).get(MODEL_TOOL_METADATA, each.name) for each in info.function_tools}


def _check(answer: Any) -> Any:
    """Return an answer, if it is one that a model can give."""
    for call in answer if isinstance(answer, list) else [answer]:
        if isinstance(call, ToolCall):
            # A model writes JSON, by the names that it is shown.
            # What a skill fixes it does not give, so what is missing is told when the skills are known.
            arguments = shared_serializer.codec(Any).dump(dict(call.arguments))
            find_tool(call.name).from_json(arguments, by_model=True, is_part=True)
    if inspect.isroutine(answer):
        raise TestDoubleError("jobs.model.replies(…) takes answers; for a function there is jobs.model.does(…)")
    return answer
