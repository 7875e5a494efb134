"""Execution in place: inside a step, and in a job that is not durable.

Nothing is recorded here, so calls that only make sense with a record (`job_step`, `sleep`) are refused.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from .errors import DurableOnlyError
from .execution import StepRequest

__all__ = ["DirectExecution", "StepContext", "not_durable", "write_log"]

_logger = logging.getLogger("terse_temporal.job")


def write_log(text: str) -> None:
    """Write a line of a job's own log, to `logging` where that would show it, else to standard output."""
    if _logger.isEnabledFor(logging.INFO) and _logger.hasHandlers():
        _logger.info("%s", text)
    else:
        print(text, flush=True)


def not_durable(call: str, job: str, where: str) -> str:
    """Why `call` is refused in a job that is not durable."""
    return (
        f"{call} was called in the job {job!r} ({where}), which is not durable. Add durable=True to its create_job()."
    )


class StepContext:
    """What a step knows of itself.

    Attributes:
        name: the step's name, which is its activity type on Temporal.
        attempt: 1 for the first try. Interrupted tries count too.
        idempotency_key: the same on every attempt of this step, and different for every other step of every other run.
            32 hexadecimal characters: send it wherever a service takes an idempotency key.
    """

    __slots__ = ("attempt", "idempotency_key", "name")

    def __init__(self, name: str, attempt: int, idempotency_key: str) -> None:
        self.name = name
        self.attempt = attempt
        self.idempotency_key = idempotency_key

    def __repr__(self) -> str:
        return f"<StepContext {self.name!r}, attempt {self.attempt}, key {self.idempotency_key}>"


class DirectExecution:
    """Calls run where they are made. With `step`, it is the inside of one; without, a job that is not durable."""

    is_durable = False

    def __init__(self, job: str, job_where: str, step: StepContext | None = None) -> None:
        self.job = job
        self.step_context = step
        self._job_where = job_where

    def refusal(self, call: str) -> str:
        if self.step_context is not None:
            return (
                f"{call} was called inside the step {self.step_context.name!r} of the job {self.job!r}. A step runs in"
                " one piece: make the call in the handler of a durable job, before or after the step."
            )
        return not_durable(call, self.job, self._job_where)

    def step(self, request: StepRequest) -> NoReturn:
        raise DurableOnlyError(self.refusal(f"the step {request.name!r}"))

    def sleep(self, delay: timedelta) -> Coroutine[Any, Any, None]:
        raise DurableOnlyError(self.refusal("sleep()"))

    def now(self) -> datetime:
        return datetime.now(UTC)

    def uuid4(self) -> uuid.UUID:
        return uuid.uuid4()

    def log(self, text: str) -> None:
        write_log(text)
