"""Durable steps: `job_step`, `@step`, `current_step`.

A step runs once, its result is recorded, and a replay of the handler takes the recorded result. All that can be wrong
about a call is found when it is made, before anything is scheduled.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, Protocol, TypeVar, Unpack, overload

from ..diagnostics.places import place_of
from ..errors import JobDefinitionError, NotInStepError, StepInputError
from ..execution.in_place import execution_for_call
from ..execution.protocol import (
    UNSET,
    Execution,
    StepContext,
    current_execution,
    durable_execution,
    executing,
)
from .job import module_name
from .labels import Template, label_text
from .options import DEFAULT_TIMEOUT, Retry, StepOptions, check_label, step_request
from .registry import is_collecting

if TYPE_CHECKING:
    from typing_extensions import TypeForm

__all__ = ["current_step", "declared_step", "job_step", "step"]

_A = TypeVar("_A")
_P = ParamSpec("_P")
_R = TypeVar("_R")
_T = TypeVar("_T")


# Without `input`, with one that fits the function, and with one that a schema converts; each without and with an
# `output_schema`. A coroutine function comes before a plain one, which it would be too.
@overload
def job_step(
    *,
    run: Callable[[], Awaitable[_T]],
    output_schema: None = None,
    **options: Unpack[StepOptions],
) -> Coroutine[Any, Any, _T]: ...


@overload
def job_step(
    *,
    run: Callable[[], _T],
    output_schema: None = None,
    **options: Unpack[StepOptions],
) -> Coroutine[Any, Any, _T]: ...


@overload
def job_step(
    *,
    run: Callable[[_A], Awaitable[_T]],
    input: _A,
    output_schema: None = None,
    **options: Unpack[StepOptions],
) -> Coroutine[Any, Any, _T]: ...


@overload
def job_step(
    *,
    run: Callable[[_A], _T],
    input: _A,
    output_schema: None = None,
    **options: Unpack[StepOptions],
) -> Coroutine[Any, Any, _T]: ...


@overload
def job_step(
    *,
    run: Callable[..., Awaitable[_T]],
    input: Any,
    input_schema: Any,
    output_schema: None = None,
    **options: Unpack[StepOptions],
) -> Coroutine[Any, Any, _T]: ...


@overload
def job_step(
    *,
    run: Callable[..., _T],
    input: Any,
    input_schema: Any,
    output_schema: None = None,
    **options: Unpack[StepOptions],
) -> Coroutine[Any, Any, _T]: ...


@overload
def job_step(
    *,
    run: Callable[[], Any],
    output_schema: TypeForm[_T],
    **options: Unpack[StepOptions],
) -> Coroutine[Any, Any, _T]: ...


@overload
def job_step(
    *,
    run: Callable[[_A], Any],
    input: _A,
    output_schema: TypeForm[_T],
    **options: Unpack[StepOptions],
) -> Coroutine[Any, Any, _T]: ...


@overload
def job_step(
    *,
    run: Callable[..., Any],
    input: Any,
    input_schema: Any,
    output_schema: TypeForm[_T],
    **options: Unpack[StepOptions],
) -> Coroutine[Any, Any, _T]: ...


def job_step(
    *,
    run: Callable[..., Any],
    input: Any = UNSET,
    input_schema: Any = None,
    output_schema: Any = None,
    name: str | None = None,
    retry: Retry | None = None,
    timeout: str | timedelta = DEFAULT_TIMEOUT,
    on_interrupt: Literal["retry", "fail"] = "retry",
    label: str | None = None,
    local: bool = False,
) -> Coroutine[Any, Any, Any]:
    """Run a function as a durable step: once, with its result recorded.

    Args:
        run: any function, `async def` or `def` (which runs on a thread), at module level, nested, or a lambda. It sees
            its argument and the names of its module, and nothing of the handler around it.
        input: its one argument, as data. Without it, `run` is called with none.
        input_schema: what `input` is validated against and arrives as: a pydantic model, a dataclass, or anything that
            pydantic's `TypeAdapter` takes. Without it, the annotation of the function's own parameter; else plain JSON.
        output_schema: the same for the result; without it the function's return annotation, else plain JSON.
        name: the step's name, and its activity type on Temporal; without it the function's own name.
        retry: when an exception is retried. The default, `None`, is not at all.
        timeout: how long one attempt may take; after it the step fails with `StepTimeoutError`. A `def` cannot be
            stopped: its thread goes on until it returns, and what it returns is dropped.
        on_interrupt: what happens when the step's worker is lost: `"retry"` runs it again with the same idempotency
            key (at least once), `"fail"` raises `StepInterruptedError` (at most once).
        label: a few words that tell steps of one name apart, in logs, the timeline and the Web UI; cut at 100
            characters. It may differ between replays.
        local: whether it is recorded together with what the handler does next, instead of by an activity of its own,
            which is five to ten times as quick. For reads and pure work that takes less than two seconds: a worker
            that dies before it is recorded runs it again, under the same key. Not with `on_interrupt="fail"`.

    Returns:
        What to await for the result.

    Raises:
        DurableOnlyError: called anywhere but in the handler of a durable job.
        JobDefinitionError: an option makes no sense, or two do not go together.
        StepIsolationError: `run` reads a variable of the handler, or cannot be found again from its name.
        StepInputError: `input` does not fit, is not JSON, would be read back as another value, or is over the
            server's limit of 2 MiB.
        StepError: when awaited: `run` raised. It is also an instance of the class that was raised.

    Costs three history events and about two round trips to the server (some 10 ms on a local one), however long the
    step takes. While it runs, the worker sends a heartbeat every two seconds.
    """
    execution = durable_execution("job_step()")
    if inspect.iscoroutine(run):
        run.close()  # It will not be awaited: Python would say so at a line of this package.
        raise StepInputError(
            f"job_step(run={run.__name__}(…)): that is a call; give the function and its argument,"
            f" job_step(run={run.__name__}, input=…)"
        )
    if not callable(run):
        raise StepInputError(f"job_step(run={run!r}): give a function")
    shown = check_label(label)
    request = step_request(
        run,
        output_schema=output_schema,
        name=name,
        retry=retry,
        timeout=timeout,
        on_interrupt=on_interrupt,
        local=local,
    )
    return execution.call(
        replace(
            request,
            input=input,
            input_schema=UNSET if input_schema is None else input_schema,
            label=label_text(shown) if shown else None,
        )
    )


@overload
def step(function: Callable[_P, Coroutine[Any, Any, _R]], /) -> Callable[_P, Coroutine[Any, Any, _R]]: ...


@overload
def step(function: Callable[_P, _R], /) -> Callable[_P, Awaitable[_R]]: ...


@overload
def step(
    *,
    output_schema: Any = None,
    name: str | None = None,
    retry: Retry | None = None,
    timeout: str | timedelta = DEFAULT_TIMEOUT,
    on_interrupt: Literal["retry", "fail"] = "retry",
    label: str | None = None,
    local: bool = False,
) -> _StepDecorator: ...


def step(
    function: Callable[..., Any] | None = None,
    /,
    *,
    output_schema: Any = None,
    name: str | None = None,
    retry: Retry | None = None,
    timeout: str | timedelta = DEFAULT_TIMEOUT,
    on_interrupt: Literal["retry", "fail"] = "retry",
    label: str | None = None,
    local: bool = False,
) -> Any:
    """Make a module-level function a step: `@step`, or `@step(name=…, retry=…, timeout=…, on_interrupt=…, label=…,
    local=…)`.

    Called in a durable handler it is a step, whatever its signature: arguments are bound by name, validated by their
    annotations and recorded. Called anywhere else (in another step, in a test, in a job that is not durable) it is the
    plain function, so that a `def` is awaited in a durable handler only.

    The options are those of `job_step`. The label may name parameters, as in `label="page {number}"`, and go down into
    plain data and models: `{customer.email}`, `{rows[0].id}`. Where a call has no such value, the label is shown as it
    is written.

    Raises:
        JobDefinitionError: the function is not at module level, or an option makes no sense; raised at import.
    """
    if function is None:
        return functools.partial(
            step,
            output_schema=output_schema,
            name=name,
            retry=retry,
            timeout=timeout,
            on_interrupt=on_interrupt,
            label=label,
            local=local,
        )
    if not inspect.isfunction(function):
        raise JobDefinitionError(f"@step goes over a function, not {function!r}")
    if "." in function.__qualname__:
        kind = "nested" if "<locals>" in function.__qualname__ else "a method"
        raise JobDefinitionError(
            f"@step over {function.__qualname__!r} ({place_of(function)}): the function is {kind}, and a worker finds"
            " a step by its name in the module. Move it to module level, or call it with job_step(run=…)."
        )
    plain = function
    signature = inspect.signature(plain)
    labels = None if (shown := check_label(label)) is None else Template(shown, signature)
    template = step_request(
        plain,
        output_schema=output_schema,
        name=name,
        retry=retry,
        timeout=timeout,
        on_interrupt=on_interrupt,
        local=local,
    )

    @functools.wraps(plain)
    def call(*args: Any, **kwargs: Any) -> Any:
        execution = current_execution()
        if execution is None or not execution.is_durable:
            return _called_plainly(plain, template.name, args, kwargs)
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as err:
            raise StepInputError(f"step {template.name!r} ({place_of(plain)}): {err}") from None
        shown = None if labels is None else labels.label(bound)
        # Without defaults: they are the function's own matter, in the worker, and need not be of the annotated type.
        return execution.call(replace(template, run=call, arguments=bound.arguments, label=shown))

    if not is_collecting():
        _declared[f"{module_name(plain.__module__)}:{plain.__qualname__}"] = call
    return call


def _called_plainly(plain: Callable[..., Any], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call the plain function under a step that is being run, or under one of its own, for `current_step()`."""
    inside = execution_for_call().plain_step(plain, name, {"args": args, "kwargs": kwargs})
    if inside is None:
        return plain(*args, **kwargs)
    with executing(inside):
        result = plain(*args, **kwargs)
    return _within(inside, result) if inspect.iscoroutine(result) else result


async def _within(execution: Execution, coroutine: Coroutine[Any, Any, Any]) -> Any:
    with executing(execution):
        return await coroutine


_declared: dict[str, Callable[..., Any]] = {}


def declared_step(reference: str) -> Callable[..., Any] | None:
    """Return the function decorated with `@step` that `module:qualname` names, in whatever module that has been
    imported.
    """
    return _declared.get(reference)


class _StepDecorator(Protocol):
    """What `@step(...)` with options gives."""

    @overload
    def __call__(self, function: Callable[_P, Coroutine[Any, Any, _R]], /) -> Callable[_P, Coroutine[Any, Any, _R]]: ...

    @overload
    def __call__(self, function: Callable[_P, _R], /) -> Callable[_P, Awaitable[_R]]: ...

    def __call__(self, function: Callable[..., Any], /) -> Any: ...


def current_step() -> StepContext:
    """Return the step that is running: its name, attempt and idempotency key.

    In an `@step` function that is called plainly, outside of a durable handler, the key is new with each call; within a
    step that runs, it is made of that step's, so that a repeated attempt repeats it.

    Raises:
        NotInStepError: no step is running here.
    """
    execution = current_execution()
    if execution is not None and execution.step_context is not None:
        return execution.step_context
    where = "outside a run" if execution is None else "in a handler"
    raise NotInStepError(
        f"current_step() was called {where}. It is allowed in a function that a step runs: job_step(run=…), or @step."
    )
