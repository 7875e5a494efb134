"""Which exceptions of a step are tried again, and after how long: decided by the worker that ran it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from temporalio.exceptions import ApplicationError

from ...execution.protocol import RetryRule
from ...execution.retries import next_delay
from .public_classes import class_references, reference_of_class

__all__ = ["retry_delay", "retry_to_wire"]


def retry_delay(error: BaseException, rule: Mapping[str, Any] | None, attempt: int) -> timedelta | None:
    """Return how long to wait before the next attempt, or `None` if there is to be none."""
    if rule is None or (isinstance(error, ApplicationError) and error.non_retryable):
        return None
    # Compared by name: the classes named in the handler may be of another copy of the module.
    listed = bool(set(class_references(type(error).__mro__)).intersection(rule["on"]))
    numbers = {name: rule[name] for name in ("max_attempts", "initial", "multiplier", "max_delay")}
    seconds = next_delay(error, RetryRule(**numbers, on=(), faults=rule.get("faults")), attempt, listed=listed)
    return None if seconds is None else timedelta(seconds=seconds)


def retry_to_wire(rule: RetryRule) -> dict[str, Any]:
    """Return a retry rule for `StepCall.retry`."""
    wire: dict[str, Any] = {
        "max_attempts": rule.max_attempts,
        "initial": rule.initial,
        "multiplier": rule.multiplier,
        "max_delay": rule.max_delay,
        "on": [reference_of_class(cls) for cls in rule.on],
    }
    if rule.faults is not None:
        wire["faults"] = rule.faults
    return wire
