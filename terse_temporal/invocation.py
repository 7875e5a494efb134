"""Calling a function with what has travelled as JSON, and getting its result ready to travel."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from datetime import timedelta
from typing import Any

from .durations import format_duration
from .errors import StepInputError, StepOutputError, StepTimeoutError
from .execution import UNSET, StepRequest
from .places import place_of
from .signatures import called_with, input_type, parameter_types, result_type
from .values import MAX_BYTES, Codec, ValueProblem, encoded_size

__all__ = [
    "TimeLimit",
    "cached_codec",
    "cached_input_type",
    "dumped",
    "dumped_arguments",
    "loaded_arguments",
    "run_function",
    "step_result",
]


def dumped_arguments(request: StepRequest, codec_of: Callable[[Any], Codec]) -> dict[str, Any] | None:
    """The arguments of a call by name, validated by the annotations of its function, as JSON.

    Raises:
        StepInputError: one does not fit, or is not JSON.
    """
    if request.arguments is None or request.as_json:
        return None if request.arguments is None else dict(request.arguments)
    types = parameter_types(request.run)
    return {
        name: dumped(types.get(name, Any), value, request, f"its argument {name!r}", codec_of)
        for name, value in request.arguments.items()
    }


def dumped(type_: Any, value: Any, request: StepRequest, what: str, codec_of: Callable[[Any], Codec]) -> Any:
    """One value of a call, validated, as JSON.

    Raises:
        StepInputError: it does not fit, or is not JSON.
    """
    try:
        return codec_of(type_).record(value)
    except ValueProblem as problem:
        raise StepInputError(f"step {request.name!r} ({place_of(request.run)}): {what}: {problem}") from None


def loaded_arguments(function: Callable[..., Any], arguments: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """What a function is called with, from arguments by name as JSON.

    Raises:
        ValueProblem: one does not fit.
    """
    types = parameter_types(function)
    loaded = {name: cached_codec(types.get(name, Any)).load(value) for name, value in arguments.items()}
    return called_with(function, loaded)


def step_result(value: Any, name: str, function: Callable[..., Any], output_type: Any = UNSET) -> Any:
    """The result of a step as JSON, validated by `output_type` or the function's return annotation.

    Raises:
        StepOutputError: it does not fit, is not JSON, or is larger than the server takes.
    """
    where = f"step {name!r} ({place_of(function)})"
    try:
        type_ = _result_type(function) if output_type is UNSET else output_type
        data = cached_codec(type_).record(value)
    except ValueProblem as problem:
        raise StepOutputError(f"{where}: its result: {problem}", step=name) from None
    size = encoded_size(data)
    if size > MAX_BYTES:
        raise StepOutputError(
            f"{where}: its result is {size:,} bytes, and the server takes {MAX_BYTES:,} at most. Store the data, and"
            " return where it is.",
            step=name,
        )
    return data


async def run_function(
    function: Callable[..., Any],
    positional: Sequence[Any],
    keywords: Mapping[str, Any],
    *,
    threads: Executor | None = None,
    must_end: Callable[[], bool] = lambda: False,
) -> Any:
    """Call a function: an `async def` here, any other on a thread.

    Args:
        threads: where; `None` is the loop's own.
        must_end: asked when the call is cancelled: whether to wait for a thread, which cannot be stopped.
    """
    if inspect.iscoroutinefunction(inspect.unwrap(function)) or inspect.iscoroutinefunction(function):
        return await function(*positional, **keywords)
    context = contextvars.copy_context()
    in_thread = functools.partial(context.run, _without_stop_iteration, function, positional, keywords)
    running = asyncio.get_running_loop().run_in_executor(threads, in_thread)
    try:
        result = await asyncio.shield(running)
    except asyncio.CancelledError:
        if must_end():
            await asyncio.wait([running])
        raise
    # `lambda x: fetch(x)` is a plain function that gives a coroutine.
    return await result if inspect.isawaitable(result) else result


def _without_stop_iteration(
    function: Callable[..., Any], positional: Sequence[Any], keywords: Mapping[str, Any]
) -> Any:
    try:
        result = function(*positional, **keywords)
        # A generator runs when it is gone through, which is here, and not on the loop.
        return list(result) if inspect.isgenerator(result) else result
    except StopIteration as err:
        # A future refuses it, and would stay open for ever. Python does the same to one that leaves a coroutine.
        raise RuntimeError(f"the function raised StopIteration({', '.join(map(repr, err.args))})") from err


class TimeLimit:
    """`asyncio.timeout`, with an error that names the step."""

    def __init__(self, seconds: float, name: str, function: Callable[..., Any]) -> None:
        self._limit = asyncio.timeout(seconds)
        self._seconds = seconds
        self._name = name
        self._function = function

    async def __aenter__(self) -> None:
        await self._limit.__aenter__()

    async def __aexit__(self, *error: Any) -> None:
        try:
            await self._limit.__aexit__(*error)
        except TimeoutError:
            if not self._limit.expired():
                raise
            goes_on = not inspect.iscoroutinefunction(self._function)
            raise StepTimeoutError(
                f"step {self._name!r} ({place_of(self._function)}) took longer than its timeout of"
                f" {format_duration(timedelta(seconds=self._seconds))}."
                + (" It is a plain function, so its thread goes on until it returns." if goes_on else "")
                + ' Give it more with timeout="1h", or make it do less.',
                step=self._name,
            ) from None


_lasting_codec = functools.lru_cache(maxsize=1024)(Codec)


def cached_codec(type_: Any) -> Codec:
    """A codec for a type of this process, of which there are as many as the code has."""
    try:
        return _lasting_codec(type_)
    except TypeError:  # not hashable: Annotated with a Field
        return Codec(type_)


_result_type = functools.lru_cache(maxsize=1024)(result_type)

#: The type of a function's one input.
cached_input_type = functools.lru_cache(maxsize=1024)(input_type)
