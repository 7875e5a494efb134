"""The loop of an agent: a turn of the model, the tools that it asked for, the next turn.

It runs in the handler. In a durable job every turn is a step and so is every call of a tool, so a run that is killed at
its seventh turn goes on with the seventh. The order of steps is made here and nowhere else, and all that passes through
is plain JSON: a library's next release changes neither.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from ..diagnostics.redaction import error_text
from ..errors import InPlaceOnlyError, ModelError, ModelOutputError, UnknownToolError
from ..execution.in_place import LONGEST_WAIT, execution_for_call
from ..execution.invocation import TimeLimit
from ..execution.protocol import Execution, RetryRule, StepRequest, may_record
from ..execution.retries import next_delay
from ..serialization.json_text import encoded_size
from ..serialization.payload_limits import LARGEST_RECORDED, over_limit
from ..serialization.value_problems import ValueProblem
from ..serialization.wire_names import GENERATE_TEXT, SDK_REFERENCE
from ..tools import Tool, find_tool
from .approvals import Approvals, approved
from .conversation import Conversation
from .events import AgentEvent, Finished, TextDelta, ToolCalled, ToolReturned
from .fixed_arguments import Fixed
from .skills import allowed
from .turns import model_turn

__all__ = ["AgentConfig"]

#: When a turn is tried again: connection failures, 429 and 5xx, over about a minute, and later where the provider asks
#: for it.
_RETRY: Final = RetryRule(max_attempts=7, initial=1.0, multiplier=2.0, max_delay=30.0, on=(), faults="any")

#: Bytes of a turn's input that are not the conversation: its name, key and options.
_REST: Final = 4096


@dataclass(frozen=True)
class AgentConfig:
    """What a model is asked with.

    Attributes:
        model: its name, or `None`.
        instructions: the system prompt.
        allow_list: the tools that it may call.
        fixed: tools that it may call too, with arguments that their skills fix.
        max_turns: requests to the model, at most.
        approvals: tools that a person has to allow, each time or when their policy says so.
        settings: pydantic-ai's `ModelSettings`.
    """

    model: str | None
    instructions: str | None
    allow_list: Sequence[str]
    max_turns: int
    approvals: Approvals = field(default_factory=Approvals)
    fixed: Sequence[Fixed] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    timeout: timedelta = timedelta(minutes=10)

    async def ask(self, message: str, output: Any) -> Any:
        """Return the final output for a message.

        Raises:
            ModelError, StepError: see `generate_text`.
        """
        execution = execution_for_call()
        conversation = Conversation(self.model, self.instructions, self.max_turns)
        while not conversation.over:
            conversation.take(
                await self._request_turn(execution, self._request(conversation, message, output), conversation)
            )
            conversation.take_results(await self._answers(conversation.calls))
        return _load_output(conversation, output, execution)

    async def _request_turn(
        self, execution: Execution, request: StepRequest, conversation: Conversation
    ) -> dict[str, Any]:
        most = LARGEST_RECORDED - _REST
        if conversation.turns and not may_record(size := encoded_size(request.arguments), most):
            raise ModelError(
                f"the conversation with the model {conversation.model!r} is too long to go on, at turn"
                f" {conversation.turns + 1}: it has"
                f" {over_limit(size, 'Let tools return less, or ask for less at once.', most)}",
                model=conversation.model,
            )
        result: dict[str, Any] = await execution.call(request)
        return result

    async def _answers(self, calls: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Return the results of tools, by the id of the call. All have ended, also when the run is cancelled."""
        ended = await asyncio.gather(*map(self._call_tool, calls), return_exceptions=True)
        for each in ended:
            if isinstance(each, BaseException):
                raise each
        return {call["id"]: each for call, each in zip(calls, ended, strict=True)}

    async def stream(self, message: str, output: Any) -> AsyncIterator[AgentEvent]:
        """Yield what happens while a message is answered.

        Raises:
            InPlaceOnlyError: in the handler of a durable job.
        """
        execution = execution_for_call()
        if execution.records_calls:
            raise InPlaceOnlyError(
                "agent.run() streams what happens while it happens, which a durable handler, that is replayed, cannot:"
                " await agent.run_and_wait(…) there, or stream in a job that is not durable."
            )
        conversation = Conversation(self.model, self.instructions, self.max_turns)
        while not conversation.over:
            async for text in self._streamed(conversation, message, output):
                yield text
            running: list[asyncio.Task[dict[str, Any]]] = []
            results: dict[str, Any] = {}
            try:
                for call in conversation.calls:
                    yield ToolCalled(call["id"], call["tool"], dict(_format_arguments(call)))
                    running.append(asyncio.create_task(self._call_tool(call)))
                for call, task in zip(conversation.calls, running, strict=True):
                    ended = results[call["id"]] = await task
                    yield ToolReturned(call["id"], call["tool"], ended.get("value"), ended.get("error"))
            finally:
                for task in running:
                    task.cancel()
            conversation.take_results(results)
        yield Finished(_load_output(conversation, output, execution))

    async def _streamed(self, conversation: Conversation, message: str, output: Any) -> AsyncIterator[TextDelta]:
        """Yield one turn. It is tried again until it has said something; what was said cannot be taken back."""
        arguments = dict(self._request(conversation, message, output).arguments or {})
        attempt = 1
        while True:
            said = False
            # In a task of its own, whatever becomes of whoever listens.
            texts: asyncio.Queue[TextDelta | None] = asyncio.Queue()
            turn = asyncio.create_task(self._run_turn(model_turn(**arguments, output=output, emit=texts.put_nowait)))
            turn.add_done_callback(functools.partial(_close, texts))
            try:
                while (text := await texts.get()) is not None:
                    said = True
                    yield text
                conversation.take(await turn)
                return
            except Exception as err:
                wait = next_delay(err, _RETRY, attempt, listed=False)
                if said or wait is None or wait > LONGEST_WAIT:
                    raise
                await asyncio.sleep(wait)
                attempt += 1
            finally:
                turn.cancel()

    async def _run_turn(self, turn: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
        async with TimeLimit(self.timeout.total_seconds(), GENERATE_TEXT, model_turn):
            return await turn

    def _request(self, conversation: Conversation, message: str, output: Any) -> StepRequest:
        return StepRequest(
            run=model_turn,
            name=GENERATE_TEXT,
            timeout=self.timeout,
            on_interrupt="retry",
            retry=_RETRY,
            arguments={
                # The worker's choice stays, if the next turn is another worker's.
                "model": conversation.model or self.model,
                "instructions": conversation.instructions,
                "prompt": None if conversation.history else message,
                "history": conversation.history,
                "results": conversation.results,
                "skills": list(self.allow_list),
                "settings": self.settings,
                **({"fixed": [each.to_wire() for each in self.fixed]} if self.fixed else {}),
            },
            as_json=True,
            types={"output": output},
            built_in=GENERATE_TEXT,
            reference=f"{SDK_REFERENCE}{GENERATE_TEXT}",
            summary=f"{self.model or 'model of the worker'}, turn {conversation.turns + 1}",
        )

    async def _call_tool(self, call: dict[str, Any]) -> dict[str, Any]:
        """Call a tool that the model asked for. How it fails is for the model to know, and not the end of the run."""
        name = call["tool"]
        if "error" in call:
            return {"error": call["error"]}
        if not allowed(name, [*self.allow_list, *(each.tools for each in self.fixed)]):
            return {"error": f"the tool {name!r} is not allowed here"}
        try:
            tool, unknown = _found(name)
            arguments = call["arguments"]
            refusal = await approved(name, tool.shown(arguments), self.approvals)
            if refusal is not None:
                return {"error": refusal}
            request = replace(tool.template, arguments=arguments, as_json=True, by_model=True, unknown=unknown)
            return {"value": await execution_for_call().call(request)}
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return {"error": "the tool cancelled itself"}
        # What would end the process if it left a task.
        except (Exception, SystemExit, KeyboardInterrupt) as err:
            return {"error": f"{type(err).__name__}: {error_text(err)}"}


def _found(name: str) -> tuple[Tool, str | None]:
    """Return a tool, and why it is unknown if it is not there any more.

    What was recorded before is called as it was then, on a replay, and the worker of the call says that it has none.
    """
    try:
        return find_tool(name), None
    except UnknownToolError as err:

        def unknown() -> None:
            raise UnknownToolError(f"there is no tool {name!r} on this worker any more")

        return Tool(name=name, function=unknown, origin="", where=""), str(err)


def _format_arguments(call: dict[str, Any]) -> Mapping[str, Any]:
    """Return the arguments of a call for a person."""
    arguments: Mapping[str, Any] = call.get("arguments", {})
    return _found(call["tool"])[0].shown(arguments)


def _close(texts: asyncio.Queue[TextDelta | None], _: object) -> None:
    texts.put_nowait(None)


def _load_output(conversation: Conversation, output: Any, execution: Execution) -> Any:
    try:
        return execution.serializer.codec(output).load(conversation.output)
    except ValueProblem as problem:
        raise ModelOutputError(
            f"the output of the model {conversation.model!r}: {problem}", model=conversation.model
        ) from None
