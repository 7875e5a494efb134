"""What a call of the handler is written as: the input of its activity, and what its result is read back by.

All that can be wrong about a call is found here, before anything is scheduled. But for whether there is a storage for
what is large, nothing here asks the engine anything, so that the same call is written the same on every replay, and can
be written without a run.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any

from ...diagnostics.places import place_of
from ...errors import StepInputError, StepIsolationError, StepOutputError, UnknownFunctionError
from ...execution.perform import record_arguments, record_value
from ...execution.protocol import UNSET, StepRequest, may_record
from ...jobs.job import Job, module_name
from ...serialization.codec import Codec
from ...serialization.json_text import Json, json_of
from ...serialization.payload_limits import over_limit
from ...serialization.serializer import Serializer, key_of_type
from ...serialization.value_problems import ValueProblem
from ..code.functions import FunctionIndex, WorkedOut, attribute_path
from ..wire.calls import StepCall
from ..wire.inputs_check import check_of_done, done_of
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


@dataclass(frozen=True, slots=True)
class _Shape:
    """What is the same for all calls of a function with the same options.

    Attributes:
        wire: a `StepCall`, without what it is given.
        done: the part of the check that says what is done with that.
        takes: the type of the input; `UNSET` where it takes none.
        result: as of `WrittenCall`.
    """

    wire: Json
    done: str
    takes: Any
    result: Codec | None


class CallWriter:
    """Writes the calls of one run.

    Args:
        job: of the run's own copy of the module.
        namespace: the globals of that copy.
        index: the functions of this worker.
        serializer: of the run.
        is_shared: the namespace is that of the process, so that what is worked out for one run holds for the next.
    """

    def __init__(
        self,
        job: Job,
        namespace: Mapping[str, Any],
        index: FunctionIndex,
        serializer: Serializer,
        *,
        is_shared: bool = False,
    ) -> None:
        self._job = job
        self._namespace = namespace
        self._home = module_name(str(namespace.get("__name__", "")))
        self._index = index
        self._serializer = serializer
        # A run's own copy of its module must go with the run.
        self._shapes = index.worked_out if is_shared else WorkedOut()

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
        key = _key(self._job.name, request)
        shape = None if key is None else self._shapes.get(key)
        if shape is None:
            shape = self._shape(request, where)
            # One that only calls itself so, as what a decorator made in the handler does, would keep the run's objects.
            if key is not None and self._is_bound(request.run):
                self._shapes.keep(key, shape)
        wire, given = shape.wire, None
        if request.arguments is not None:
            given = record_arguments(request, self._serializer)
            wire = wire if given is None else wire.and_written("arguments", given)
        elif request.input is not UNSET:
            given = record_value(request.input, shape.takes, request, "its input", self._serializer)
            wire = wire.and_written("input", given)
        if not may_record(size := len(wire.text)):
            remedy = "Pass a reference, such as a path or a key, and read the data in the step."
            raise StepInputError(
                f"step {request.name!r} ({place_of(request.run)}): its input is {over_limit(size, remedy)}"
            )
        check = check_of_done(shape.done, shape.wire.data["step"], given, self._index.code_of(self._job))
        return WrittenCall(wire, check, shape.result)

    def _shape(self, request: StepRequest, where: str) -> _Shape:
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
        wire = call.to_wire()
        takes = UNSET
        if request.arguments is None:
            self._check_signature(request)
            takes = UNSET if request.input is UNSET else self._input_type(request)
        return _Shape(json_of(wire), done_of(wire, self._home), takes, self._result_codec(request))

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

    def _is_bound(self, function: Callable[..., Any]) -> bool:
        """Return whether a function is what its module has under its name."""
        module = module_name(function.__module__ or "")
        bound_in = self._namespace if module == self._home else vars(sys.modules.get(module, sys))
        return attribute_path(bound_in, function.__qualname__) is function

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

    def _check_signature(self, request: StepRequest) -> None:
        """Refuse a function that does not take the input, or needs one."""
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


def _key(job: str, request: StepRequest) -> Hashable | None:
    """Return what calls of the same shape have in common; `None` for one that is worked out anew each time.

    That is so of nested functions, and lambdas, which the handler makes anew.
    """
    run = request.run
    if request.functions or request.types or type(run) is not FunctionType or "<" in run.__qualname__:
        return None
    key = (
        job,
        run,
        request.reference,
        request.timeout,
        request.on_interrupt,
        request.retry,
        request.by_model,
        request.as_json,
        request.arguments is None,
        request.input is UNSET,
        *key_of_type(request.input_schema),
        *key_of_type(request.output_schema),
    )
    try:
        hash(key)
    except TypeError:  # an `Annotated` with a list in it
        return None
    return key
