"""What is done with a call, wherever it is made: its arguments become JSON, and its function gets them from there.

Both executions come through here. The durable one writes a call with `record_arguments`, and the activity makes it with
`perform`, perhaps days later in another process. In place the two follow each other, so that a call is the same there:
what it is given and what it returns pass through JSON. What is large does so on a thread: the loop goes on, with the
signs of life of all steps.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..diagnostics.places import place_of
from ..errors import StepInputError, StepOutputError
from ..serialization.json_text import Json, json_object, json_of
from ..serialization.large import is_large
from ..serialization.payload_limits import over_limit
from ..serialization.serializer import Serializer
from ..serialization.signatures import called_with
from ..serialization.value_problems import ValueProblem
from ..serialization.wire_names import SDK_REFERENCE
from .invocation import TimeLimit, run_function
from .protocol import UNSET, Execution, StepContext, StepRequest, executing, may_record
from .test_doubles import FunctionCall, call_or_double

__all__ = ["Call", "perform", "record_arguments", "record_value"]


@dataclass(frozen=True, slots=True)
class Call:
    """A call, with its function and types at hand.

    Attributes:
        reference: of the function; empty in place for one that has no name of its own.
        context: what the function is told of the step that it is: its name, attempt and key.
        timeout: in seconds.
        input: the one argument, as JSON, or
        arguments: arguments by name, as JSON; or neither.
        objects: further arguments by name, which are functions and types.
        input_type, output_type: instead of what the function's annotations say.
        job: the job's name, if any.
        within: the key of the step that makes the call in place, if one does.
    """

    function: Callable[..., Any]
    reference: str
    context: StepContext
    timeout: float
    input: Any = UNSET
    arguments: Mapping[str, Any] | None = None
    objects: Mapping[str, Any] = field(default_factory=dict)
    input_type: Any = UNSET
    output_type: Any = UNSET
    job: str = ""
    within: str = ""


def record_arguments(request: StepRequest, serializer: Serializer) -> Json | None:
    """Return the arguments by name of a call, validated by the annotations of its function, as a JSON object.

    Raises:
        StepInputError: one does not fit, or is not JSON.
    """
    if request.arguments is None:
        return None
    if request.as_json:
        return json_of(request.arguments)
    types = serializer.parameter_types(request.run)
    written = {
        name: record_value(value, types.get(name, Any), request, f"its argument {name!r}", serializer)
        for name, value in request.arguments.items()
    }
    return json_object({}, written)


def record_value(value: Any, type_: Any, request: StepRequest, what: str, serializer: Serializer) -> Json:
    """Return a value that a call is given, validated, as JSON.

    Raises:
        StepInputError: it does not fit, or is not JSON.
    """
    try:
        return serializer.codec(type_).record(value)
    except ValueProblem as problem:
        raise StepInputError(f"step {request.name!r} ({place_of(request.run)}): {what}: {problem}") from None


async def perform(
    call: Call, execution: Execution, run: Callable[..., Coroutine[Any, Any, Any]] = run_function
) -> Json:
    """Make a call, or what a test has put in its place, and return its result, validated, as JSON.

    Args:
        call: the call.
        execution: what is current for the function: the inside of the step.
        run: calls the function, as `run_function` does.

    Raises:
        ValueProblem: an argument does not fit the function any more.
        StepTimeoutError: it takes longer than it may.
        StepOutputError: the result does not fit, is not JSON, or is larger than the server takes.
        BaseException: what the function raises.
    """
    context, function = call.context, call.function
    with executing(execution):
        load = functools.partial(_load, call, execution.serializer)
        is_much = is_large(call.input) or is_large(call.arguments)
        positional, keywords = await asyncio.to_thread(load) if is_much else load()
        keywords |= call.objects
        made = FunctionCall(
            name=context.name,
            reference=call.reference,
            function=function,
            positional=positional,
            keywords=keywords,
            job=call.job,
            key=context.idempotency_key,
            attempt=context.attempt,
            proceed=functools.partial(run, function, positional, keywords),
            within=call.within,
        )
        async with TimeLimit(call.timeout, context.name, function):
            value = await call_or_double(made)
        record = functools.partial(_record_result, value, call, execution.serializer)
        return await asyncio.to_thread(record) if is_large(value) else record()


def _load(call: Call, serializer: Serializer) -> tuple[list[Any], dict[str, Any]]:
    """Return what the function is called with, positional and by name."""
    if call.arguments is None:
        if call.input is UNSET:
            return [], {}
        type_ = serializer.input_type(call.function) if call.input_type is UNSET else call.input_type
        return [serializer.codec(type_).load(call.input)], {}
    loaded = call.arguments
    # What the SDK calls itself takes JSON, and looks at it more closely than its annotations say.
    if not call.reference.startswith(SDK_REFERENCE):
        types = serializer.parameter_types(call.function)
        loaded = {name: serializer.codec(types.get(name, Any)).load(value) for name, value in loaded.items()}
    return called_with(call.function, loaded)


def _record_result(value: Any, call: Call, serializer: Serializer) -> Json:
    name = call.context.name
    where = f"step {name!r} ({place_of(call.function)})"
    try:
        type_ = serializer.result_type(call.function) if call.output_type is UNSET else call.output_type
        result = serializer.codec(type_).record(value)
    except ValueProblem as problem:
        raise StepOutputError(f"{where}: its result: {problem}", step=name) from None
    if not may_record(size := len(result.text)):
        remedy = "Store the data, and return where it is."
        raise StepOutputError(f"{where}: its result is {over_limit(size, remedy)}", step=name)
    return result
