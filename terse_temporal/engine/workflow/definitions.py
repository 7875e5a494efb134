"""One workflow definition per job.

The definition is the same for all but for its name. What a run needs, the job as its own copy of the module makes it,
is handed in by the runner (`runner.py`); without that runner the job runs as it was imported.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import Any, Final

from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, FailureError
from temporalio.worker import ContinueAsNewInput

from ...diagnostics.logs import logger_of
from ...errors import EventError, ResultError, StateError, StepInterruptedError
from ...execution.protocol import executing, may_record
from ...jobs.event_input import TOO_DEEP, event_type, read_event
from ...jobs.failures import RunFailure
from ...jobs.job import Job
from ...jobs.run_results import SKIPPED
from ...serialization.json_text import Json, json_object, json_of
from ...serialization.payload_limits import over_limit
from ...serialization.serializer import shared_serializer
from ...serialization.value_problems import ValueProblem
from ...serialization.wire_names import DELAY_MEMO, HANDLER_DOUBLED_MARKER, INPUT_QUERY, INPUT_UPDATE, RUNS_ON_QUERY
from ...state import State
from ...state.handle import WatchedState
from ..code.functions import FunctionIndex
from ..determinism.task_order import exit_of
from ..limits import HEARTBEAT_TIMEOUT, LONGEST_DELAY, PLAIN_JOB_TIMEOUT, TIMEOUT_SLACK
from ..wire.calls import JobCall
from ..wire.failures import SentFailureError
from ..wire.payloads import in_order, read_payload
from ..wire.step_exceptions import step_exception
from .carrying import RUN_CONTEXT, add_carried, read_carried
from .endings import is_of_the_engine, log_end, run_failure
from .execution import RERUNS, DurableExecution, run_identity
from .handed_over import RUNS_ON
from .handling import handled
from .scheduled import with_moment

__all__ = ["RunContext", "job_of_definition", "result_data", "workflow_definition"]

_logger = logger_of("worker")

#: Keys of an event that are named when they are left out.
_SHOWN_KEYS: Final = 5


class RunContext:
    """What a run needs from outside: its job, the globals of its copy of the module, and the worker's functions."""

    def __init__(self, job: Job, namespace: Mapping[str, Any], index: FunctionIndex) -> None:
        self.job = job
        self.namespace = namespace
        self.index = index
        self.execution = DurableExecution(job, namespace, index)
        #: Asked whether the handler has a test double, see `CallDoubles.job`.
        self.has_double: Callable[[str, str, Any], bool] = lambda job, run_id, event: False
        #: How many inputs the run was started with. One is taken; the runner takes the others away.
        self.inputs = 1
        #: The second input, which a run that was continued as new may have.
        self.carried: Payload | None = None
        #: What the handler continues its run with.
        self.continuing: ContinueAsNewInput | None = None
        #: What the handler has come to its end by, for a person to read. A string, since an error holds on to all of
        #: it.
        self.ended: str | None = None


class _TakesMessages:
    """What is sent to the run of a durable job.

    Declared in a class, so that the SDK reads the signatures once, and not for each run; and so they are there before
    anything is handed to the workflow: an update in its first task, as a run has that was reset, is not kept until
    `run` gets to it, but refused.
    """

    context: RunContext

    @workflow.signal(dynamic=True)
    def on_signal(self, name: str, args: Sequence[RawValue]) -> None:
        self.context.execution.events.take_signal(name, args)

    # Named as a function is, because it is the update's description too.
    @workflow.update(name=INPUT_UPDATE)
    async def decide(self, answer: Any) -> str:
        return self.context.execution.input_requests.decide(answer)

    @decide.validator
    def check(self, answer: Any) -> None:
        self.context.execution.input_requests.check(answer)

    @workflow.query(name=INPUT_QUERY)
    def question(self, number: Any = None) -> dict[str, Any] | None:
        """Return an open question in full, by its number."""
        return self.context.execution.input_requests.question(number)

    @workflow.query(name=RUNS_ON_QUERY)
    def runs_on(self, key: Any = None) -> bool:
        """Return whether this worker still runs a local step that was handed over, by its key."""
        return (workflow.info().run_id, key) in RUNS_ON


def workflow_definition(job: Job, index: FunctionIndex) -> type:
    """Return the workflow class of a job. Its name is the job's."""

    def prepare(self: Any) -> None:
        handed_in = workflow.extern_functions().get(RUN_CONTEXT)
        self.context = handed_in() if handed_in else RunContext(job, vars(sys.modules[job._home]), index)
        if job.durable:
            carried = read_carried(self.context.carried)
            self.context.inputs -= carried is not None
            self.context.execution.events.install(carried)

    async def run(self: Any, event: RawValue = None) -> Any:  # type: ignore[assignment]  # the SDK knows no optional one
        task = asyncio.current_task()
        context: RunContext = self.context
        try:
            result = await _run(context, event)
            await _settle(context)
            return in_order(result, workflow.payload_converter())
        except BaseException as err:
            if not workflow.in_workflow():
                raise  # thrown away, at the end of the process
            if is_of_the_engine(err, task):
                if isinstance(err, workflow.ContinueAsNewError):
                    await _hand_on(context)
                    log_end(context.job, err)
                raise
            failure = run_failure(err, context.job)
            # The words of the failure, not of the error: those may be secret, or fail themselves.
            said = " ".join(failure.message.split()) if isinstance(failure, FailureError) else ""
            raised = failure.raised if isinstance(failure, SentFailureError) else None
            name = type(raised or exit_of(err)).__name__
            context.ended = f"raises {name}: {said}" if said not in ("", name) else f"raises {name}"
            log_end(context.job, failure)
            await _settle(context)
            raise failure from failure.__cause__

    name = f"Job_{''.join(letter if letter.isalnum() else '_' for letter in job.name)}"
    run.__qualname__ = f"{name}.run"
    # The SDK reads the types of the inputs off the signature, and counts an annotated `self` among them.
    del run.__annotations__["self"]
    members = {"__init__": prepare, "run": workflow.run(run), "__module__": __name__, "__doc__": job.handler.__doc__}
    definition = _JobDefinition(name, (_TakesMessages,) if job.durable else (), members)
    setattr(definition, _JOB, job)
    # Ours is the unsandboxed runner's place, so that a worker's other workflows keep the sandbox they were given.
    return workflow.defn(name=job.name, sandboxed=False)(definition)


class _JobDefinition(type):
    """The class of those classes.

    The SDK asks of everything that a workflow class has whether it is a handler of signals, queries or updates. With
    what every object has that is half a millisecond for each job.
    """

    def __dir__(cls) -> list[str]:
        takes_messages = vars(_TakesMessages) if issubclass(cls, _TakesMessages) else ()
        return ["__init__", "run", *(name for name in takes_messages if not name.startswith("_"))]


_JOB: Final = "__terse_job__"


def job_of_definition(definition: type) -> Job | None:
    """Return the job that a workflow class was made for, or `None` for a class that somebody else wrote."""
    return getattr(definition, _JOB, None)


async def _settle(context: RunContext) -> None:
    """End what goes on beside the handler, as the run ends."""
    await context.execution.input_requests.settle()
    await context.execution.events.settle()


async def _hand_on(context: RunContext) -> None:
    """Have the run that continues this one begin with the events that this one has not taken."""
    await _settle(context)
    events = context.execution.events
    if context.continuing is not None:
        add_carried(context.continuing, events.carried(), context.job.name)


async def _run(context: RunContext, event: RawValue | None) -> Json:
    job = context.job
    expected = event_type(job.handler, job.triggers, context.namespace)
    raw = with_moment(_event_data(context, event), expected)
    with executing(context.execution):
        await _delay(context)
        on_ignored = None if workflow.unsafe.is_replaying() else partial(_log_ignored, job)
        received = read_event(
            raw, expected, job=job.name, where=job.where, namespace=context.namespace, on_ignored=on_ignored
        )
        if job.filter is not None and not await _passes(job, received):
            context.ended = "is skipped by the job's filter"
            log_end(job, None, "skipped by its filter")
            return json_of(SKIPPED)
        if job.durable:
            has_double = _has_double(context, received)
            handle = partial(_run_in_place, context, raw) if has_double else partial(_handle, job, received)
            result = await handled(job, context.execution, handle, partial(_failed, job, received))
        else:
            result = await handled(
                job, context.execution, partial(_run_in_place, context, raw), partial(_run_in_place, context, raw)
            )
    context.ended = "returns"
    log_end(job, None)
    return result


async def _handle(job: Job, event: Any) -> Json:
    arguments = (event, State(job.state_schema)) if job.takes_state else (event,)
    return result_data(job, await job.handler(*arguments))


async def _failed(job: Job, event: Any, failure: RunFailure) -> None:
    assert job.on_failure is not None
    await job.on_failure(event, failure)


async def _delay(context: RunContext) -> None:
    """Sleep as long as the run that has started this one says: child workflows have no delay on the server."""
    info = workflow.info()
    seconds = workflow.memo_value(DELAY_MEMO, None)
    # What continues a run has its memo.
    is_first = run_identity(info) == info.first_execution_run_id
    if is_first and isinstance(seconds, int | float) and 0 < seconds <= LONGEST_DELAY.total_seconds():
        await context.execution.sleep(timedelta(seconds=seconds))


def _log_ignored(job: Job, keys: Mapping[str, str | None]) -> None:
    """Say which keys of an event its model has left out: one may be misspelt, and its field have a default."""
    # What a vendor sends has more in it than anybody declares.
    shown = {key: near for key, near in keys.items() if near is not None or not job.triggers}
    texts = [f"{key} (did you mean {near}?)" if near else key for key, near in shown.items()]
    if texts:
        said = ", ".join(texts[:_SHOWN_KEYS]) + (", …" if len(texts) > _SHOWN_KEYS else "")
        _logger.warning("run   %s  %s ignored in its event: %s", workflow.info().workflow_id, job.name, said)


def _event_data(context: RunContext, event: RawValue | None) -> Any:
    job = context.job
    if context.inputs > 1:
        raise EventError(
            f"the job {job.name!r} ({job.where}) takes one JSON object as its input, the event; it got {context.inputs}"
        )
    if event is None:
        return None
    try:
        return read_payload(event.payload, workflow.payload_converter())
    except Exception as err:
        reason = err.__cause__ or err  # the SDK says no more than that it could not
        if isinstance(reason, RecursionError):
            raise EventError(f"the input of the job {job.name!r} ({job.where}) {TOO_DEEP}") from None
        encoding = event.payload.metadata.get("encoding", b"").decode(errors="replace")
        raise EventError(
            f"the job {job.name!r} ({job.where}) takes one JSON object as its input, the event, and got something of"
            f" the encoding {encoding!r} that cannot be read: {reason}"
        ) from None


def _has_double(context: RunContext, event: Any) -> bool:
    """Return whether a test has put something in the place of a durable handler; recorded, for a replay without it."""
    asked = not workflow.unsafe.is_replaying() and context.has_double(context.job.name, workflow.info().run_id, event)
    return context.execution.recorded(HANDLER_DOUBLED_MARKER, asked)


async def _run_in_place(context: RunContext, raw: Any, failure: RunFailure | None = None) -> Json:
    """Run a job that is not durable, or whose handler has a test double: one activity of its name, at most once.

    Args:
        context: of the run.
        raw: the event.
        failure: what the handler has ended with, where it is not that which is run, but the job's `on_failure`.
    """
    job = context.job
    name, key = job.name, run_identity(workflow.info())
    if failure is not None:
        # What it sends is not what the handler has sent, under the keys of that.
        name, key = f"{job.name}.on_failure", f"{key}/on_failure"
    try:
        event = json_of(raw)
    except ValueProblem as problem:
        raise EventError(
            f"the input of the job {job.name!r} ({job.where}): {problem}. Send such a number as a string, or not"
            " at all."
        ) from None
    told = None if failure is None else asdict(failure)
    wire = JobCall(job=job.name, event=None, key=key, failure=told).to_wire()
    call = json_object(wire, {"event": event})
    if not may_record(size := len(call.text)):
        remedy = "Store the data, and start the job with where it is."
        raise EventError(f"the input of the job {job.name!r} ({job.where}) is {over_limit(size, remedy)}")
    context.execution.commands.note("step", name, job.where)
    try:
        result = await workflow.execute_activity(
            name,
            in_order(call, workflow.payload_converter()),
            result_type=RawValue,
            start_to_close_timeout=max(PLAIN_JOB_TIMEOUT, (job.timeout or PLAIN_JOB_TIMEOUT) + TIMEOUT_SLACK),
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
            retry_policy=RERUNS,
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        )
    except ActivityError as err:
        raise _failure_in_place(context, err) from err
    return json_of(context.execution.read_result(result))


def _failure_in_place(context: RunContext, error: ActivityError) -> BaseException:
    job = context.job
    raised = step_exception(error, job.name, job.where, context.namespace)
    if isinstance(raised, StepInterruptedError):
        raised.message = (
            f"the job {job.name!r} ({job.where}) was interrupted: its worker was lost or shut down. It is not"
            " durable, so it runs once, and is not run again. Start it anew, or add durable=True to its"
            " create_job() and put what has an effect into steps."
        )
    return raised


def result_data(job: Job, value: Any) -> Json:
    """Return what a handler returned, as JSON.

    Raises:
        ResultError: it is not, or is larger than the server takes.
    """
    try:
        result = shared_serializer.codec(Any).record(value)
    except ValueProblem as problem:
        raise ResultError(
            f"the job {job.name!r} ({job.where}) returned something that is not JSON: {problem}"
        ) from None
    if not may_record(size := len(result.text)):
        remedy = "Store it in a step, and return where it is."
        raise ResultError(f"the job {job.name!r} ({job.where}) returned {over_limit(size, remedy)}")
    return result


async def _passes(job: Job, event: Any) -> Any:
    """Return the answer of a job's filter."""
    assert job.filter is not None
    if not job.filter_takes_state:
        return await _awaited(job.filter(event))
    state = WatchedState(job.state_schema)
    try:
        answer = await _awaited(job.filter(event, state))
    finally:
        forgotten = state.forgotten()
    if forgotten:
        raise StateError(
            f"the filter of the job {job.name!r} ({job.where}) makes a call of the state that it does not await, which"
            " reads nothing and is true as it stands. Write the filter as `async def`, and `await state.get(…)` in it."
        )
    return answer


async def _awaited(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value
