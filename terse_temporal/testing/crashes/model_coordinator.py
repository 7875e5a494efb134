"""Test doubles for models in another process: a worker process has a model whose requests the test's model answers."""

from __future__ import annotations

import itertools
from contextlib import nullcontext
from typing import Any

from ...errors import NotInStepError
from ...execution.in_place import DirectExecution
from ...execution.protocol import StepContext, executing
from ...execution.test_doubles import CallDoubles
from ...jobs.steps import current_step
from ..answering_model import answering_model
from .channel import Channel, Handler
from .pickling import pickle_value, unpickle_value

__all__ = ["ModelCoordinator", "offered_model"]


def offered_model(channel: Channel, name: str | None) -> Any:
    """In the worker process: the test double of a model, or `None`.

    It asks and blocks, because it is called where a model is looked up, on a thread. pydantic-ai is there: it is asked
    for by code that has required it, or has yet to say that it is missing.
    """
    found = channel.ask_and_block("model", name)
    if found is None:
        return None
    number, model_name, profile = found

    from pydantic_ai import ModelMessagesTypeAdapter  # noqa: PLC0415  an extra

    async def answer(messages: Any, info: Any) -> Any:
        asked = ModelMessagesTypeAdapter.dump_json(messages)
        said = await channel.ask("request", number, _step(), asked, info.model_settings, info.model_request_parameters)
        return ModelMessagesTypeAdapter.validate_json(said)[0]

    return answering_model(answer, name=model_name, profile=None if profile is None else unpickle_value(profile))


def _step() -> tuple[str, int, str] | None:
    """Return the step that a turn is, by which the test can tell one that is asked again; `None` where an agent
    streams.
    """
    try:
        current = current_step()
    except NotInStepError:
        return None
    return current.name, current.attempt, current.idempotency_key


class ModelCoordinator:
    """In the test's process: answers for its models.

    Args:
        doubles: has them.
    """

    def __init__(self, doubles: CallDoubles) -> None:
        self._doubles = doubles
        self._numbers = itertools.count()
        self._models: dict[int, Any] = {}

    @property
    def handlers(self) -> dict[str, Handler]:
        """What answers the worker process."""
        return {"model": self._model, "request": self._request}

    async def _model(self, name: str | None) -> Any:
        model = self._doubles.model(name)
        if model is None:
            return None
        number = next(self._numbers)
        self._models[number] = model
        try:
            profile = pickle_value(model.profile)
        except Exception:  # one made in a test, of classes that are nowhere to be found
            profile = None
        return number, str(model.model_name), profile

    async def _request(
        self, number: int, step: tuple[str, int, str] | None, messages: bytes, settings: Any, parameters: Any
    ) -> bytes:
        from pydantic_ai import ModelMessagesTypeAdapter  # noqa: PLC0415  an extra

        asked = ModelMessagesTypeAdapter.validate_json(messages)
        inside = nullcontext() if step is None else executing(DirectExecution("", "", StepContext(*step)))
        with inside:
            response = await self._models[number].request(asked, settings, parameters)
        return ModelMessagesTypeAdapter.dump_json([response])
