"""`generate_text` and `TerseAgent`: a model that answers, and calls the tools that it is allowed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from ..errors import JobDefinitionError, StepInputError, UnknownToolError
from ..serialization.serializer import shared_serializer
from ..serialization.value_problems import ValueProblem
from ..tools import find_tool, toolbox
from ..tools.toolbox import ToolPath
from .approvals import ApprovalsVia, ToolApprovals, approval_list, call_approved, read_approvals
from .events import AgentEvent
from .fixed_arguments import fill
from .loop import AgentConfig
from .skills import Skill, allow_list, allowed, fixed_arguments

if TYPE_CHECKING:
    from typing_extensions import TypeForm

__all__ = ["TerseAgent", "generate_text"]

_T = TypeVar("_T")

DEFAULT_TURNS = 50


@overload
def generate_text(
    *,
    prompt: str,
    skills: Sequence[Skill | str] = ...,
    output_schema: None = None,
    model: str | None = None,
    max_turns: int = ...,
    tool_approvals: ToolApprovals = ...,
    approvals_via: ApprovalsVia = ...,
    settings: Mapping[str, Any] | None = None,
) -> Coroutine[Any, Any, str]: ...


@overload
def generate_text(
    *,
    prompt: str,
    skills: Sequence[Skill | str] = ...,
    output_schema: TypeForm[_T],
    model: str | None = None,
    max_turns: int = ...,
    tool_approvals: ToolApprovals = ...,
    approvals_via: ApprovalsVia = ...,
    settings: Mapping[str, Any] | None = None,
) -> Coroutine[Any, Any, _T]: ...


def generate_text(
    *,
    prompt: str,
    skills: Sequence[Skill | str] = (),
    output_schema: Any = None,
    model: str | None = None,
    max_turns: int = DEFAULT_TURNS,
    tool_approvals: ToolApprovals = (),
    approvals_via: ApprovalsVia = None,
    settings: Mapping[str, Any] | None = None,
) -> Coroutine[Any, Any, Any]:
    """Ask a model, let it call tools, and return its final answer.

    Args:
        prompt: what it is asked.
        skills: the tools that it may call, and no others: `Skills.slack()`, `Skills.github(tools=["create_issue"])`,
            `Skills.all()`, or the name of a toolbox. `Skills.slack(channel="C1")` fixes an argument.
        output_schema: a pydantic model, a dataclass or any other type: the answer is validated against it, and an
            instance of it returned. Without it, the answer is a string.
        model: `provider:model`, such as `"openai:gpt-5"`; without it, `TERSE_MODEL` of the worker's environment.
        max_turns: how often the model is asked, at most. One turn more is needed after every round of tools.
        tool_approvals: names of tools that a person has to approve each time the model wants to call them. The run
            waits for it, so the job has to be durable. Or a dict, of a tool's name and a function of its arguments:
            `{"bank.transfer": lambda arguments: arguments["cents"] > 10_000}`, which says each time whether a person
            is needed. It runs in the workflow, so it may do nothing but look at the arguments. Where it fails, or
            returns anything but a `bool`, a person is asked.
        approvals_via: by what ways people are asked for these, as `via` of `wait_for_input`; without it by the
            worker's default, `TERSE_ASK_BY`. Where none of them can ask, the tool is not called, and the model is told.
        settings: pydantic-ai's `ModelSettings`, such as `{"temperature": 0}`.

    Returns:
        What to await for the answer.

    Raises:
        UnknownToolError: a skill names what is not there; raised by the call.
        DurableOnlyError: `tool_approvals` where nothing can wait; likewise.
        ModelError: when awaited: the model refused, could not be reached, gave nothing that validates, or did not end.
            In a durable job it is a `StepError` too.

    In a durable handler every turn is a step named `generate_text`, and every call of a tool is the step that
    `toolbox.…` makes: three history events each, and one for the tokens. What is said stands in the history once,
    however many turns there are; in place a conversation is limited to 2 MiB. A tool that fails does not fail the run:
    the model is told.
    """
    conversation = _ModelOptions(None, skills, model, max_turns, tool_approvals, approvals_via, settings).conversation()
    return conversation.ask(_text(prompt, "prompt"), str if output_schema is None else output_schema)


class TerseAgent:
    """A model with its instructions and its tools, to be asked more than once.

    Make one with `TerseAgent.create(prompt=…, skills=[…])`. It holds no conversation: every message starts a new one.

    Attributes:
        tools: its tools, to be called without the model: `await agent.tools.slack.send_message(…)`. Those outside its
            skills raise `UnknownToolError`, and those in `tool_approvals` wait for a person.
    """

    def __init__(self, asking: _ModelOptions) -> None:
        self._options = asking
        self.tools: ToolPath = ToolPath("agent.tools", asking.call)

    @classmethod
    def create(
        cls,
        *,
        prompt: str = "",
        skills: Sequence[Skill | str] = (),
        model: str | None = None,
        max_turns: int = DEFAULT_TURNS,
        tool_approvals: ToolApprovals = (),
        approvals_via: ApprovalsVia = None,
        settings: Mapping[str, Any] | None = None,
    ) -> TerseAgent:
        """Return an agent, also at the top level of a module: what its skills name is looked up when it is asked.

        Args:
            prompt: its instructions, the system prompt.

        The other parameters are those of `generate_text`, and what that raises is raised when it is asked.
        """
        instructions = _text(prompt, "prompt") or None
        return cls(_ModelOptions(instructions, skills, model, max_turns, tool_approvals, approvals_via, settings))

    @overload
    def run_and_wait(self, message: str, output_schema: None = None) -> Coroutine[Any, Any, str]: ...

    @overload
    def run_and_wait(self, message: str, output_schema: TypeForm[_T]) -> Coroutine[Any, Any, _T]: ...

    def run_and_wait(self, message: str, output_schema: Any = None) -> Coroutine[Any, Any, Any]:
        """Ask, and return the final answer; costs and errors as `generate_text`."""
        return self._options.conversation().ask(
            _text(message, "message"), str if output_schema is None else output_schema
        )

    def run(self, message: str, output_schema: Any = None) -> AsyncIterator[AgentEvent]:
        """Ask, and yield what happens: text as it is written, tool calls and their results, and the final output.

        Only where it runs in place: in a job that is not durable, or in a step.

        Raises:
            InPlaceOnlyError: in the handler of a durable job.
        """
        return self._options.conversation().stream(
            _text(message, "message"), str if output_schema is None else output_schema
        )

    @staticmethod
    def execute_tool(name: str, arguments: Mapping[str, Any] | None = None) -> Coroutine[Any, Any, Any]:
        """Call a tool by name, without a model: what `toolbox.call` does."""
        return toolbox.call(name, arguments)


class _ModelOptions:
    """How a model is to be asked, as it was given."""

    def __init__(
        self,
        instructions: str | None,
        skills: Sequence[Skill | str],
        model: str | None,
        max_turns: int,
        tool_approvals: ToolApprovals,
        approvals_via: ApprovalsVia,
        settings: Mapping[str, Any] | None,
    ) -> None:
        if not isinstance(max_turns, int) or max_turns < 1:
            raise JobDefinitionError(f"max_turns={max_turns!r}: give a whole number of 1 or more")
        if model is not None and (not isinstance(model, str) or not model.strip()):
            raise JobDefinitionError(f'model={model!r}: give a name such as "openai:gpt-5"')
        self._instructions = instructions
        # Both may be asked for more than once.
        self._skills = list(skills) if isinstance(skills, Iterable) and not isinstance(skills, str) else skills
        self._approvals = read_approvals(tool_approvals)
        self._approvals_via = approvals_via
        self._model = model
        self._max_turns = max_turns
        self._settings = dict(settings or {})

    def conversation(self) -> AgentConfig:
        """Return the same with what it names looked up."""
        return AgentConfig(
            model=self._model,
            instructions=self._instructions,
            allow_list=allow_list(self._skills),
            fixed=fixed_arguments(self._skills),
            max_turns=self._max_turns,
            approvals=approval_list(self._approvals, self._approvals_via),
            settings=_json(self._settings, "settings") if self._settings else {},
        )

    def call(self, name: str, arguments: Mapping[str, Any]) -> Coroutine[Any, Any, Any]:
        """Call a tool without the model, if the skills have it."""
        tool, conversation = find_tool(name), self.conversation()
        is_plain = allowed(tool.name, conversation.allow_list)
        filled = fill(tool, arguments, conversation.fixed, is_plain=is_plain)
        if filled is None:
            skills = [*conversation.allow_list, *(each.written for each in conversation.fixed)]
            raise UnknownToolError(
                f"this agent has no tool {tool.name!r}: its skills are {', '.join(skills) or 'none'}"
            )
        return call_approved(tool, filled, conversation.approvals)


def _text(value: str, what: str) -> str:
    if not isinstance(value, str):
        raise JobDefinitionError(f"{what}={value!r}: give a string")
    return str(_json(value, what))


def _json(value: Any, what: str) -> Any:
    """Return a value as the JSON that every turn of the model is recorded with."""
    try:
        return shared_serializer.codec(type(value)).record(value).data
    except ValueProblem as problem:
        raise StepInputError(f"{what}: {problem}") from None
