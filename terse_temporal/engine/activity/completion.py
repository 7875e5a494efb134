"""Handing in what a step came to: encoded until that works, and never at the price of running the step again.

The SDK encodes a result, or a failure, when the step's function has long ended: by the user's payload codec, which may
ask a key service, and by their failure converter. When that raises, the SDK reports a failure that the server retries,
and a step that was finished runs again. So the data converter of the worker's activities is replaced by one that tries
again for a few seconds, and then fails the step for good. It does so for steps and jobs only, not for activities that
somebody wrote by hand.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from typing import Any, Final, TypeVar

from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.converter import DataConverter
from temporalio.worker import Worker

from ...diagnostics.logs import logger_of
from ...errors import StepOutputError
from ..sdk_private import replace_data_converter
from ..wire.failures import SentFailureError, bounded_text, sendable_text

__all__ = ["mark_as_outcome", "retry_encoding"]

_logger = logger_of("worker")

#: The name of the step that hands in, in the task of its activity. The SDK encodes in the same task.
_step: ContextVar[str | None] = ContextVar("terse_temporal.step_to_hand_in", default=None)

#: Seconds between the attempts: together with them less than the silence after which a worker counts as lost.
_PAUSES: Final = (0.1, 0.4, 1.0, 2.0)

_T = TypeVar("_T")


def mark_as_outcome(step: str) -> None:
    """Say in the task of an activity that what it returns or raises is that of a step, or of a job."""
    _step.set(step)


def retry_encoding(worker: Worker) -> None:
    """Give a worker's activities a data converter that hands in what steps came to."""
    replace_data_converter(worker, _retrying)


def _retrying(given: DataConverter) -> DataConverter:
    cls = type(given.__class__.__name__, (_RetryingConverter, given.__class__), {})
    fields = {each.name: getattr(given, each.name) for each in dataclasses.fields(given) if each.init}
    converter: DataConverter = cls(**fields)
    return converter


class _RetryingConverter(DataConverter):
    async def encode(self, values: Sequence[Any]) -> list[Payload]:
        step = _step.get()
        if step is None:
            return await super().encode(values)
        try:
            return await _patiently(super().encode, values, step=step)
        except Exception as err:
            text = bounded_text(f"step {step!r} has run, and its result cannot be encoded: {type(err).__name__}: {err}")
            raise SentFailureError(text, type=StepOutputError.__name__, non_retryable=True) from None

    async def encode_failure(self, exception: BaseException, failure: Failure) -> None:
        step = _step.get()
        if step is None:
            return await super().encode_failure(exception, failure)
        encode = super().encode_failure

        async def encoded() -> None:
            failure.Clear()
            await encode(exception, failure)

        try:
            await _patiently(encoded, step=step)
        except Exception as err:
            # Without its text, which may be what was to be encrypted.
            failure.Clear()
            info = failure.application_failure_info
            failure.message = f"the failure of the step cannot be encoded: {sendable_text(type(err).__name__)}"
            info.type = sendable_text(getattr(exception, "type", None) or type(exception).__name__)
            info.non_retryable = True


async def _patiently(encode: Callable[..., Awaitable[_T]], *values: Any, step: str) -> _T:
    for pause in _PAUSES:
        try:
            return await encode(*values)
        except Exception as err:
            _logger.warning(
                "step  %s: what it came to cannot be encoded, tried again in %.1f s: %s",
                step,
                pause,
                type(err).__name__,
            )
        await asyncio.sleep(pause)
    return await encode(*values)
