"""Calling a function with what has travelled as JSON, and getting its result ready to travel."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from datetime import timedelta
from typing import Any, Final, TypeVar

from ..diagnostics.places import place_of
from ..durations import format_duration
from ..errors import StepInputError, StepOutputError, StepTimeoutError
from ..serialization.codec import MAX_BYTES, Codec, Json, ValueProblem, codec_key, json_object, json_of
from ..serialization.signatures import called_with, input_type, parameter_types, result_type
from .protocol import UNSET, StepRequest

__all__ = [
    "NoThreadError",
    "TimeLimit",
    "cached_codec",
    "cached_input_type",
    "cached_parameter_types",
    "cached_result_type",
    "dumped",
    "dumped_arguments",
    "loaded_arguments",
    "run_function",
    "step_result",
]

_T = TypeVar("_T")

#: Seconds without a thread after which that is said.
_WAITS_AFTER: Final = 1.0


def dumped_arguments(
    request: StepRequest,
    codec_of: Callable[[Any], Codec],
    types_of: Callable[[Callable[..., Any]], dict[str, Any]] = parameter_types,
) -> Json | None:
    """The arguments of a call by name, validated by the annotations of its function, as a JSON object.

    Raises:
        StepInputError: one does not fit, or is not JSON.
    """
    if request.arguments is None:
        return None
    types = {} if request.as_json else types_of(request.run)
    written = {
        name: dumped(types.get(name, Any), value, request, f"its argument {name!r}", codec_of)
        for name, value in request.arguments.items()
    }
    return json_object({}, written)


def dumped(type_: Any, value: Any, request: StepRequest, what: str, codec_of: Callable[[Any], Codec]) -> Json:
    """One value of a call, validated, as JSON.

    Raises:
        StepInputError: it does not fit, or is not JSON.
    """
    try:
        # Arguments that are JSON already have been validated by the schema that they are of.
        return json_of(value) if request.as_json else codec_of(type_).record(value)
    except ValueProblem as problem:
        raise StepInputError(f"step {request.name!r} ({place_of(request.run)}): {what}: {problem}") from None


def loaded_arguments(function: Callable[..., Any], arguments: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """What a function is called with, from arguments by name as JSON.

    Raises:
        ValueProblem: one does not fit.
    """
    types = cached_parameter_types(function)
    loaded = {name: cached_codec(types.get(name, Any)).load(value) for name, value in arguments.items()}
    return called_with(function, loaded)


def step_result(value: Any, name: str, function: Callable[..., Any], output_type: Any = UNSET) -> Json:
    """The result of a step as JSON, validated by `output_type` or the function's return annotation.

    Raises:
        StepOutputError: it does not fit, is not JSON, or is larger than the server takes.
    """
    where = f"step {name!r} ({place_of(function)})"
    try:
        type_ = cached_result_type(function) if output_type is UNSET else output_type
        result = cached_codec(type_).record(value)
    except ValueProblem as problem:
        raise StepOutputError(f"{where}: its result: {problem}", step=name) from None
    if (size := len(result.text)) > MAX_BYTES:
        raise StepOutputError(
            f"{where}: its result is {size:,} bytes, and the server takes {MAX_BYTES:,} at most. Store the data, and"
            " return where it is.",
            step=name,
        )
    return result


class NoThreadError(Exception):
    """A function has not begun, since no thread came free for it, and never will."""


async def run_function(
    function: Callable[..., Any],
    positional: Sequence[Any],
    keywords: Mapping[str, Any],
    *,
    threads: Executor | None = None,
    must_end: Callable[[], bool] = lambda: False,
    waits: Callable[[], None] = lambda: None,
    patience: float | None = None,
) -> Any:
    """Call a function: an `async def` here, any other on a thread.

    The time limit around the call begins when the thread does. A call that is cancelled before that never begins.

    Args:
        threads: where; `None` is the loop's own.
        must_end: asked when the call is cancelled: whether to wait for a thread, which cannot be stopped.
        waits: called where no thread comes free for a second.
        patience: seconds to wait for a thread; `None` is as long as it takes.

    Raises:
        NoThreadError: none came free in that time.
    """
    if inspect.iscoroutinefunction(inspect.unwrap(function)) or inspect.iscoroutinefunction(function):
        return await function(*positional, **keywords)
    loop = asyncio.get_running_loop()
    context = contextvars.copy_context()
    call = _ThreadCall(functools.partial(context.run, _outcome, function, positional, keywords), loop)
    running = loop.run_in_executor(threads, call)
    limit = _limit.get()
    try:
        if limit is not None:
            limit.hold()
        if not await call.begins(_WAITS_AFTER):
            waits()
            if not await call.begins(patience) and call.withdraw():
                raise NoThreadError
        if limit is not None:
            limit.begin()
        result, error = await asyncio.shield(running)
    except BaseException:
        # Not only taken out of the queue: a thread may be about to take it.
        if call.withdraw():
            running.cancel()
        elif must_end() and not running.done():
            await asyncio.wait([running])
        raise
    if error is not None:
        raise error
    # `lambda x: fetch(x)` is a plain function that gives a coroutine.
    return await result if inspect.isawaitable(result) else result


class _ThreadCall:
    """A call on a thread that can be taken back until it begins."""

    def __init__(self, call: Callable[[], tuple[Any, BaseException | None]], loop: asyncio.AbstractEventLoop) -> None:
        self._call = call
        self._loop = loop
        self._begun = asyncio.Event()
        self._taken = threading.Lock()
        self._is_withdrawn = False

    def __call__(self) -> tuple[Any, BaseException | None]:
        if not self._taken.acquire(blocking=False):
            return None, None
        self._loop.call_soon_threadsafe(self._begun.set)
        return self._call()

    def withdraw(self) -> bool:
        """Take the call back; false where it has begun."""
        self._is_withdrawn = self._is_withdrawn or self._taken.acquire(blocking=False)
        return self._is_withdrawn

    async def begins(self, seconds: float | None) -> bool:
        """Wait until it begins, but no longer than that; whether it has."""
        try:
            async with asyncio.timeout(seconds):
                await self._begun.wait()
        except TimeoutError:
            return False
        return True


def _outcome(
    function: Callable[..., Any], positional: Sequence[Any], keywords: Mapping[str, Any]
) -> tuple[Any, BaseException | None]:
    """What a function returns, and what it raises.

    Both as a value: a future refuses a `StopIteration`, and stays open for ever, and a task takes some others that it
    is woken with for its own end.
    """
    try:
        result = function(*positional, **keywords)
        # A generator runs when it is gone through, which is here, and not on the loop.
        return (list(result) if inspect.isgenerator(result) else result), None
    except StopIteration as err:
        # Python does the same to one that leaves a coroutine.
        return None, RuntimeError(f"the function raised StopIteration({', '.join(map(repr, err.args))})")
    except BaseException as err:
        return None, err


class TimeLimit:
    """`asyncio.timeout`, with an error that names the step."""

    def __init__(self, seconds: float, name: str, function: Callable[..., Any]) -> None:
        self._limit = asyncio.timeout(seconds)
        self._seconds = seconds
        self._name = name
        self._function = function

    def hold(self) -> None:
        """Let no time pass for now: the call waits for a thread."""
        if not self._limit.expired():
            self._limit.reschedule(None)

    def begin(self) -> None:
        """Count from now."""
        self._limit.reschedule(asyncio.get_running_loop().time() + self._seconds)

    async def __aenter__(self) -> None:
        await self._limit.__aenter__()
        self._token = _limit.set(self)

    async def __aexit__(self, *error: Any) -> None:
        _limit.reset(self._token)
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


_limit: contextvars.ContextVar[TimeLimit | None] = contextvars.ContextVar("terse_temporal.time_limit", default=None)


def cached_codec(type_: Any) -> Codec:
    """A codec for a type of this process, of which there are as many as the code has."""
    try:
        return _lasting_codec(type_, codec_key(type_))
    except TypeError:  # not hashable: Annotated with a Field
        return Codec(type_)


@functools.lru_cache(maxsize=1024)
def _lasting_codec(type_: Any, _: Any) -> Codec:
    return Codec(type_)


def _lasting(read: Callable[[Callable[..., Any]], _T]) -> Callable[[Callable[..., Any]], _T]:
    """What is read off a function of this process, once."""
    lasting = functools.lru_cache(maxsize=1024)(read)

    def cached(function: Callable[..., Any]) -> _T:
        try:
            hash(function)
        except TypeError:  # an object of a class with an `__eq__`
            return read(function)
        return lasting(function)

    return cached


cached_input_type: Final = _lasting(input_type)
cached_parameter_types: Final = _lasting(parameter_types)
cached_result_type: Final = _lasting(result_type)
