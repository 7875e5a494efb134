"""Execution in a workflow: a step is an activity, a sleep is a timer, and both are recorded."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from temporalio import workflow
from temporalio.common import RawValue, RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, RetryState

from ...diagnostics.places import caller_frame, is_users, place
from ...durations import format_duration
from ...errors import EventError, StepOutputError, UnknownToolError
from ...execution.coroutine_names import named
from ...execution.in_place import not_durable, write_log
from ...execution.input_requests import InputRequest
from ...execution.protocol import RunIdentity, StepRequest
from ...execution.run_events import EventToSend, EventWait
from ...execution.token_usage import Tokens
from ...jobs.current_run import run_identity_of
from ...jobs.job import Job
from ...jobs.labels import summary_of
from ...serialization.json_text import Json
from ...serialization.payload_limits import LARGEST_RECORDED, LARGEST_STORED, largest_payload
from ...serialization.serializer import Serializer, shared_serializer
from ...serialization.value_problems import ValueProblem
from ...serialization.wire_names import (
    CALL_REFUSED_MARKER,
    HANDED_OVER_FAILURE,
    JOB_REFERENCE,
    LOCAL_ID_PREFIX,
    SDK_REFERENCE,
    STATE_PREFIX,
    STORED_MARKER,
    TOKENS_MEMO,
)
from ..code.builtin_functions import check_used
from ..code.functions import FunctionIndex
from ..limits import (
    FIRST_RERUN,
    HEARTBEAT_TIMEOUT,
    LARGEST_LOCAL,
    LOCAL_AT_MOST,
    LOCAL_MARKER,
    LOCAL_RETRY_THRESHOLD,
    LOCAL_TASK,
    LONGEST_RERUN,
    OPEN_STEPS,
    SENT_AT_ONCE,
    TIMEOUT_SLACK,
)
from ..wire.inputs_check import RecordedInputs, failure_check, result_check
from ..wire.payloads import in_order, json_text, read_payload
from ..wire.records import LOCAL_FLUSH
from ..wire.step_exceptions import step_exception
from ..wire.token_usage import tokens_of
from .call_writer import CallWriter, WrittenCall
from .cancelling import wait_cancellation_completed
from .child_runs import ChildRuns
from .commands import PendingCommands
from .events import RunEvents
from .inputs import InputRequests
from .waiting import WaitingBoard

__all__ = ["RERUNS", "Blocked", "DurableExecution", "run_identity"]

#: The server gives out again whatever the worker has not called final. It retries timeouts unless their names are among
#: the types that it is not to (its `workflow/retry.go`). A worker ends a step at its timeout. When it was left to the
#: server, the step does not let it (it blocks the event loop), and would run past its timeout again, for ever.
RERUNS: Final = RetryPolicy(
    initial_interval=FIRST_RERUN,
    maximum_interval=LONGEST_RERUN,
    non_retryable_error_types=["TemporalTimeout:StartToClose"],
)


@dataclass(frozen=True, slots=True)
class Blocked:
    """A step at which a run cannot go on, and why; `index` is its place among the calls that are recorded."""

    step: str
    problem: str
    index: int

    def __str__(self) -> str:
        return f"step {self.step!r} {self.problem}"


class DurableExecution:
    """The execution of one run of a durable job, within its workflow.

    Args:
        job: of the run's own copy of the module.
        namespace: the globals of that copy.
        index: the functions of this worker.
    """

    records_calls = True
    step_context = None
    state = None
    recorded_results = None

    def __init__(self, job: Job, namespace: Mapping[str, Any], index: FunctionIndex) -> None:
        self.job = job
        self.commands = PendingCommands()
        self.run_operations = ChildRuns(self)
        self._open_steps = asyncio.Semaphore(OPEN_STEPS)
        #: Bytes of step inputs that go to the server when the handler next waits. The runner sets it back.
        self.unsent = 0
        #: The step at which the run cannot go on, where its history does not fit the handler.
        self.blocked: Blocked | None = None
        #: What model calls of the run have used.
        self.tokens = Tokens()
        self.board = WaitingBoard()
        self.input_requests = InputRequests(
            self.board, self.call, self.recorded, lambda: run_identity(workflow.info()), job.name
        )
        self.namespace = namespace
        # Where runs share the module, and with it the types, they share what is worked out for these.
        is_shared = namespace is vars(sys.modules.get(job._home, sys))
        self.serializer = shared_serializer if is_shared else Serializer(namespace)
        self.events = RunEvents(self.board, self.serializer)
        self._index = index
        self._writer = CallWriter(job, namespace, index, self.serializer, is_shared=is_shared)
        self._occurrences: Counter[str] = Counter()
        self._inputs = RecordedInputs()
        self._markers: Counter[str] = Counter()
        self._local_numbers = itertools.count(1)
        self._local_turn = asyncio.Lock()
        self._local_open = 0
        #: Local steps that have ended in this workflow task, the first of them at that time.
        self._local_done = 0
        self._first_local_done = 0.0
        self._stores = False

    @property
    def is_durable(self) -> bool:
        """Not so in the filter of a job that is not durable, which is asked in the workflow too."""
        return self.job.durable

    def refusal(self, call: str) -> str:
        return not_durable(call, self.job.name, self.job.where)

    def recorded(self, marker: str, value: bool) -> bool:
        # True leaves a marker in the history, and false, which it nearly always is, leaves nothing. On a replay the
        # marker alone decides, whatever the value is by now, as a run that has come past a place must come past it
        # again. The SDK offers no other marker to a workflow than that of `patched`, which has an id and no details.
        # Replays compare the id, so it is a constant with a number.
        number = self._markers[marker]
        self._markers[marker] += 1
        return (value or workflow.unsafe.is_replaying()) and workflow.patched(f"{marker}.{number}")

    def may_record(self, size: int, most: int) -> bool:
        if size <= most:
            return True
        # One marker for all: what is large once mostly is so often. A run that has had no storage may get one.
        self._stores = self._stores or self.recorded(STORED_MARKER, largest_payload() > LARGEST_RECORDED)
        return self._stores and size <= LARGEST_STORED

    def now(self) -> datetime:
        return workflow.now()

    def uuid4(self) -> UUID:
        return workflow.uuid4()

    @property
    def run(self) -> RunIdentity:
        info = workflow.info()
        # As it was before any reset, for the handler may give it to steps, whose inputs must stay what they were.
        return run_identity_of(self.job.name, info.namespace, info.workflow_id, run_identity(info))

    @property
    def server_namespace(self) -> str:
        return workflow.info().namespace

    def log(self, text: str, level: int) -> None:
        if not workflow.unsafe.is_replaying():
            write_log(text, level)

    def plain_step(self, function: Callable[..., Any], name: str, arguments: Mapping[str, Any]) -> None:
        return None

    def run_key(self, job: str) -> None:
        return None

    def ask(self, request: InputRequest) -> Coroutine[Any, Any, Any]:
        return named("wait_for_input", self.input_requests.ask(request, self._where()))

    def wait_for_event(self, wait: EventWait) -> Coroutine[Any, Any, Any]:
        where = self._where()
        if wait.schema is not None:
            try:
                self.serializer.codec(wait.schema)
            except ValueProblem as problem:
                what = f"{wait.name!r}, schema=…" if wait.trigger is None else wait.trigger.text
                raise EventError(f"wait_for_event({what}) at {where}: {problem}") from None
        return named("wait_for_event", self.events.wait(wait, where))

    def send_event(self, event: EventToSend) -> Coroutine[Any, Any, None]:
        return named("send_event", self.events.send(event))

    def event_id(self, name: str, to: str) -> None:
        return None

    def sleep(self, delay: timedelta) -> Coroutine[Any, Any, None]:
        where = self._where()

        async def wait() -> None:
            self.commands.note("sleep", format_duration(delay), where)
            await workflow.sleep(delay, summary=f"sleep {format_duration(delay)}")

        return named("sleep", wait())

    def call(self, request: StepRequest) -> Coroutine[Any, Any, Any]:
        where = request.where or self._where()
        # What the handler itself names is there. A tool or a model may not be, or no longer.
        if request.reference is not None:
            self._check_known(request)
        elif request.retry is None and self.job.retry is not None:
            request = replace(request, retry=self.job.retry)
        call = self._writer.write(request, where)
        return named(f"step {request.name}", self._schedule(request, call, where))

    def _check_known(self, request: StepRequest) -> None:
        """Refuse a tool that is not there, and a tool or a model that the code does not use, before it is scheduled."""
        assert request.reference is not None
        if request.reference.startswith(f"{SDK_REFERENCE}{STATE_PREFIX}"):
            return
        problem = None if request.unknown is None else UnknownToolError(request.unknown)
        if request.built_in is not None:
            try:
                check_used(request.built_in, request.name, self._index)
            except UnknownToolError as err:
                problem = err
        # On a replay as it was at first, whatever the operator says by now.
        if self.recorded(CALL_REFUSED_MARKER, problem is not None):
            raise problem or UnknownToolError(f"{request.reference!r} was refused when the run first came here")

    async def _schedule(self, request: StepRequest, call: WrittenCall, where: str) -> Any:
        name, check, result = request.name, call.check, call.result
        # Not of what is added here: which steps are sent together depends on it, and labels may change under a run.
        size = len(call.wire.text)
        more = {"key": self._key(name), "check": check, "of_run": run_identity(workflow.info())}
        more |= {"label": request.label} if request.label else {}
        if not workflow.unsafe.is_replaying():
            await self._go_on_unless(self._inputs.problem_of_call(name, check), name, where, len(self.commands))
        async with self._open_steps:
            await (self._admit_local() if request.local else self.wait_for_room(size))
            index = len(self.commands)
            local_id = f"{LOCAL_ID_PREFIX}{next(self._local_numbers)}" if request.local else ""
            self.commands.note("step", name, where)
            try:
                handle = _start(request, call.wire.and_fields(more), local_id)
                if request.local and (said := await self._handed_over(handle)) is not None:
                    await self.wait_for_room(size)
                    handle = _start(replace(request, local=False), call.wire.and_fields(more | said), local_id)
                del call  # a step may take days, and there may be a thousand of them
                answer = await wait_cancellation_completed(handle)
                await self._compare(name, check, result_check(answer.payload), where, index)
                self._count_tokens(answer)
            except FailureError as err:
                failed = err if isinstance(err, ActivityError) else _failed_locally(err, name, local_id)
                await self._compare(name, check, failure_check(failed.cause), where, index)
                raise step_exception(failed, name, where, self.namespace) from failed
        converter = workflow.payload_converter()
        try:
            text = None if result is None else json_text(answer.payload, converter)
            if result is not None and text is not None:
                return result.load_text(text)
            data = read_payload(answer.payload, converter)
            return data if result is None else result.load(data)
        except ValueProblem as problem:
            raise StepOutputError(f"step {name!r} ({where}): its recorded result: {problem}", step=name) from None

    async def wait_for_room(self, size: int) -> None:
        """Wait until so many bytes have room in the message to the server, and take it.

        What is started together goes in one message. One that is too large makes the server terminate the run, so what
        does not fit waits until the first of the others has ended.
        """
        while self.unsent and self.unsent + size > SENT_AT_ONCE:
            if self._local_done:
                await self._end_task()
            else:
                await workflow.wait_condition(lambda: bool(self._local_done) or self.unsent + size <= SENT_AT_ONCE)
        self.unsent += size

    def task_began(self) -> None:
        """Note that a workflow task has begun, so that what came before it is recorded."""
        self.unsent = self._local_open * (LARGEST_LOCAL + LOCAL_MARKER)
        self.board.unsent = 0
        self._local_done = 0

    async def _admit_local(self) -> None:
        """Wait until a local step may begin: until what others have come to is recorded, where that has become much.

        All decides by what is recorded, so that a replay does likewise: the moments at which local steps have ended.
        When the task began is another moment in a replay, where it was handed out again, or was prolonged.
        """
        most = LARGEST_LOCAL + LOCAL_MARKER
        async with self._local_turn:
            is_long = self._local_done and workflow.time() - self._first_local_done >= LOCAL_TASK.total_seconds()
            if is_long or self._local_done >= LOCAL_AT_MOST:
                await self._end_task()
            await self.wait_for_room(most)
            self._local_open += 1

    async def _handed_over(self, handle: workflow.ActivityHandle[Any]) -> dict[str, Any] | None:
        """Wait until a local step has ended; return what the activity is told by which it goes on, if it does."""
        size = LARGEST_LOCAL
        try:
            size = len((await wait_cancellation_completed(handle)).payload.data)
        except ApplicationError as err:  # as the SDK raises it of local ones
            if err.type != HANDED_OVER_FAILURE:
                raise
            size = 0
            return _told_of_local(err)
        finally:
            self._local_open -= 1
            if not self._local_done:
                self._first_local_done = workflow.time()
            self._local_done += 1
            self.unsent = max(0, self.unsent - LARGEST_LOCAL + min(size, LARGEST_LOCAL))
        return None

    async def _end_task(self) -> None:
        """End the workflow task, which is sent when the handler waits for something else than local steps."""
        await asyncio.sleep(LOCAL_FLUSH.total_seconds())
        self.task_began()

    async def _compare(self, step: str, check: str, recorded: str, where: str, index: int) -> None:
        await self._go_on_unless(self._inputs.problem_of_result(step, check, recorded), step, where, index)

    async def _go_on_unless(self, problem: str | None, step: str, where: str, index: int) -> None:
        """Stand still where there is a problem: the handler could catch an error. The runner gives the task up."""
        if problem is not None:
            self.blocked = self.blocked or Blocked(step, f"at {where}: {problem}", index)
            await workflow.wait_condition(lambda: False)

    def _where(self) -> str:
        """Return the line of the user's that makes a call; where there is none, as in a tool that a model calls, the
        job's.
        """
        frame = caller_frame()
        return place(frame.f_code.co_filename, frame.f_lineno) if is_users(frame) else self.job.where

    def _key(self, name: str) -> str:
        """Return the idempotency key of the next call of a name.

        It is made of the workflow, the run's place in its chain, the step's name and its occurrence.

        It survives retries of the step and resets of the run.
        """
        info = workflow.info()
        return self._hash([info.namespace, info.workflow_id, run_identity(info)], name)

    def child_key(self, job: str) -> str:
        """Return what the id of the next child run of a job is made of, where its author gives none.

        Likewise, but of what stands in the history alone: the engine compares the ids of child runs, and a history may
        be replayed under another namespace or workflow id.
        """
        return self._hash([run_identity(workflow.info())], f"{JOB_REFERENCE}{job}")

    def _hash(self, run: list[str], name: str) -> str:
        occurrence = self._occurrences[name]
        self._occurrences[name] += 1
        return hashlib.sha256(json.dumps([*run, name, occurrence]).encode()).hexdigest()[:32]

    def read_result(self, result: RawValue | None) -> Any:
        """Return what an activity gave, as JSON, with what its model calls used counted in."""
        if result is None:
            return None
        self._count_tokens(result)
        return read_payload(result.payload, workflow.payload_converter())

    def _count_tokens(self, result: RawValue) -> None:
        used = tokens_of(result.payload)
        if used:
            self.tokens.add(used)
            # Two events of a history are not worth saving here: one that is looked at while it runs says what it costs.
            workflow.upsert_memo({TOKENS_MEMO: self.tokens.to_wire()})


def run_identity(info: workflow.Info) -> str:
    """Return what idempotency keys take a run by: the run id that it had before any reset.

    Runs of one workflow id follow each other: continued as new by their author, by a cron schedule, by a retry policy
    of the workflow. Each is another run with keys of its own. A reset (also of a reset) forks the history behind the
    event that says this id, so it stays. Where the engine itself continues a run, the id that it began with has to be
    handed on, and this is the place to read it.
    """
    return info.original_execution_run_id


def _failed_locally(failure: FailureError, step: str, local_id: str) -> ActivityError:
    """Return the failure of a local step as that of any other: the SDK gives only the cause."""
    error = ActivityError(
        "Activity task failed",
        scheduled_event_id=0,
        started_event_id=0,
        identity="",
        activity_type=step,
        activity_id=local_id,
        retry_state=RetryState.NON_RETRYABLE_FAILURE,
    )
    error.__cause__ = failure
    return error


def _told_of_local(failure: ApplicationError) -> dict[str, Any]:
    """Return what the activity of a local step that is handed over is told."""
    said = failure.details[0] if failure.details and isinstance(failure.details[0], dict) else {}
    attempt = said.get("attempt")
    return {"before": attempt - 1 if isinstance(attempt, int) else 0, "runs_on": said.get("runs") is True}


def _start(request: StepRequest, call: Json, local_id: str) -> workflow.ActivityHandle[Any]:
    options: dict[str, Any] = {
        "result_type": RawValue,
        "summary": request.summary or (summary_of(request.label) if request.label else None),
        "start_to_close_timeout": request.timeout + TIMEOUT_SLACK,
        "activity_id": local_id or None,
        "retry_policy": RERUNS,
        "cancellation_type": workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    }
    given = in_order(call, workflow.payload_converter())
    if request.local:
        options["local_retry_threshold"] = LOCAL_RETRY_THRESHOLD
        return workflow.start_local_activity(request.name, given, **options)
    return workflow.start_activity(request.name, given, heartbeat_timeout=HEARTBEAT_TIMEOUT, **options)
