"""What a call of the handler is written as: the input of its activity, and what its result is read back by.

All that can be wrong about a call is found here, before anything is scheduled. But for whether there is a storage for
what is large, nothing here asks the engine anything, so that the same call is written the same on every replay, and can
be written without a run.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...diagnostics.places import place_of
from ...errors import StepInputError, StepIsolationError, StepOutputError, UnknownFunctionError
from ...execution.perform import record_arguments, record_value
from ...execution.protocol import UNSET, StepRequest, may_record
from ...jobs.job import Job, module_name
from ...serialization.codec import Codec, Json, ValueProblem, json_object
from ...serialization.payload_limits import over_limit
from ...serialization.serializer import Serializer
from ..code.functions import FunctionIndex, attribute_path
from ..wire.calls import StepCall
from ..wire.inputs_check import check_of
from ..wire.retries import retry_to_wire
from ..wire.types import refer_to_type, resolve_type

__all__ = ["CallWriter", "WrittenCall"]


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """A call as it is scheduled.

    Attributes:
        wire: a `StepCall`, without what is known only when it is scheduled.
        check: of its input, see `inputs_check.py`.
        result: reads its result; `None` where that is plain JSON.
    """

    wire: Json
    check: str
    result: Codec | None


class CallWriter:
    """Writes the calls of one run.

    Args:
        job: of the run's own copy of the module.
        namespace: the globals of that copy.
        index: the functions of this worker.
        serializer: of the run.
    """

    def __init__(self, job: Job, namespace: Mapping[str, Any], index: FunctionIndex, serializer: Serializer) -> None:
        self._job = job
        self._namespace = namespace
        self._home = module_name(str(namespace.get("__name__", "")))
        self._index = index
        self._serializer = serializer

    def write(self, request: StepRequest, where: str) -> WrittenCall:
        """Check a call and write it.

        Args:
            request: the call.
            where: the line of the call, for messages.

        Raises:
            StepIsolationError: the function, or a type, cannot be found again or reads a variable of the handler.
            StepInputError: the input does not fit, is not JSON, or is larger than the server takes.
            StepOutputError: nothing can be read as the type of the result.
        """
        if request.reference is not None:
            request = replace(request, run=self._of_this_run(request.run))
        call = StepCall(
            function=request.reference or self._refer(request.run, request, where),
            job=self._job.name,
            key="",
            timeout=request.timeout.total_seconds(),
            retry=None if request.retry is None else retry_to_wire(request.retry),
            by_model=request.by_model,
            once=request.on_interrupt == "fail",
            functions={name: self._refer(each, request, where) for name, each in request.functions.items()},
            types={name: self._reference(each, request, where) for name, each in request.types.items()},
            **self._schemas(request, where),
        )
        given = self._given(request)
        fields = call.to_wire()
        wire = json_object(fields, given)
        if not may_record(size := len(wire.text)):
            remedy = "Pass a reference, such as a path or a key, and read the data in the step."
            raise StepInputError(
                f"step {request.name!r} ({place_of(request.run)}): its input is {over_limit(size, remedy)}"
            )
        check = check_of(fields, next(iter(given.values()), None), self._home, self._index.code_of(self._job))
        return WrittenCall(wire, check, self._result_codec(request))

    def _schemas(self, request: StepRequest, where: str) -> dict[str, Any]:
        """Return references to the types of the input and of the result, by the fields of `StepCall`.

        A worker makes a nested function of its code, where annotations are not: those are referred to as well.
        """
        is_nested = request.reference is None and "<" in getattr(request.run, "__qualname__", "")
        given, result = request.input_schema, request.output_schema
        found: dict[str, Any] = {}
        if given is UNSET and is_nested and request.input is not UNSET:
            annotated = self._input_type(request)
            given = UNSET if annotated is Any else annotated
        if given is not UNSET:
            found["input_schema"] = self._reference(given, request, where)
        if result is not UNSET:
            found["output_schema"] = self._reference(result, request, where)
        elif is_nested and (annotated := self._result_type(request)) is not Any:
            # What has no name is left to the handler, which has the type at hand.
            with contextlib.suppress(StepIsolationError):
                found["output_schema"] = self._reference(annotated, request, where)
        return found

    def _of_this_run(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function of the job's module as the run's own copy has it, whose types the handler names."""
        if module_name(getattr(function, "__module__", None) or "") != self._home:
            return function
        own = attribute_path(self._namespace, getattr(function, "__qualname__", ""))
        # Another function may have taken its name since.
        same = getattr(own, "__code__", own) == getattr(function, "__code__", function)
        return own if callable(own) and same else function

    def _refer(self, function: Callable[..., Any], request: StepRequest, where: str) -> str:
        return self._index.refer(function, request.name, where, self._namespace)

    def _reference(self, type_: Any, request: StepRequest, where: str) -> Any:
        step = f"{request.name!r} ({where})"
        reference = refer_to_type(type_, step, self._namespace)
        try:
            # As the worker does that runs the step. It would wait for one that takes it, which there is not.
            resolve_type(reference, self._index)
        except UnknownFunctionError as err:
            raise StepIsolationError(f"step {step}: {err}") from None
        return reference

    def _given(self, request: StepRequest) -> dict[str, Json]:
        """Return what a call is given, by the field of `StepCall` that it goes into: at most one."""
        arguments = record_arguments(request, self._serializer)
        if arguments is not None:
            return {"arguments": arguments}
        given = () if request.input is UNSET else (request.input,)
        try:
            signature = self._serializer.signature(request.run)
            if signature is not None:
                signature.bind(*given)
        except TypeError as err:
            what = "its one argument, the input" if given else "no argument, as there is no input"
            raise StepInputError(
                f"step {request.name!r} ({place_of(request.run)}) is called with {what}: {err}"
            ) from None
        if not given:
            return {}
        type_ = self._input_type(request)
        return {"input": record_value(request.input, type_, request, "its input", self._serializer)}

    def _result_codec(self, request: StepRequest) -> Codec | None:
        if request.as_json or (type_ := self._result_type(request)) is Any:
            return None
        try:
            return self._serializer.codec(type_)
        except ValueProblem as problem:
            raise StepOutputError(
                f"step {request.name!r} ({place_of(request.run)}): its result: {problem}", step=request.name
            ) from None

    def _input_type(self, request: StepRequest) -> Any:
        if request.input_schema is not UNSET:
            return request.input_schema
        return self._annotated(self._serializer.input_type, request, "the annotation of its parameter")

    def _result_type(self, request: StepRequest) -> Any:
        if request.output_schema is not UNSET:
            return request.output_schema
        return self._annotated(self._serializer.result_type, request, "its return annotation")

    def _annotated(self, read: Callable[[Callable[..., Any]], Any], request: StepRequest, what: str) -> Any:
        try:
            return read(request.run)
        except NameError as err:
            raise StepIsolationError(
                f"step {request.name!r} ({place_of(request.run)}): {what} does not mean anything at module level: {err}"
                ". Define the type at the top of the module, or, if the function is a library's, call it from a"
                " function of your own."
            ) from None
