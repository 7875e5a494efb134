"""The loop of an agent: a turn of the model, the tools that it asked for, the next turn.

It runs in the handler. In a durable job every turn is a step and so is every call of a tool, so a run that is killed at
its seventh turn goes on with the seventh. The order of steps is made here and nowhere else, and all that passes through
is plain JSON: a library's next release changes neither.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from ..direct import DirectExecution, execution_for_call
from ..errors import InPlaceOnlyError, ModelError, ModelOutputError, StepInputError, TurnLimitError, UnknownToolError
from ..execution import Execution, RetryRule, StepRequest
from ..faults import fault_of
from ..tools import toolbox
from .approvals import approved
from .events import AgentEvent, Finished, TextDelta, ToolCalled, ToolReturned
from .skills import allowed
from .turns import model_turn, take_turn

__all__ = ["Conversation"]

#: When a turn is tried again: connection failures, 429 and 5xx, over about a minute, and later where the provider asks
#: for it.
_RETRY: Final = RetryRule(max_attempts=7, initial=1.0, multiplier=2.0, max_delay=30.0, on=(), faults="any")

#: How often in a row an answer may fail to validate. A model that has not got it right by then does not.
_CORRECTIONS: Final = 3


@dataclass(frozen=True)
class Conversation:
    """What a model is asked with.

    Attributes:
        model: its name, or `None`.
        instructions: the system prompt.
        allow_list: the tools that it may call.
        max_turns: requests to the model, at most.
        approvals: tools that a person has to allow, each time.
        settings: pydantic-ai's `ModelSettings`.
    """

    model: str | None
    instructions: str | None
    allow_list: Sequence[str]
    max_turns: int
    approvals: Sequence[str] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    timeout: timedelta = timedelta(minutes=10)

    async def ask(self, message: str, output: Any) -> Any:
        """The final output for a message.

        Raises:
            ModelError, StepError: see `generate_text`.
        """
        execution = execution_for_call()
        told = _Told(self)
        while not told.over:
            told.take(await self._asked(execution, self._request(told, message, output), told))
            if told.calls:
                ended = await asyncio.gather(*(self._tool_called(call) for call in told.calls))
                told.results = dict(zip((call["id"] for call in told.calls), ended, strict=True))
        return _loaded(told.output, output, execution)

    async def _asked(self, execution: Execution, request: StepRequest, told: _Told) -> dict[str, Any]:
        try:
            turn = execution.call(request)
        except StepInputError as err:
            if not told.turns:
                raise
            raise ModelError(
                f"the conversation with the model is too long to go on, at turn {told.turns + 1}: {err} Let tools"
                " return less, or ask for less at once.",
                model=told.model,
            ) from None
        result: dict[str, Any] = await turn
        return result

    async def stream(self, message: str, output: Any) -> AsyncIterator[AgentEvent]:
        """What happens while a message is answered.

        Raises:
            InPlaceOnlyError: in the handler of a durable job.
        """
        execution = execution_for_call()
        if not isinstance(execution, DirectExecution):
            raise InPlaceOnlyError(
                "agent.run() streams what happens while it happens, which a durable handler, that is replayed, cannot:"
                " await agent.run_and_wait(…) there, or stream in a job that is not durable."
            )
        told = _Told(self)
        while not told.over:
            async for event in self._streamed(told, message, output):
                yield event
            running = []
            for call in told.calls:
                yield ToolCalled(call["id"], call["tool"], call["arguments"])
                running.append(asyncio.ensure_future(self._tool_called(call)))
            try:
                for call, task in zip(told.calls, running, strict=True):
                    ended = told.results[call["id"]] = await task
                    yield ToolReturned(call["id"], call["tool"], ended.get("value"), ended.get("error"))
            finally:
                for task in running:
                    task.cancel()
        yield Finished(_loaded(told.output, output, execution))

    async def _streamed(self, told: _Told, message: str, output: Any) -> AsyncIterator[TextDelta]:
        """One turn. It is tried again until it has said something; what was said cannot be taken back."""
        arguments = dict(self._request(told, message, output).arguments or {})
        attempt = 1
        while True:
            said = False
            # In a task of its own, whatever becomes of whoever listens.
            texts: asyncio.Queue[TextDelta | None] = asyncio.Queue()
            turn = asyncio.ensure_future(take_turn(**arguments, output=output, emit=texts.put_nowait))
            turn.add_done_callback(lambda _, texts=texts: texts.put_nowait(None))  # type: ignore[misc]
            try:
                while (text := await texts.get()) is not None:
                    said = True
                    yield text
                told.take(await turn)
                return
            except Exception as err:
                fault = fault_of(err)
                if said or fault is None or attempt >= _RETRY.max_attempts:
                    raise
                await asyncio.sleep(max(_RETRY.backoff(attempt), fault.retry_after or 0.0))
                attempt += 1
            finally:
                turn.cancel()

    def _request(self, told: _Told, message: str, output: Any) -> StepRequest:
        return StepRequest(
            run=model_turn,
            name="generate_text",
            timeout=self.timeout,
            on_interrupt="retry",
            retry=_RETRY,
            arguments={
                "model": self.model,
                "instructions": self.instructions,
                "prompt": None if told.history else message,
                "history": told.history,
                "results": told.results,
                "skills": list(self.allow_list),
                "settings": self.settings,
            },
            types={"output": output},
            reference="@sdk:generate_text",
            summary=f"{self.model or 'model of the worker'}, turn {told.turns + 1}",
        )

    async def _tool_called(self, call: dict[str, Any]) -> dict[str, Any]:
        """Call a tool that the model asked for. How it fails is for the model to know, and not the end of the run."""
        name, arguments = call["tool"], call["arguments"]
        if not allowed(name, self.allow_list):
            return {"error": f"the tool {name!r} is not allowed here"}
        try:
            request = toolbox.find(name).request(arguments)
            refusal = await approved(name, arguments, self.approvals)
            if refusal is not None:
                return {"error": refusal}
            return {"value": await execution_for_call().call(request)}
        except (StepInputError, UnknownToolError) as err:
            return {"error": str(err)}
        except Exception as err:
            return {"error": f"{type(err).__name__}: {err}"}


class _Told:
    """A conversation so far."""

    def __init__(self, conversation: Conversation) -> None:
        self._limit = conversation.max_turns
        self.model = conversation.model or ""
        self._corrections = 0
        self.turns = 0
        self.history: list[Any] = []
        self.calls: list[dict[str, Any]] = []
        self.results: dict[str, Any] = {}
        self.over = False
        self.output: Any = None

    def take(self, result: dict[str, Any]) -> None:
        """Go on by the result of a turn."""
        model = self.model = result["model"]
        self.turns += 1
        self.history = [*self.history[: result["keep"]], *result["messages"]]
        self.calls, self.results = result.get("calls", []), {}
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


def _loaded(data: Any, output: Any, execution: Execution) -> Any:
    return execution.loaded(data, output)
