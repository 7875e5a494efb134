"""The one activity behind all steps.

A step's own name is its activity type, and names are made at run time, so the worker has one dynamic activity that
takes every type. What it runs is in the input, and only functions that the worker knows are run.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Final, NoReturn

from temporalio import activity
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from ...diagnostics.logs import logger_of
from ...diagnostics.once import Once
from ...diagnostics.places import place_of
from ...durations import format_duration
from ...errors import (
    StateError,
    UnknownFunctionError,
    UnknownJobError,
    UnknownToolError,
    UnreadableCallError,
)
from ...execution.in_place import DirectExecution
from ...execution.invocation import NoThreadError, run_function
from ...execution.perform import Call, perform
from ...execution.protocol import UNSET, RunIdentity, StepContext, executing
from ...execution.recorded_results import SHORTEST_REFERRED, ResultsUnreadableError
from ...execution.test_doubles import FunctionCall, call_or_double, has_job_double
from ...jobs.current_run import run_identity_of
from ...jobs.event_input import event_type, read_event
from ...jobs.failures import RunFailure
from ...jobs.job import Job
from ...serialization.json_text import json_of
from ...serialization.large import LARGE_TEXT
from ...serialization.wire_names import (
    GENERATE_TEXT,
    HANDED_OVER_FAILURE,
    JOB_REFERENCE,
    JOURNAL_REPLAY,
    SDK_REFERENCE,
)
from ...state import State, StateId, StateStore
from ...state.calls import CALLS
from ...state.handle import WatchedState
from ...state.keeping import JobState, UpdateQueues
from ..code.builtin_functions import known_function
from ..code.functions import FunctionIndex
from ..limits import THREAD_PATIENCE
from ..wire.attempts import attempt_metadata
from ..wire.calls import JobCall, StepCall, read_call
from ..wire.failures import refused, step_failure
from ..wire.inputs_check import check_metadata
from ..wire.local_steps import key_metadata
from ..wire.payloads import in_order, read_payload
from ..wire.token_usage import tokens_metadata
from ..wire.types import resolve_type
from ..workflow.definitions import result_data
from .at_most_once import interrupted, is_interrupted, report_retry
from .completion import mark_as_outcome
from .earlier_results import EarlierResults
from .handing_over import HandedOverSteps
from .heartbeats import Heartbeats
from .recent_results import RecentResults
from .recorded_results import HistoryResults, ResultCache
from .step_failures import (
    ANOTHER_WORKERS,
    add_details,
    begin_details,
    failure_of,
    not_begun,
    own,
    pass_on,
    raise_if_shut_down,
)
from .step_log import log_step, since

__all__ = ["StepRunner"]

_logger = logger_of("worker")

_MODEL_TURN: Final = f"{SDK_REFERENCE}{GENERATE_TEXT}"

#: Between two slices of what a continued run replays, which is no step of the user's.
_PAUSE: Final = f"{SDK_REFERENCE}{JOURNAL_REPLAY}"

#: Seconds between two lines about threads that are all taken.
_SAY_AGAIN_AFTER: Final = 60.0


class StepRunner:
    """Runs the steps of a worker.

    Args:
        jobs: by name.
        index: the functions that may be run.
        heartbeats: keeps the server told that a step is running.
        threads: where functions that are not coroutine functions run.
        store: where the state of jobs is kept.
        close_store: closes it, where the worker has opened it.
        caches_runs: whether the worker keeps runs in memory between their workflow tasks.
    """

    def __init__(
        self,
        jobs: Mapping[str, Job],
        index: FunctionIndex,
        heartbeats: Heartbeats,
        threads: ThreadPoolExecutor,
        store: StateStore,
        close_store: Callable[[], Awaitable[None]] | None = None,
        *,
        caches_runs: bool = True,
    ) -> None:
        self._jobs = jobs
        self._index = index
        self.heartbeats = heartbeats
        self.threads = threads
        self.close_store = close_store
        self._store = store
        self._state_queues = UpdateQueues()
        self._earlier = EarlierResults()
        self._results = ResultCache()
        self._refused = Once()
        self.handed_over = HandedOverSteps(at_once=not caches_runs)
        self._recent = RecentResults()
        self._said_threads = -_SAY_AGAIN_AFTER

    @property
    def jobs(self) -> Collection[str]:
        """The names of the jobs that it runs steps of."""
        return self._jobs.keys()

    @property
    def modules(self) -> frozenset[str]:
        """The names of the modules whose functions it may run, and whose mounts it has."""
        return self._index.modules

    @activity.defn(dynamic=True)
    async def run(self, args: Sequence[RawValue]) -> Any:
        """Run the call in the input, of whatever activity type."""
        info = activity.info()
        name = info.activity_type
        mark_as_outcome(name, functools.partial(self.heartbeats.beating, name))
        try:
            call = await self._read(args, name)
            if is_interrupted(call, info):  # which any worker can tell
                log_step(info, "is not run again: it had begun, and its worker was lost", logging.WARNING)
                raise interrupted("its worker was lost (no sign of life for some seconds)", final=True)
            if (known := self._known(call, info)) is not None:
                return known
            going_on = await self._going_on(call, info)
            if going_on is None:
                if (earlier := await self._earlier_result(call, info)) is not None:
                    return earlier
                going_on = self._prepare(call, name, info), None
            run, began = going_on
        except (UnreadableCallError, UnknownFunctionError, UnknownToolError, UnknownJobError) as err:
            self._refuse(name, err)
        label = call.label if isinstance(call, StepCall) else ""
        details = await begin_details(info) if call.once else ()
        mark_as_outcome(name, functools.partial(self.heartbeats.beating, name, details), once=call.once)
        started = time.monotonic() if began is None else began
        attempt = info.attempt + (call.before if isinstance(call, StepCall) else 0)
        try:
            with self.heartbeats.beating(name, details):
                result = await run()
        except asyncio.CancelledError:
            why = activity.cancellation_details()
            if why is not None and why.worker_shutdown:
                log_step(info, f"interrupted: this worker is shutting down (attempt {attempt})", label=label)
                raise interrupted("its worker was shut down before it was done", final=call.once) from None
            if why is not None and why.not_found:
                log_step(info, "cut off: its run is over, ended by somebody or by its timeout", label=label)
            raise
        except ApplicationError as failure:
            if failure.type == HANDED_OVER_FAILURE:
                raise
            if isinstance(call, StepCall):
                add_details(failure, call, info)
            again = failure.next_retry_delay
            log_step(
                info,
                f"failed after {since(started)} (attempt {attempt}): {failure}"
                + (f"; tried again in {format_duration(again)}" if again else ""),
                logging.WARNING,
                failure,
                label,
            )
            if call.once and not failure.non_retryable:
                self.heartbeats.drop_pending_details(info.task_token)
                await report_retry(info)
            raise
        self._done(call, info, result, f"done in {since(started)} (attempt {attempt})", label)
        return result

    def _done(self, call: StepCall | JobCall, info: activity.Info, result: Any, said: str, label: str) -> None:
        if not (isinstance(call, StepCall) and call.function == _PAUSE):
            log_step(info, said, label=label)
        if info.is_local and isinstance(call, StepCall):
            self._recent.keep(call, info, result)

    def _known(self, call: StepCall | JobCall, info: activity.Info) -> RawValue | None:
        """Return what a local step has come to, whose workflow task the server has turned away."""
        return self._recent.of(call, info) if info.is_local and isinstance(call, StepCall) else None

    async def _going_on(
        self, call: StepCall | JobCall, info: activity.Info
    ) -> tuple[Callable[[], Any], float | None] | None:
        """Return what waits for a local step that was handed over, and runs here already, and when that began."""
        if isinstance(call, JobCall):
            return None
        if self.handed_over.may_be_anothers(call, info):
            try:
                with self.heartbeats.beating(info.activity_type, ()):
                    is_anothers = await self.handed_over.is_anothers(call, info)
            except asyncio.CancelledError:
                raise_if_shut_down(info)
                raise
            if is_anothers:
                why = "it was a local step, and is left to the worker that has it"
                raise not_begun(info.activity_type, why, timedelta(seconds=1))
        return self.handed_over.go_on(call, info)

    async def _earlier_result(self, call: StepCall | JobCall, info: activity.Info) -> RawValue | None:
        """Return what a step had come to before its run was retried."""
        if isinstance(call, JobCall) or call.of_run in ("", info.workflow_run_id):
            return None
        try:
            with self.heartbeats.beating(info.activity_type, ()):
                found = await self._earlier.of(call, info)
        except ApplicationError as failure:
            log_step(info, f"is not run again, as it had ended before its run was retried: {failure}", label=call.label)
            raise
        except asyncio.CancelledError:
            raise_if_shut_down(info)
            raise
        except RPCError as err:
            why = "the server has not told what it had come to before its run was retried"
            log_step(info, f"has not begun: {why}: {err}", logging.WARNING)
            raise not_begun(info.activity_type, why) from None
        if found is not None:
            log_step(info, "is not run again, as it had finished before its run was retried", label=call.label)
        return found

    async def _read(self, args: Sequence[RawValue], name: str) -> StepCall | JobCall:
        if len(args) != 1:
            raise UnreadableCallError(f"it has {len(args)} inputs instead of one")
        read = functools.partial(read_payload, args[0].payload, activity.payload_converter())
        try:
            if len(args[0].payload.data) < LARGE_TEXT:
                wire = read()
            else:
                with self.heartbeats.beating(name):
                    wire = await asyncio.to_thread(read)
        except Exception as err:
            raise UnreadableCallError(f"its input cannot be decoded: {err}") from err
        return read_call(wire)

    def _prepare(self, call: StepCall | JobCall, name: str, info: activity.Info) -> Callable[[], Any]:
        if call.job != info.workflow_type:
            # Otherwise whoever may start workflows of any type could have a step act for any job, and on its state.
            raise UnreadableCallError(
                f"it says that it is of the job {call.job!r}, and a run of {info.workflow_type!r} made it"
            )
        job = self._jobs.get(call.job)
        if isinstance(call, JobCall):
            if job is None or (job.durable and not has_job_double(job.name)):
                kind = "is not on this worker" if job is None else "is durable, so not run as one activity"
                raise UnknownJobError(f"the job {call.job!r} {kind} (it has {', '.join(self._jobs) or 'none'})")
            if call.failure is not None and job.on_failure is None:
                raise UnknownJobError(f"the job {call.job!r} has no on_failure here")
            return functools.partial(self._run_job, job, call, info)
        if job is None and call.function.removeprefix(SDK_REFERENCE) in CALLS:
            raise UnknownJobError(f"the job {call.job!r} is not on this worker, which does not know what its state is")
        function, input_type, output_type = self._found(call)
        objects = {name: self._index.resolve(reference) for name, reference in call.functions.items()}
        objects |= {name: resolve_type(reference, self._index) for name, reference in call.types.items()}
        found = Call(
            function=function,
            reference=call.function,
            context=StepContext(name, info.attempt + call.before, call.key, by_model=call.by_model),
            timeout=call.timeout,
            input=call.input,
            arguments=call.arguments,
            objects=objects,
            input_type=input_type,
            output_type=output_type,
            job=call.job,
        )
        where = job.where if job else "of a job that is not on this worker"
        execution = DirectExecution(
            call.job,
            where,
            found.context,
            state=self._state_of(job, info),
            runs=function,
            run=_run_of(call, info),
            server_namespace=info.namespace,
            recorded_results=HistoryResults(self._results, info),
        )
        run = functools.partial(self._run_step, call, found, execution, info)
        if not info.is_local:
            return run
        return functools.partial(self.handed_over.run, call, run, functools.partial(place_of, function))

    def _found(self, call: StepCall) -> tuple[Callable[..., Any], Any, Any]:
        """Return the function of a call, and the types of its input and of its result."""
        key = (call.function, call.input_schema, call.output_schema)
        # What has a name of its own depends on what the operator allows.
        is_kept = not call.function.startswith("@") and all(each is UNSET or isinstance(each, str) for each in key)
        if is_kept and (found := self._index.worked_out.get(key)) is not None:
            return found  # type: ignore[no-any-return]  # of whatever is worked out
        function = known_function(call.function, self._index) or self._index.resolve(call.function)
        input_type, output_type = (
            UNSET if reference is UNSET else resolve_type(reference, self._index) for reference in key[1:]
        )
        made = (function, input_type, output_type)
        return self._index.worked_out.keep(key, made) if is_kept else made

    def _refuse(self, name: str, error: Exception) -> NoReturn:
        if self._refused.is_new(str(error)):
            _logger.error("step  %s refused: %s", name, error)
        # Not for ever: while a deploy is under way, a worker that knows the function may be next to it.
        raise refused(f"activity {name!r}", error, ANOTHER_WORKERS) from None

    async def _run_step(self, recorded: StepCall, call: Call, execution: DirectExecution, info: activity.Info) -> Any:
        task = asyncio.current_task()
        try:
            result = await perform(
                call, execution, functools.partial(self._run, patience=THREAD_PATIENCE.total_seconds())
            )
            if recorded.function == _MODEL_TURN or (recorded.by_model and len(result.text) >= SHORTEST_REFERRED):
                self._results.keep(result.data, result.text)
            beside = {
                **tokens_metadata(execution.tokens),
                **check_metadata(recorded.check),
                **attempt_metadata(call.context.attempt),
            }
            if info.is_local:
                beside |= key_metadata(recorded.key)
            return in_order(result, activity.payload_converter(), beside)
        except BaseException as err:
            pass_on(err, task)
            name = call.context.name
            if isinstance(err, NoThreadError):
                raise not_begun(name, "no thread of its worker came free") from None
            if isinstance(err, ResultsUnreadableError):
                raise not_begun(name, str(err)) from None
            failure = failure_of(own(err, "step"), name, recorded, info)
            raise failure from failure.__cause__

    async def _run_job(self, job: Job, call: JobCall, info: activity.Info) -> Any:
        execution = DirectExecution(
            job.name,
            job.where,
            key=call.key,
            state=self._state_of(job, info),
            run=_run_of(call, info),
            server_namespace=info.namespace,
        )
        task = asyncio.current_task()
        try:
            event = read_event(call.event, event_type(job.handler, job.triggers), job=job.name, where=job.where)
            if call.failure is not None:
                assert job.on_failure is not None
                with executing(execution):
                    await self._run(job.on_failure, [event, RunFailure(**call.failure)], {})
                return in_order(json_of(None), activity.payload_converter(), tokens_metadata(execution.tokens))
            plain = not inspect.iscoroutinefunction(inspect.unwrap(job.handler))
            state = WatchedState(job.state_schema) if plain else State(job.state_schema)
            given = [event, state] if job.takes_state else [event]
            made = FunctionCall(
                name=job.name,
                reference=f"{JOB_REFERENCE}{job.name}",
                function=job.handler,
                positional=[event],
                keywords={},
                job=job.name,
                key=call.key,
                attempt=info.attempt,
                proceed=functools.partial(self._run, job.handler, given, {}),
            )
            with executing(execution):
                result = await call_or_double(made)
            if isinstance(state, WatchedState) and state.forgotten():
                raise StateError(
                    f"the job {job.name!r} ({job.where}) makes a call of its state that nobody awaits, so that"
                    " it does nothing. Make the handler an `async def`, and `await state.set(…)` in it."
                )
            written = result_data(job, result)
            return in_order(written, activity.payload_converter(), tokens_metadata(execution.tokens))
        except BaseException as err:
            pass_on(err, task)
            failure = step_failure(own(err, "job"), job.name, None)
            raise failure from failure.__cause__

    def _state_of(self, job: Job | None, info: activity.Info) -> JobState | None:
        if job is None:
            return None
        # Of the task queue, also where a plugin serves several workers.
        of = StateId(info.namespace, info.task_queue, job.name)
        return JobState(of, job.state_schema, self._store, self._state_queues, info.workflow_run_id or "", self.threads)

    async def _run(
        self,
        function: Callable[..., Any],
        positional: Sequence[Any],
        keywords: Mapping[str, Any],
        patience: float | None = None,
    ) -> Any:
        return await run_function(
            function,
            positional,
            keywords,
            threads=self.threads,
            must_end=_is_cancelled,
            waits=self._say_threads_are_out,
            patience=patience,
        )

    def _say_threads_are_out(self) -> None:
        if time.monotonic() - self._said_threads < _SAY_AGAIN_AFTER:
            return
        self._said_threads = time.monotonic()
        _logger.warning(
            "all threads for steps that are a plain `def` are taken (--steps-at-once), and %s waits. A step that has"
            " timed out holds its thread until it returns: give what it calls a timeout of its own, or make it an"
            " `async def`.",
            activity.info().activity_type,
        )


def _run_of(call: StepCall | JobCall, info: activity.Info) -> RunIdentity:
    # As its handler has it, also after a reset.
    run_id = call.of_run or info.workflow_run_id or ""
    return run_identity_of(call.job, info.namespace, info.workflow_id or "", run_id)


def _is_cancelled() -> bool:
    """Return whether the run asked for the step to end. It is not told so before the thread has ended."""
    details = activity.cancellation_details()
    return details is not None and details.cancel_requested
