"""The options that every kind of step has: its name, its label, how long it may take, and when it is tried again."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, TypedDict

from ..diagnostics.places import place_of
from ..diagnostics.text import shorten
from ..durations import to_timedelta
from ..errors import JobDefinitionError
from ..execution.protocol import UNSET, RetryRule, StepRequest
from .names import unprintable

__all__ = [
    "DEFAULT_TIMEOUT",
    "Retry",
    "StepOptions",
    "check_label",
    "interrupt_rule",
    "is_local",
    "rule_of",
    "step_request",
]

#: How long one attempt of a step may take unless it says otherwise: longer than any HTTP call, and short enough that a
#: hung one is noticed the same hour. A worker that dies is noticed by its heartbeats, in seconds, whatever this is.
DEFAULT_TIMEOUT = "10m"

#: The largest `multiplier` of a `Retry`.
_STEEPEST = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Retry:
    """When a call that raised is tried again: `retry=` of `job_step`, `@step` and `@toolbox.tool`.

    Left out, or `None`, it is what the call does by itself: a step is not tried again, a tool as far as its `read_only`
    and `idempotent` allow. `Retry.never()` is never, of either. None of it is about a lost worker, which is
    `on_interrupt=`.

    Args:
        max_attempts: how often it is tried in all, at least 1. An attempt that was interrupted counts as one.
        initial: the delay before the second attempt.
        multiplier: what each further delay is multiplied by, from 1 to a million.
        max_delay: the longest delay; never less than `initial`.
        on: the classes of exceptions that may be retried; `None` is every `Exception`.

    Raises:
        JobDefinitionError, DurationError: an option makes no sense; raised where the `Retry` is made.

    Attempts cost no history events: the server keeps only the last.
    """

    max_attempts: int = 3
    initial: str | timedelta = "1s"
    multiplier: float = 2.0
    max_delay: str | timedelta = "30s"
    on: tuple[type[BaseException], ...] | type[BaseException] | None = None

    @classmethod
    def never(cls) -> Retry:
        """Return the rule that what raised is not tried again: `Retry(max_attempts=1)`."""
        return cls(max_attempts=1)

    def __post_init__(self) -> None:
        if not isinstance(self.max_attempts, int) or self.max_attempts < 1:
            raise JobDefinitionError(f"Retry(max_attempts={self.max_attempts!r}): give a whole number of 1 or more")
        # Compared this way round, since nothing is true of a NaN.
        if not (isinstance(self.multiplier, int | float) and 1 <= self.multiplier <= _STEEPEST):
            raise JobDefinitionError(
                f"Retry(multiplier={self.multiplier!r}): give a number of 1 or more, and {_STEEPEST:,} at most"
            )
        self._rule()

    def _rule(self) -> RetryRule:
        on = self.on if isinstance(self.on, tuple) else (Exception if self.on is None else self.on,)
        for cls in on:
            if not (inspect.isclass(cls) and issubclass(cls, BaseException)):
                raise JobDefinitionError(f"Retry(on={self.on!r}): {cls!r} is not a class of exceptions")
        return RetryRule(
            max_attempts=self.max_attempts,
            initial=to_timedelta(self.initial).total_seconds(),
            multiplier=float(self.multiplier),
            # Whoever asks for a longer first delay than the longest by default means it.
            max_delay=max(to_timedelta(self.max_delay), to_timedelta(self.initial)).total_seconds(),
            on=on,
        )


class StepOptions(TypedDict, total=False):
    """The options of `job_step` that say nothing of its types; for a function that passes them on."""

    name: str | None
    retry: Retry | None
    timeout: str | timedelta
    on_interrupt: Literal["retry", "fail"]
    label: str | None
    local: bool


def step_request(
    run: Callable[..., Any],
    *,
    output_schema: Any,
    name: str | None,
    retry: Retry | None,
    timeout: str | timedelta,
    on_interrupt: str,
    local: bool = False,
) -> StepRequest:
    """Return a call of a step with its options checked, without what it is given.

    Raises:
        JobDefinitionError, DurationError: an option makes no sense.
    """
    checked = _step_name(name, run)
    return StepRequest(
        run=run,
        name=checked,
        timeout=to_timedelta(timeout),
        on_interrupt=interrupt_rule(on_interrupt),
        retry=rule_of(retry),
        output_schema=UNSET if output_schema is None else output_schema,
        local=is_local(local, on_interrupt, f"the step {checked!r}", run),
    )


def _step_name(name: str | None, run: Callable[..., Any]) -> str:
    if name is None:
        # A partial or a callable object has no name of its own; the engine refuses it with a better message.
        name = getattr(run, "__name__", type(run).__name__)
    if not isinstance(name, str) or not name.strip():
        raise JobDefinitionError(f"a step named {name!r}: give a string that is not empty")
    if (wrong := unprintable(name)) is not None:
        raise JobDefinitionError(f"a step named {shorten(repr(name), 200)}: a name cannot have {wrong} in it")
    if len(name) > 200:
        raise JobDefinitionError(
            f"a step named {shorten(repr(name), 40)}: names are 200 characters at most, this has {len(name)}"
        )
    return name


def check_label(label: str | None) -> str | None:
    """Return a label, `None` for an empty one.

    Raises:
        JobDefinitionError: it is no string.
    """
    if label is not None and not isinstance(label, str):
        raise JobDefinitionError(f"label={label!r}: give a string")
    return label or None


def interrupt_rule(value: str) -> Literal["retry", "fail"]:
    """Return what `on_interrupt=` says, checked."""
    if value == "retry":
        return "retry"
    if value == "fail":
        return "fail"
    raise JobDefinitionError(f'on_interrupt={value!r}: give "retry" or "fail"')


def is_local(value: bool, on_interrupt: str, what: str, function: Callable[..., Any]) -> bool:
    """Return what `local=` says, checked, beside `on_interrupt=`."""
    # Where it stands is found out only for the message: this is on the way of every step.
    if not isinstance(value, bool):
        raise JobDefinitionError(f"{what} ({place_of(function)}): local={value!r}: give True or False")
    if value and on_interrupt == "fail":
        raise JobDefinitionError(
            f'{what} ({place_of(function)}) has local=True and on_interrupt="fail". A local step is recorded together'
            " with what comes after it, so one whose worker was lost cannot be told from one that never began, and is"
            " run again. Leave out one of the two: a call that may happen once at most is an ordinary step."
        )
    return value


def rule_of(retry: Retry | None) -> RetryRule | None:
    """Return the rule that `retry=` stands for."""
    if retry is None:
        return None
    if not isinstance(retry, Retry):
        raise JobDefinitionError(f"retry={retry!r}: give a Retry(max_attempts=…, initial=…), Retry.never(), or None")
    return retry._rule()
