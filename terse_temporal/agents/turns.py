"""One turn of a model: what runs behind a step of the name `generate_text`.

A turn is one request to the model and its answer: tools to call, the final output, or something that does not validate
and goes back to it. The loop around turns is ours (`loop.py`), so that each is recorded by itself and the order of what
is recorded never changes with a release of a library. Within a turn pydantic-ai does the work: it knows what each
provider wants, and how each model is best asked for structured output.

The conversation travels as pydantic-ai writes it to JSON, which it reads back across its own releases, and by reference
where it is recorded (`references.py`).
"""

from __future__ import annotations

import asyncio
import json
import operator
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import replace
from itertools import takewhile
from typing import Any, Final

from ..errors import JobDefinitionError, ModelOutputError, StepInputError, TerseError
from ..execution.protocol import current_execution
from ..execution.token_usage import Tokens
from ..serialization.serializer import shared_serializer
from ..serialization.value_problems import ValueProblem
from ..serialization.wire_names import MODEL_TOOL_METADATA
from ..tools import list_tools
from .events import TextDelta
from .fixed_arguments import Fixed, OfferedTool, offered_tools
from .models import broken_off, chosen_model, cut_short, model_failure, model_named, require_pydantic_ai
from .references import leave_out, recall
from .skills import allowed

__all__ = ["model_turn"]

#: How often pydantic-ai may call an answer wrong. Each time ends the turn, so it is never reached.
_NO_LIMIT: Final = 1_000


async def model_turn(
    *,
    model: str | None,
    instructions: str | bool | None,
    prompt: str | None,
    history: list[Any] | str,
    results: dict[str, Any],
    skills: list[str],
    settings: dict[str, Any],
    output: Any,
    fixed: list[Any] | None = None,
    emit: Callable[[TextDelta], None] | None = None,
) -> dict[str, Any]:
    """Ask the model once. The parameters are the input of the step, and so a format: they only gain optional ones.

    Args:
        model: its name; `None` is the worker's own choice.
        instructions: the system prompt; `True` for that of the first turn.
        prompt: what the user says, in the first turn.
        history: the conversation before, as the turns before have left it, or the hash of what the turn before has come
            to.
        results: of the tools that it asked for, by the id of the call: `{"value": …}`, `{"hash": …}` of a value that is
            recorded, or `{"error": "…"}`.
        skills: the allow-list of tools.
        settings: pydantic-ai's `ModelSettings`.
        output: the type of the final output.
        fixed: what skills fix, `{"tools": "slack.*", "any_of": [[{"channel_id": "C1"}]]}`: tools that are allowed as
            well, with arguments that the model cannot give, or of which it has to give one of several. It is left out
            where nothing is fixed.
        emit: called with the text while it is being written; not part of the format.

    Returns:
        `model`; `keep`, how much of `history` stays, and `messages`, what follows that; and one of `calls` (tools to
        call: `id`, `tool`, and `arguments` that were checked or the `error` that they make), `output`, or `correction`
        (why the answer has to be given again). All that is judged is judged here, and so recorded: tools may be others
        when the run is replayed.
    """
    execution = current_execution()
    asked = await recall(instructions, history, results, None if execution is None else execution.recorded_results)
    # On a thread: the first time, a second of imports would hold up every other step.
    turn = await asyncio.to_thread(_Turn, model, asked.instructions, skills, settings, output, fixed or [])
    return leave_out(await turn.taken(prompt, asked.messages, asked.results, emit), asked)


class _Turn:
    def __init__(
        self,
        model: str | None,
        instructions: str | None,
        skills: list[str],
        settings: dict[str, Any],
        output: Any,
        fixed: list[Any],
    ) -> None:
        self._name = chosen_model(model)
        require_pydantic_ai()
        from pydantic_ai import Agent, DeferredToolRequests  # noqa: PLC0415  an extra

        self._output = output
        tools = list_tools()
        plain = [tool for tool in tools if allowed(tool.name, skills)]
        self._tools = _named_for_models(offered_tools(tools, plain, list(map(Fixed.from_wire, fixed))))
        # Tools that are somebody else's to run: the turn ends with what the model wants called.
        self._model = model_named(self._name)
        self._agent: Any = Agent(
            self._model,
            output_type=[output, DeferredToolRequests],
            instructions=instructions,
            toolsets=[_toolset([_definition(name, tool) for name, tool in self._tools.items()])],
            model_settings=settings or None,  # type: ignore[arg-type]  # a TypedDict, checked by nobody
            retries=_NO_LIMIT,
        )

    async def taken(
        self,
        prompt: str | None,
        history: list[Any],
        results: Mapping[str, Any],
        emit: Callable[[TextDelta], None] | None,
    ) -> dict[str, Any]:
        from pydantic_ai import DeferredToolResults, ModelMessagesTypeAdapter  # noqa: PLC0415  an extra

        options: dict[str, Any] = {}
        try:
            before: list[Any] = []
            if history:
                # On a thread: a long conversation takes a second, and no other step would go on.
                before = await asyncio.to_thread(ModelMessagesTypeAdapter.validate_python, history)
                options["message_history"] = list(before)
            if results:
                options["deferred_tool_results"] = DeferredToolResults(calls=_return_values(results))
            # Its connections are closed with the turn, which takes seconds.
            async with self._model, self._agent.iter(prompt, **options) as run:
                node = run.next_node
                asked = False
                while not self._agent.is_end_node(node):
                    if self._agent.is_model_request_node(node):
                        if asked:
                            break
                        asked = True
                        if emit is not None:
                            async with node.stream(run.ctx) as events:
                                async for text in _texts(events):
                                    emit(TextDelta(text))
                                # Whatever ended the stream, the model did not.
                                if events.response.finish_reason is None:
                                    raise broken_off(self._name)
                    node = await run.next(node)
                messages = list(run.all_messages())
                if not self._agent.is_end_node(node):
                    messages.append(node.request)
                _count(run.usage)
            # What the library has changed in a message before, it has made a new one of, or it is the last. So the long
            # rest need not be written and compared.
            same = max(0, _same_objects(messages, before) - 2)
            data = ModelMessagesTypeAdapter.dump_python(messages[same:], mode="json")
            return _encodable(self._result(node, history, same, [*map(_without_nothing, data)]), self._name)
        except TerseError:
            raise
        except Exception as err:
            # The chain holds whole requests and answers.
            raise model_failure(err, self._name) from None

    def _result(self, node: Any, history: list[Any], same: int, messages: list[Any]) -> dict[str, Any]:
        """Return the result of the turn.

        Args:
            node: that it ended with.
            history: the conversation before.
            same: how much of that is as it was, at least.
            messages: what follows on that now.
        """
        from pydantic_ai import DeferredToolRequests  # noqa: PLC0415  an extra

        keep = same + sum(1 for _ in takewhile(bool, map(operator.eq, history[same:], messages)))
        messages = messages[keep - same :]
        result: dict[str, Any] = {"model": self._name, "keep": keep, "messages": messages}
        if not self._agent.is_end_node(node):
            result["correction"] = _why(node.request)
        elif isinstance(node.data.output, DeferredToolRequests):
            result["calls"] = [self._call(call) for call in node.data.output.calls]
        else:
            if messages[-1].get("finish_reason") == "length" or messages[-2:][0].get("finish_reason") == "length":
                raise cut_short(self._name)
            try:
                result["output"] = shared_serializer.codec(self._output).record(node.data.output).data
            except ValueProblem as problem:
                raise ModelOutputError(f"the output of the model {self._name!r}: {problem}", model=self._name) from None
        return result

    def _call(self, call: Any) -> dict[str, Any]:
        offered = self._tools[call.tool_name]
        wanted: dict[str, Any] = {"id": call.tool_call_id, "tool": offered.tool.name}
        try:
            return {**wanted, "arguments": offered.arguments(call.args_as_dict())}
        except (StepInputError, ValueProblem) as err:
            return {**wanted, "error": str(err)}


def _same_objects(messages: Iterable[Any], before: Iterable[Any]) -> int:
    return sum(1 for _ in takewhile(bool, map(operator.is_, messages, before)))


def _encodable(result: dict[str, Any], model: str) -> dict[str, Any]:
    """Return the result, if it can be recorded: models may write half of a character, or a number that is none."""
    try:
        json.dumps(result, allow_nan=False, ensure_ascii=False).encode()
    except ValueError as err:
        raise ModelOutputError(
            f"the model {model!r} answered something that JSON cannot hold: {err}. Ask it for something else.",
            model=model,
        ) from None
    return result


def _without_nothing(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message without the keys that hold null and mean what their absence means.

    What a tool returned may be null.
    """
    parts = [
        {key: value for key, value in part.items() if value is not None or key == "content"}
        for part in message["parts"]
    ]
    return {key: value for key, value in message.items() if value is not None} | {"parts": parts}


def _toolset(definitions: list[Any]) -> Any:
    from pydantic_ai.toolsets import ExternalToolset  # noqa: PLC0415  an extra

    class Toolset(ExternalToolset[Any]):
        async def get_tools(self, ctx: Any) -> Any:
            # Arguments that are not JSON go back to the model; by itself it would not let them once.
            tools = await super().get_tools(ctx)
            return {name: replace(tool, max_retries=_NO_LIMIT) for name, tool in tools.items()}

    return Toolset(definitions)


def _definition(name: str, offered: OfferedTool) -> Any:
    from pydantic_ai.tools import Tool as ModelTool  # noqa: PLC0415  an extra
    from pydantic_ai.tools import ToolDefinition  # noqa: PLC0415

    tool = offered.tool
    description, schema = tool.description, tool.schema
    if schema is None:
        try:
            # It reads the descriptions of arguments out of the docstring, in whatever style that is written.
            found = ModelTool(tool.function, takes_ctx=False, name=name)
        except Exception as err:  # whatever somebody's annotation makes of it
            raise JobDefinitionError(
                f"the tool {tool.name!r} ({tool.where}) cannot be described to a model: {type(err).__name__}:"
                f" {str(err).splitlines()[0]} Annotate its arguments with types that JSON has, or leave it out of the"
                " skills."
            ) from None
        description, schema = description or found.description or "", found.function_schema.json_schema
    return ToolDefinition(
        name=name,
        description=description,
        parameters_json_schema=offered.schema(schema),
        metadata={MODEL_TOOL_METADATA: tool.name},  # for code alone: it is not sent
    )


def _named_for_models(tools: Iterable[OfferedTool]) -> dict[str, OfferedTool]:
    """Return tools by a name that every provider takes: letters, digits, `_` and `-`, and 64 of them at most."""
    named: dict[str, OfferedTool] = {}
    for offered in tools:
        plain = re.sub(r"[^A-Za-z0-9_-]", "_", offered.tool.name)[:60]
        name, count = plain, 1
        while name in named:
            count += 1
            name = f"{plain}_{count}"
        named[name] = offered
    return named


def _return_values(results: Mapping[str, Any]) -> dict[str, Any]:
    from pydantic_ai.exceptions import ToolFailed  # noqa: PLC0415  an extra

    return {
        call: ToolFailed(str(result["error"])) if "error" in result else result["value"]
        for call, result in results.items()
    }


async def _texts(events: Any) -> AsyncIterator[str]:
    from pydantic_ai.messages import PartDeltaEvent, PartStartEvent, TextPart, TextPartDelta  # noqa: PLC0415

    async for event in events:
        if isinstance(event, PartStartEvent) and isinstance(event.part, TextPart) and event.part.content:
            yield event.part.content
        elif isinstance(event, PartDeltaEvent) and isinstance(event.delta, TextPartDelta) and event.delta.content_delta:
            yield event.delta.content_delta


def _count(usage: Any) -> None:
    execution = current_execution()
    if execution is not None:
        execution.tokens.add(Tokens(usage.requests, usage.input_tokens, usage.output_tokens))


def _why(request: Any) -> str:
    """Return what the model is told is wrong, in short."""
    for part in request.parts:
        content = getattr(part, "content", None)
        if isinstance(content, list):
            return "; ".join(
                f"{'.'.join(map(str, each.get('loc', ()))) or 'output'}: {each.get('msg')}"
                for each in content
                if isinstance(each, dict)
            )
        if content:
            return str(content)
    return "it was empty"
