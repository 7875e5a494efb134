"""Handing in what a step came to: encoded until that works, and never at the price of running the step again.

The SDK encodes a result, or a failure, when the step's function has long ended: by the user's payload codec, which may
ask a key service, and by their failure converter. When that raises, the SDK reports a failure that the server retries,
and a step that was finished runs again. So the data converter of the worker's activities is replaced by one that tries
again for a few seconds, and then fails the step for good. It does so for steps and jobs only, not for activities that
somebody wrote by hand.

Where large results are stored outside of the history, that may take long, and the storage may be away. Then the step
goes on giving signs of life, for as long as it may run, and hands in when the storage is back.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Self, TypeVar

from temporalio import activity
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.converter import DataConverter, SerializationContext
from temporalio.worker import Worker

from ...diagnostics.logs import logger_of
from ...errors import StepOutputError, StorageUnavailableError
from ..sdk_private import replace_data_converter
from ..wire.failures import SentFailureError, bounded_text, sendable_text
from ..wire.payloads import takes_context
from .at_most_once import interrupted

__all__ = ["mark_as_outcome", "retry_encoding"]

_logger = logger_of("worker")


class _Outcome(NamedTuple):
    """A step, or a job, that hands in what it came to."""

    step: str
    beating: Callable[[], AbstractContextManager[None]]
    once: bool


#: What hands in, in the task of its activity. The SDK encodes in the same task.
_outcome: ContextVar[_Outcome | None] = ContextVar("terse_temporal.outcome_to_hand_in", default=None)

#: Seconds between the attempts: together with them less than the silence after which a worker counts as lost.
_PAUSES: Final = (0.1, 0.4, 1.0, 2.0)

#: Likewise, where the storage is away, and how often that is logged.
_STORAGE_PAUSE: Final = 1.0
_LOGGED_EVERY: Final = 30

_T = TypeVar("_T")


def mark_as_outcome(step: str, beating: Callable[[], AbstractContextManager[None]], *, once: bool = False) -> None:
    """Say in the task of an activity that what it returns or raises is that of a step, or of a job.

    Args:
        step: its name.
        beating: gives signs of life within a block.
        once: whether it must not begin again.
    """
    _outcome.set(_Outcome(step, beating, once))


def retry_encoding(worker: Worker) -> None:
    """Give a worker's activities a data converter that hands in what steps came to."""
    replace_data_converter(worker, _retrying)


def _retrying(given: DataConverter) -> DataConverter:
    retrying = _RetryingConverter if takes_context(given) else _RetryingWithoutContext
    cls = type(given.__class__.__name__, (retrying, given.__class__), {})
    fields = {each.name: getattr(given, each.name) for each in dataclasses.fields(given) if each.init}
    converter: DataConverter = cls(**fields)
    return converter


class _RetryingConverter(DataConverter):
    async def encode(self, values: Sequence[Any]) -> list[Payload]:
        outcome = _outcome.get()
        if outcome is None:
            return await super().encode(values)
        try:
            with outcome.beating() if self.external_storage is not None else nullcontext():
                return await _patiently(super().encode, values, step=outcome.step)
        except StorageUnavailableError as err:
            raise interrupted(
                f"it has run, and what it came to could not be stored: {err}", final=outcome.once
            ) from None
        except Exception as err:
            text = bounded_text(
                f"step {outcome.step!r} has run, and its result cannot be encoded: {type(err).__name__}: {err}"
            )
            raise SentFailureError(text, type=StepOutputError.__name__, non_retryable=True) from None

    async def encode_failure(self, exception: BaseException, failure: Failure) -> None:
        outcome = _outcome.get()
        if outcome is None:
            return await super().encode_failure(exception, failure)
        encode = super().encode_failure

        async def encoded() -> None:
            failure.Clear()
            await encode(exception, failure)

        try:
            with outcome.beating() if self.external_storage is not None else nullcontext():
                await _patiently(encoded, step=outcome.step)
        except Exception as err:
            # Without its text, which may be what was to be encrypted.
            failure.Clear()
            info = failure.application_failure_info
            failure.message = f"the failure of the step cannot be encoded: {sendable_text(type(err).__name__)}"
            info.type = sendable_text(getattr(exception, "type", None) or type(exception).__name__)
            # What a storage does not take now it may take from the next attempt, where there is to be one.
            info.non_retryable = not isinstance(err, StorageUnavailableError) or getattr(
                exception, "non_retryable", False
            )


class _RetryingWithoutContext(_RetryingConverter):
    """One of which no part takes a context, which the SDK finds out anew for each activity, twice."""

    def with_context(self, context: SerializationContext) -> Self:
        return self


async def _patiently(encode: Callable[..., Awaitable[_T]], *values: Any, step: str) -> _T:
    pauses = iter(_PAUSES)
    logged: float | None = None
    while True:
        try:
            return await encode(*values)
        except StorageUnavailableError as err:
            if not _may_wait():
                raise
            if logged is None or time.monotonic() - logged > _LOGGED_EVERY:
                logged = time.monotonic()
                _logger.warning("step  %s: has run, and waits for the storage: %s", step, err)
            await asyncio.sleep(_STORAGE_PAUSE)
        except Exception as err:
            pause = next(pauses, None)
            if pause is None:
                raise
            _logger.warning(
                "step  %s: what it came to cannot be encoded, tried again in %.1f s: %s",
                step,
                pause,
                type(err).__name__,
            )
            await asyncio.sleep(pause)


def _may_wait() -> bool:
    """Return whether a step that has run may wait for the storage, or is better tried again by another worker."""
    info = activity.info()
    over = (
        info.start_to_close_timeout is not None and datetime.now(UTC) > info.started_time + info.start_to_close_timeout
    )
    return not (info.is_local or over or activity.is_worker_shutdown())
