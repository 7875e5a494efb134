"""The seam between the job API and whatever runs a job.

A handler calls `job_step`, `sleep` or `now` and knows nothing of Temporal. Each call goes to the *current execution*,
found through a context variable. There are two kinds: a durable one, which the engine sets inside a workflow and which
schedules work, and a direct one, set around a step or a job that is not durable, where calls run in place.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal, Protocol, TypeAlias
from uuid import UUID

from ..errors import DurableOnlyError
from ..serialization.payload_limits import LARGEST_RECORDED, largest_payload
from ..serialization.serializer import Serializer
from .input_requests import InputRequest
from .recorded_results import RecordedResults
from .run_events import EventToSend, EventWait
from .run_operations import RunOperations
from .token_usage import Tokens

__all__ = [
    "UNSET",
    "Execution",
    "FaultRule",
    "RetryRule",
    "RunIdentity",
    "StepContext",
    "StepRequest",
    "current_execution",
    "durable_execution",
    "executing",
]


class _Unset:
    """The absence of a value where `None` is one."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = _Unset()


FaultRule: TypeAlias = Literal["any", "unsent", "declared"]


@dataclass(frozen=True, slots=True)
class RetryRule:
    """When a failed step is tried again, with its durations checked and in seconds."""

    max_attempts: int
    initial: float
    multiplier: float
    max_delay: float
    on: tuple[type[BaseException], ...]
    #: Instead of classes: `retries.py` decides by the failure. `"any"` retries all that may pass, for what may
    #: happen twice; `"unsent"` a connection that never came about, for what makes one request; `"declared"` only what
    #: says of itself that nothing was sent.
    faults: FaultRule | None = None

    def backoff(self, attempt: int) -> float:
        """Return the seconds between this attempt, counted from 1, and the next."""
        # The exponent is bounded so that a step which has been retried for weeks does not overflow.
        return float(min(self.initial * self.multiplier ** min(attempt - 1, 64), self.max_delay))


@dataclass(frozen=True, slots=True)
class StepRequest:
    """One call of a step, its options checked, nothing of it scheduled.

    Attributes:
        run: the function.
        name: the step's name.
        timeout: of one attempt.
        on_interrupt: what happens when its worker is lost.
        retry: when what it raises is retried.
        local: it is recorded with the run's workflow task, instead of by an activity of its own.
        input, input_schema: the one argument, for `job_step`.
        arguments: arguments by name, for any other call.
        output_schema: the type of the result, where it is not the function's annotation that says it.
        reference: how a worker finds the function, where that is not by its place in a module.
        functions, types: arguments by name that are functions and types, and travel as references.
        as_json: the arguments are JSON that was validated before, and the result is wanted as JSON too.
        by_model: a model asks for the call, not the job's code.
        built_in: the toolbox, or `generate_text` or `wait_for_input`, that a worker has only where its code uses it.
        unknown: why there is no such function here: it is refused, unless the run has once made the call.
        summary: a few words for the Web UI.
        label: the same for logs too; the summary where that has none.
        where: the line of the user's that makes the call, where that is not on the stack.
    """

    run: Callable[..., Any]
    name: str
    timeout: timedelta
    on_interrupt: Literal["retry", "fail"]
    retry: RetryRule | None = None
    input: Any = UNSET
    arguments: Mapping[str, Any] | None = None
    input_schema: Any = UNSET
    output_schema: Any = UNSET
    reference: str | None = None
    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    types: Mapping[str, Any] = field(default_factory=dict)
    as_json: bool = False
    by_model: bool = False
    built_in: str | None = None
    unknown: str | None = None
    summary: str | None = None
    label: str | None = None
    where: str | None = None
    local: bool = False


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """A run, as its own code is told.

    Attributes:
        id: the workflow id.
        run_id: the server's id of this run; a new one after a reset, and for each run of a chain.
        job: the job's name.
        url: where the run is in the Web UI, where that is known.
    """

    id: str
    run_id: str
    job: str
    url: str | None = None


class StepContext:
    """What a step knows of itself.

    Attributes:
        name: the step's name, which is its activity type on Temporal.
        attempt: 1 for the first try. Interrupted tries count too.
        idempotency_key: the same on every attempt of this step, and different for every other step of every other run.
            32 hexadecimal characters: send it wherever a service takes an idempotency key.
        by_model: whether it is the call of a tool that a model asked for, so that its arguments are a model's and may
            be those of whoever wrote what the model has read.
    """

    __slots__ = ("attempt", "by_model", "idempotency_key", "name")

    def __init__(self, name: str, attempt: int, idempotency_key: str, *, by_model: bool = False) -> None:
        self.name: str = name
        self.attempt: int = attempt
        self.idempotency_key: str = idempotency_key
        self.by_model: bool = by_model

    def __repr__(self) -> str:
        return f"<StepContext {self.name!r}, attempt {self.attempt}, key {self.idempotency_key}>"


class Execution(Protocol):
    """What the job API asks of whatever runs a job."""

    @property
    def run(self) -> RunIdentity | None:
        """The run; `None` outside of one."""

    @property
    def server_namespace(self) -> str:
        """The server's namespace that the run is in; empty where that is not known."""

    @property
    def step_context(self) -> StepContext | None:
        """The step that is running; `None` in a handler and outside a run."""

    @property
    def state(self) -> Any:
        """Where the job's state is kept (`state.keeping.JobState`), where calls run in place; else `None`."""

    @property
    def tokens(self) -> Tokens:
        """What model calls have used here, to be added to."""

    @property
    def recorded_results(self) -> RecordedResults | None:
        """What calls of the run have come to, in a call that is recorded; else `None`."""

    @property
    def is_durable(self) -> bool:
        """Whether steps and sleeps are recorded, so that they may be called here."""

    @property
    def records_calls(self) -> bool:
        """Whether calls of the SDK are recorded, as they are in a filter too; else they run where they are made."""

    def refusal(self, call: str) -> str:
        """Return why `call` is not allowed here and where it is: the text of a `DurableOnlyError`."""

    def recorded(self, marker: str, value: bool) -> bool:
        """Return a value that can change under a run; on a replay, what it was when the run first came here.

        Args:
            marker: what the value says, a name of `wire_names.py`. Calls of one marker are told apart by their order.
        """

    def may_record(self, size: int, most: int) -> bool:
        """Return whether a value of so many bytes can be recorded; on a replay, as it was when the run first came here.

        Args:
            size: bytes.
            most: bytes that can be without a storage.
        """

    @property
    def serializer(self) -> Serializer:
        """What values are written with and read back by."""

    def call(self, request: StepRequest) -> Coroutine[Any, Any, Any]:
        """Check a call at once; run it, or take its recorded result, when awaited.

        Every kind of call comes through here: a step, which only an execution that `is_durable` is asked for, a tool, a
        turn of a model, an access to the state.
        """

    @property
    def run_operations(self) -> RunOperations | None:
        """What starts runs and asks after them from here; `None` where a client does."""

    def run_key(self, job: str) -> str | None:
        """Return what the id of the next run is made of that is started here without id and key.

        `None` where `run_operations` makes it.
        """

    def plain_step(self, function: Callable[..., Any], name: str, arguments: Mapping[str, Any]) -> Execution | None:
        """Return what an `@step` function that is called plainly runs in.

        By what `current_step()` tells, that is a step of its own.

        `None` where it runs in this: in a filter, and where the call is what the current step runs.
        """

    def ask(self, request: InputRequest) -> Coroutine[Any, Any, Any]:
        """Wait for a person to answer; what comes of it is what `request.read` makes of the answer."""

    def wait_for_event(self, wait: EventWait) -> Coroutine[Any, Any, Any]:
        """Wait for an event, which only an execution that `is_durable` is asked for."""

    def send_event(self, event: EventToSend) -> Coroutine[Any, Any, None] | None:
        """Send an event by key, where that is recorded; else `None`, and a client is to send it."""

    def event_id(self, name: str, to: str) -> str | None:
        """Return the id of an event that is sent without one, the same on every attempt of the step; else `None`."""

    def sleep(self, delay: timedelta) -> Coroutine[Any, Any, None]: ...

    def now(self) -> datetime: ...

    def uuid4(self) -> UUID: ...

    def log(self, text: str, level: int) -> None: ...


_current: ContextVar[Execution | None] = ContextVar("terse_temporal.execution", default=None)


def current_execution() -> Execution | None:
    """Return the execution that the caller runs in, or `None` outside any run."""
    return _current.get()


def may_record(size: int, most: int = LARGEST_RECORDED) -> bool:
    """Return whether a value of so many bytes can be recorded, or sent, where the caller runs."""
    execution = _current.get()
    return size <= most or (size <= largest_payload() if execution is None else execution.may_record(size, most))


def durable_execution(call: str) -> Execution:
    """Return the current execution, if `call` is allowed in it.

    Raises:
        DurableOnlyError: it is not; the message says where it is.
    """
    execution = _current.get()
    if execution is None:
        raise DurableOnlyError(
            f"{call} was called outside a run. It is allowed in the handler of a durable job:"
            " create_job(..., durable=True), started by a worker."
        )
    if not execution.is_durable:
        raise DurableOnlyError(execution.refusal(call))
    return execution


class executing:  # noqa: N801  # used as the function it would be
    """Make `execution` the current one within the block and the tasks and threads it starts.

    No generator with `@contextmanager`: that sets the traceback of what is raised within, and a class may not let it.
    """

    def __init__(self, execution: Execution) -> None:
        self._execution = execution

    def __enter__(self) -> None:
        self._token = _current.set(self._execution)

    def __exit__(self, *_: object) -> None:
        # A run that nobody finishes is closed when it is collected, in whatever context that happens.
        with suppress(ValueError):
            _current.reset(self._token)
