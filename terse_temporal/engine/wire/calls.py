"""What is written to a history: the input of an activity, and the details of a failure.

These are formats. Histories outlive releases, so they are kept apart from the types that users and the code see, they
only ever gain optional fields, and what reads them ignores fields it does not know. All of it is plain JSON, so that
any data converter, and a person with `temporal workflow show`, can read it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Final

from temporalio.exceptions import ApplicationError

from ...errors import UnreadableCallError
from ...execution.protocol import UNSET

__all__ = [
    "VERSION",
    "FailureDetail",
    "JobCall",
    "StepCall",
    "plain_json",
    "read_call",
    "read_failure_detail",
]

#: Raised when a field changes its meaning, which a worker that does not know it must not guess at.
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class StepCall:
    """The input of a step's activity.

    Attributes:
        function: the reference: `module:qualname`, or `@tool:name` or `@sdk:name` for what has a name of its own.
        job: the job's name, for messages.
        key: the idempotency key.
        input: the one argument, as JSON; `UNSET` where the step has none.
        arguments: arguments by name, as JSON, for an `@step` function.
        input_schema, output_schema: references to types, see `types.py`.
        functions, types: arguments by name that are functions and types, as references.
        retry: `max_attempts`, `initial`, `multiplier`, `max_delay` (seconds) and `on` (references to classes), or
            `faults` (see `execution.RetryRule`).
        timeout: of one attempt, in seconds.
        check: what the result is recorded with, see `inputs_check.py`.
        by_model: a model asks for the call, not the job's code.
        label: what the log of the worker shows beside the step's name.
        once: it is not run again when it is interrupted.
        of_run: the id that the run had before any reset; empty in calls of earlier releases.
        before: attempts of a local step before it was handed over to an activity.
        runs_on: it was handed over while it ran, and goes on in the worker that has it.
    """

    function: str
    job: str
    key: str
    timeout: float
    input: Any = UNSET
    arguments: Mapping[str, Any] | None = None
    input_schema: Any = UNSET
    output_schema: Any = UNSET
    retry: Mapping[str, Any] | None = None
    functions: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, Any] = field(default_factory=dict)
    by_model: bool = False
    check: str = ""
    label: str = ""
    once: bool = False
    of_run: str = ""
    before: int = 0
    runs_on: bool = False

    def to_wire(self) -> dict[str, Any]:
        wire: dict[str, Any] = {"v": VERSION, "step": self.function, "job": self.job, "timeout": self.timeout}
        for name in ("input", "input_schema", "output_schema"):
            if (value := getattr(self, name)) is not UNSET:
                wire[name] = value
        if self.arguments is not None:
            wire["arguments"] = self.arguments
        for name in (
            "key",
            "functions",
            "types",
            "retry",
            "by_model",
            "check",
            "label",
            "once",
            "of_run",
            "before",
            "runs_on",
        ):
            if value := getattr(self, name):
                wire[name] = value
        return wire


@dataclass(frozen=True, slots=True)
class JobCall:
    """The input of the one activity of a job that is not durable, or of that of its `on_failure`.

    Attributes:
        failure: `type`, `message` and `step` of what the handler has ended with, for `on_failure`; else `None`.
    """

    job: str
    event: Any
    key: str
    failure: Mapping[str, Any] | None = None

    #: Always.
    once: ClassVar[bool] = True

    @property
    def of_run(self) -> str:
        """The id that the run had before any reset."""
        return self.key

    def to_wire(self) -> dict[str, Any]:
        wire = {"v": VERSION, "event": self.event, "key": self.key}
        if self.failure is None:
            return {**wire, "run": self.job}
        # Under another name: a worker of a version before it refuses it, and does not run the handler once more.
        return {**wire, "on_failure": self.job, "failure": dict(self.failure)}


def read_call(wire: Any) -> StepCall | JobCall:
    """Return the call in an activity's input.

    Raises:
        UnreadableCallError: it is none.
    """
    if not isinstance(wire, dict) or not isinstance(wire.get("v"), int):
        raise UnreadableCallError("its input is not a call of a step or a job, as this package writes them")
    if wire["v"] > VERSION:
        raise UnreadableCallError(
            f"its input has version {wire['v']}, and this worker reads up to {VERSION}: a newer one wrote it"
        )
    try:
        if "timeout" in wire and not 0 < float(wire["timeout"]) < math.inf:
            raise UnreadableCallError(
                f"its input has the timeout {wire['timeout']!r}, which is no positive number of seconds"
            )
        if not isinstance(wire.get("arguments") or {}, dict):
            raise UnreadableCallError(f"its input has the arguments {wire['arguments']!r}, which are not by name")
        if "run" in wire:
            return JobCall(job=str(wire["run"]), event=wire["event"], key=str(wire["key"]))
        if "on_failure" in wire:
            return JobCall(
                job=str(wire["on_failure"]), event=wire["event"], key=str(wire["key"]), failure=dict(wire["failure"])
            )
        return StepCall(
            function=str(wire["step"]),
            job=str(wire["job"]),
            key=str(wire["key"]),
            timeout=float(wire["timeout"]),
            input=wire.get("input", UNSET),
            arguments=wire.get("arguments"),
            input_schema=wire.get("input_schema", UNSET),
            output_schema=wire.get("output_schema", UNSET),
            retry=wire.get("retry"),
            functions=dict(wire.get("functions") or {}),
            types=dict(wire.get("types") or {}),
            by_model=bool(wire.get("by_model")),
            check=str(wire.get("check") or ""),
            label=str(wire.get("label") or ""),
            once=bool(wire.get("once")),
            of_run=str(wire.get("of_run") or ""),
            before=int(wire.get("before") or 0),
            runs_on=bool(wire.get("runs_on")),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as err:
        raise UnreadableCallError(f"its input lacks a field, or has a wrong one: {err!r}") from err


@dataclass(frozen=True, slots=True)
class FailureDetail:
    """The first detail of a step's application failure: what its message and type do not say.

    Attributes:
        step: the step's name.
        error: the class of the exception, `module:qualname`.
        arguments, attributes: what the exception held, as far as it is plain JSON.
        bases: the classes above its own, in the order of its `__mro__`.
        missing: the names of attributes that it held and that are not recorded.
    """

    step: str
    error: str
    arguments: list[Any]
    attributes: dict[str, Any]
    bases: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def to_wire(self) -> dict[str, Any]:
        wire = {"v": VERSION, **asdict(self)}
        if not self.missing:
            del wire["missing"]
        return wire


def read_failure_detail(error: ApplicationError) -> FailureDetail | None:
    """Return what a failure says of itself, or `None` where something else than this package made it."""
    dicts = (each for each in error.details if isinstance(each, dict))
    detail = next((each for each in dicts if isinstance(each.get("step"), str) and "error" in each), None)
    if detail is None:
        return None
    arguments, attributes = detail.get("arguments"), detail.get("attributes")
    bases, missing = (
        [str(each) for each in found] if isinstance(found := detail.get(name), list) else []
        for name in ("bases", "missing")
    )
    return FailureDetail(
        step=detail["step"],
        error=str(detail["error"]),
        arguments=arguments if isinstance(arguments, list) else [],
        attributes=attributes if isinstance(attributes, dict) else {},
        bases=bases,
        missing=missing,
    )


def plain_json(value: Any) -> bool:
    """Return whether a value is plain JSON as it stands, so that it comes back as it was, and of its type."""
    try:
        return _of_json_types(value) and bool(json.loads(json.dumps(value, allow_nan=False)) == value)
    except (TypeError, ValueError, RecursionError):
        return False


def _of_json_types(value: Any) -> bool:
    # Exactly: an `HTTPStatus` is an int, and would come back as no more than that.
    if type(value) is dict:
        return all(type(key) is str and _of_json_types(item) for key, item in value.items())
    if type(value) is list:
        return all(map(_of_json_types, value))
    return value is None or type(value) in (str, int, float, bool)
