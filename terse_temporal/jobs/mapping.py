"""`job_map`: a durable step for each of many inputs."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Unpack, overload

from ..diagnostics.places import caller_frame, place
from ..errors import StepError, StepInputError
from ..execution.coroutine_names import named
from ..execution.protocol import UNSET, durable_execution
from .at_once import check_items, check_limits, map_at_once
from .labels import label_text
from .options import DEFAULT_TIMEOUT, Retry, StepOptions, check_label, step_request

if TYPE_CHECKING:
    from typing_extensions import TypeForm

__all__ = ["job_map"]

_A = TypeVar("_A")
_T = TypeVar("_T")


# Without a failure in the list, and with; each for inputs that fit the function, for such that a schema converts, and
# with an `output_schema`. A coroutine function comes before a plain one, which it would be too.
@overload
def job_map(
    *,
    run: Callable[[_A], Awaitable[_T]],
    inputs: Iterable[_A],
    at_once: int = 50,
    max_failures: Literal[0] = 0,
    output_schema: None = None,
    **options: Unpack[StepOptions],
) -> Coroutine[Any, Any, list[_T]]: ...


@overload
def job_map(
    *,
    run: Callable[[_A], _T],
    inputs: Iterable[_A],
    at_once: int = 50,
    max_failures: Literal[0] = 0,
    output_schema: None = None,
    **options: Unpack[StepOptions],
) -> Coroutine[Any, Any, list[_T]]: ...


@overload
def job_map(
    *,
    run: Callable[..., Awaitable[_T]],
    inputs: Iterable[Any],
    input_schema: Any,
    at_once: int = 50,
    max_failures: Literal[0] = 0,
    output_schema: None = None,
    **options: Unpack[StepOptions],
) -> Coroutine[Any, Any, list[_T]]: ...


@overload
def job_map(
    *,
    run: Callable[..., _T],
    inputs: Iterable[Any],
    input_schema: Any,
    at_once: int = 50,
    max_failures: Literal[0] = 0,
    output_schema: None = None,
    **options: Unpack[StepOptions],
) -> Coroutine[Any, Any, list[_T]]: ...


@overload
def job_map(
    *,
    run: Callable[[_A], Any],
    inputs: Iterable[_A],
    at_once: int = 50,
    max_failures: Literal[0] = 0,
    output_schema: TypeForm[_T],
    **options: Unpack[StepOptions],
) -> Coroutine[Any, Any, list[_T]]: ...


@overload
def job_map(
    *,
    run: Callable[..., Any],
    inputs: Iterable[Any],
    input_schema: Any,
    at_once: int = 50,
    max_failures: Literal[0] = 0,
    output_schema: TypeForm[_T],
    **options: Unpack[StepOptions],
) -> Coroutine[Any, Any, list[_T]]: ...


@overload
def job_map(
    *,
    run: Callable[[_A], Awaitable[_T]],
    inputs: Iterable[_A],
    at_once: int = 50,
    max_failures: int | None,
    output_schema: None = None,
    **options: Unpack[StepOptions],
) -> Coroutine[Any, Any, list[_T | StepError]]: ...


@overload
def job_map(
    *,
    run: Callable[[_A], _T],
    inputs: Iterable[_A],
    at_once: int = 50,
    max_failures: int | None,
    output_schema: None = None,
    **options: Unpack[StepOptions],
) -> Coroutine[Any, Any, list[_T | StepError]]: ...


@overload
def job_map(
    *,
    run: Callable[..., Awaitable[_T]],
    inputs: Iterable[Any],
    input_schema: Any,
    at_once: int = 50,
    max_failures: int | None,
    output_schema: None = None,
    **options: Unpack[StepOptions],
) -> Coroutine[Any, Any, list[_T | StepError]]: ...


@overload
def job_map(
    *,
    run: Callable[..., _T],
    inputs: Iterable[Any],
    input_schema: Any,
    at_once: int = 50,
    max_failures: int | None,
    output_schema: None = None,
    **options: Unpack[StepOptions],
) -> Coroutine[Any, Any, list[_T | StepError]]: ...


@overload
def job_map(
    *,
    run: Callable[[_A], Any],
    inputs: Iterable[_A],
    at_once: int = 50,
    max_failures: int | None,
    output_schema: TypeForm[_T],
    **options: Unpack[StepOptions],
) -> Coroutine[Any, Any, list[_T | StepError]]: ...


@overload
def job_map(
    *,
    run: Callable[..., Any],
    inputs: Iterable[Any],
    input_schema: Any,
    at_once: int = 50,
    max_failures: int | None,
    output_schema: TypeForm[_T],
    **options: Unpack[StepOptions],
) -> Coroutine[Any, Any, list[_T | StepError]]: ...


def job_map(
    *,
    run: Callable[..., Any],
    inputs: Iterable[Any],
    at_once: int = 50,
    max_failures: int | None = 0,
    input_schema: Any = None,
    output_schema: Any = None,
    name: str | None = None,
    retry: Retry | None = None,
    timeout: str | timedelta = DEFAULT_TIMEOUT,
    on_interrupt: Literal["retry", "fail"] = "retry",
    local: bool = False,
    label: str | None = None,
) -> Coroutine[Any, Any, list[Any]]:
    """Run a function as a durable step for each of many inputs, some of them at once.

    Args:
        run: as of `job_step`; it gets one input.
        inputs: any iterable but a set, which has no order that a replay would repeat. It is gone through as steps end,
            so that a generator need not make all inputs at first. What it does is done again on every replay.
        at_once: how many steps are open at a time, 1 or more.
        max_failures: how many steps may fail; `None` is any number. A failure that is tolerated stands in the list in
            the place of the result, as the `StepError` that `job_step` would raise.
        input_schema, output_schema, name, retry, timeout, on_interrupt, local, label: as of `job_step`, of each step.

    Returns:
        What to await for the results, in the order of the inputs.

    Raises:
        DurableOnlyError: called anywhere but in the handler of a durable job.
        StepInputError: `inputs` is a set, a string, or nothing that can be gone through; when awaited: an input does
            not fit. Like whatever else is no step's failure it ends the map: no further step is begun, those that are
            open end, and it is raised.
        ExceptionGroup: when awaited: more steps than `max_failures` have failed. No further step was begun, those
            that were open have ended, and the group has the `StepError` of each that failed.

    Costs three history events for each input, and up to three more where no two steps end together; a run has 51,200 of
    them, and 50 MB. That is some 8,000 inputs, or 15,000 of short steps. Cancelled, it cancels the open steps, waits
    for them, and begins no other.
    """
    execution = durable_execution("job_map()")
    if inspect.iscoroutine(run):
        run.close()  # as in `job_step`
        raise StepInputError(f"job_map(run={run.__name__}(…)): that is a call; give the function, run={run.__name__}")
    if not callable(run):
        raise StepInputError(f"job_map(run={run!r}): give a function")
    check_limits("job_map()", at_once, max_failures)
    items = check_items("job_map()", "inputs", inputs)
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
    frame = caller_frame()
    request = replace(
        request,
        input_schema=UNSET if input_schema is None else input_schema,
        label=label_text(shown) if shown else None,
        where=place(frame.f_code.co_filename, frame.f_lineno),
    )

    async def step(input: Any) -> Any:
        return await execution.call(replace(request, input=input))

    results = map_at_once(
        step,
        items,
        at_once=at_once,
        max_failures=max_failures,
        failures=StepError,
        what=f"job_map() of the step {request.name!r} ({request.where})",
    )
    return named(f"job_map {request.name}", results)
