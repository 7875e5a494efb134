"""A model of pydantic-ai's that a function answers for. Needs the extra `agents`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

__all__ = ["answering_model"]


def answering_model(respond: Callable[[Any, Any], Awaitable[Any]], *, name: str, profile: Any = None) -> Any:
    """Return the model.

    Args:
        respond: gets the conversation and pydantic-ai's `AgentInfo`, and gives a `ModelResponse`.
        name: of the model.
        profile: what it says that it can; by default, everything.
    """
    from pydantic_ai.models import CompletedStreamedResponse  # noqa: PLC0415  an extra
    from pydantic_ai.models.function import FunctionModel  # noqa: PLC0415

    class Answering(FunctionModel):
        # It answers at once: what is streamed is the whole.
        @asynccontextmanager
        async def request_stream(
            self, messages: Any, model_settings: Any, model_request_parameters: Any, *_: Any
        ) -> Any:
            response = await self.request(messages, model_settings, model_request_parameters)
            yield CompletedStreamedResponse(
                response, model_request_parameters=model_request_parameters, replay_events=True
            )

    return Answering(respond, model_name=name, profile=profile)
