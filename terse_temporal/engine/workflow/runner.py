"""How a run of a job is set up in a worker: its own copy of the module, and a guard while it is being advanced."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
import weakref
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Final

from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import WorkflowTaskFailedCause
from temporalio.bridge.proto.workflow_activation import RemoveFromCache, WorkflowActivation
from temporalio.bridge.proto.workflow_commands import WorkflowCommand
from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner
from temporalio.workflow import Info

from ...diagnostics.logs import logger_of
from ...diagnostics.python_private import running_loop
from ...errors import JournalError
from ...execution.protocol import executing
from ...execution.test_doubles import job_doubles
from ...serialization.payload_limits import LARGEST_RECORDED, largest_payload
from ..code.functions import FunctionIndex
from ..determinism.clock import clock_of_module
from ..determinism.task_order import close_tasks, order_tasks
from ..journal.bounds import DEFAULT_BOUNDS, Bounds
from ..journal.entries import is_eviction
from ..journal.instance import JournaledInstance
from .carrying import RUN_CONTEXT, CarryEvents
from .definitions import RunContext, job_of_definition
from .endings import log_cut_off, run_failure
from .execution import Blocked, run_identity
from .guard import guarded, install
from .nondeterminism import Reporter
from .sandbox import JobSource

__all__ = ["JobRunner"]


_logger = logger_of("worker")

#: Seconds that handlers have to end in when their worker is over, all together.
_LONGEST_DROP: Final = 2.0


class JobRunner(WorkflowRunner):
    """Runs the workflows of jobs; everything else goes to the runner that was there before.

    Args:
        sources: by job name.
        index: the functions of this worker.
        otherwise: the runner for workflows that somebody wrote by hand.
        reporter: told when a run leaves the cache, as one does whose history does not fit the code.
        bounds: the size of a history at which a run continues in another.
    """

    def __init__(
        self,
        sources: Mapping[str, JobSource],
        index: FunctionIndex,
        otherwise: WorkflowRunner,
        reporter: Reporter,
        bounds: Bounds = DEFAULT_BOUNDS,
    ) -> None:
        self._sources = sources
        self._index = index
        #: When runs continue as new by themselves.
        self.bounds = bounds
        self._otherwise = otherwise
        self._unsandboxed = UnsandboxedWorkflowRunner()
        self.reporter = reporter
        # Here, since the threads that runs are advanced on do not inherit it.
        self._has_double = job_doubles()
        #: The runs in the cache of the worker.
        self._cached: weakref.WeakSet[_GuardedInstance] = weakref.WeakSet()
        #: Whether the worker's data converter is to be told what each payload belongs to. The SDK asks for that several
        #: times for each step, and makes a converter of each answer.
        self.takes_context = True
        #: Modules of which it is known that their runs can have what they need.
        self.prepared: set[str] = set()
        install()

    def prepare_workflow(self, defn: Any) -> None:
        """Find out before the worker starts whether runs can have the module, or a copy of it."""
        if job_of_definition(defn.cls) is None:
            self._otherwise.prepare_workflow(defn)
        else:
            self._prepare(self._sources[defn.name])

    def prepare(self) -> None:
        """Find out whether the jobs can be run, where the errors are not yet wrapped into others.

        Raises:
            JobDefinitionError: the module of one can neither be shared by its runs nor be executed again.
        """
        for source in self._sources.values():
            self._prepare(source)

    def _prepare(self, source: JobSource) -> None:
        if source.job._home not in self.prepared:
            self.prepared.add(source.job._home)
            source.prepare()

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        if job_of_definition(det.defn.cls) is None:
            return self._otherwise.create_instance(det)
        instance = _GuardedInstance(self, det)
        self._cached.add(instance)
        return instance

    def make(self, det: WorkflowInstanceDetails) -> tuple[WorkflowInstance, RunContext]:
        """Make the SDK's instance of a job's workflow, and what its run needs from outside."""
        # Of the run before any reset, so that one that is reset has the same.
        clock = clock_of_module(det.info.workflow_start_time, run_identity(det.info))
        job, namespace = self._sources[str(det.defn.name)].copy(clock)
        context = RunContext(job, namespace, self._index)
        context.has_double = self._has_double
        functions = {**det.extern_functions, RUN_CONTEXT: lambda: context}
        interceptors = [*det.interceptor_classes, CarryEvents]
        inner = self._unsandboxed.create_instance(
            dataclasses.replace(det, extern_functions=functions, interceptor_classes=interceptors)
        )
        order_tasks(inner)
        return inner, context

    async def drop_cached(self) -> None:
        """End the handlers that a worker leaves behind when it is over, as those of runs that leave its cache are.

        The SDK leaves them to the garbage collector, which throws a `GeneratorExit` into them, at any time and perhaps
        while a run of another worker is being advanced: what `finally` does then, it does in the name of that one.
        """
        instances = list(self._cached)
        # Not on this thread, whose event loop they would take the place of; and no longer than a workflow task.
        thread = threading.Thread(target=_drop, args=(instances,), name="terse-drop-cached", daemon=True)
        thread.start()
        await asyncio.to_thread(thread.join, _LONGEST_DROP)


def _drop(instances: list[_GuardedInstance]) -> None:
    for each in instances:
        each.drop()


def _is_news(job: Any) -> bool:
    """Return whether a job brings something into the run that stands in its history: a workflow task begins with it.

    The results of local steps come within one. Markers are told of on a replay only, where a carried journal has them
    with what the handler did then: they are no news, as nothing came with them at first.
    """
    return not (
        (job.HasField("resolve_activity") and job.resolve_activity.is_local)
        or job.HasField("notify_has_patch")
        or job.HasField("query_workflow")
        or job.HasField("remove_from_cache")
    )


def run_in(traceback: TracebackType | None) -> Info | None:
    """Return what is known of the run whose handler a traceback is of; `None` if it is of no job's."""
    while traceback is not None:
        frame = traceback.tb_frame
        if frame.f_code is _GuardedInstance.activate.__code__:
            info: Info = frame.f_locals["self"].get_info()
            return info
        traceback = traceback.tb_next
    return None


class _GuardedInstance(WorkflowInstance):
    """One run in the cache of a worker. Side effects are refused while its handler is being advanced.

    It is the `Host` of the run's journal.
    """

    def __init__(self, runner: JobRunner, details: WorkflowInstanceDetails) -> None:
        self.bounds = runner.bounds
        self._runner = runner
        self._context: RunContext
        self._details = details
        self._caught_up = False
        self._is_advanced = False
        self._is_dropped = False
        self._journaled = JournaledInstance(self, details)

    def activate(self, act: Any) -> Any:
        for job in act.jobs:
            if job.HasField("remove_from_cache"):
                why = job.remove_from_cache
                self._is_dropped = True
                log_cut_off(self.get_info(), why, has_ended=self._context.ended is not None)
                self._runner.reporter.evicted(self.get_info(), why, self._context, self._caught_up)
        self._caught_up = self._caught_up or not act.is_replaying
        completion = self._activate(act)
        blocked = self._context.execution.blocked
        if blocked is not None and not is_eviction(act):
            # Whatever the handler has done since: nothing of it is recorded, and the run waits for code that fits.
            completion.failed.failure.message = str(blocked)
            completion.failed.force_cause = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR
        return completion

    def make(self, details: WorkflowInstanceDetails) -> WorkflowInstance:
        """As `Host` has it."""
        if not self._is_advanced:
            inner, self._context = self._runner.make(details)
            return inner
        # On a thread of the engine's, where its constructor finds no event loop.
        with running_loop(self._journaled.inner):
            inner, self._context = self._runner.make(details)
        return inner

    def begin(self, act: WorkflowActivation) -> None:
        """As `Host` has it."""
        context = self._context
        start = next((each.initialize_workflow for each in act.jobs if each.HasField("initialize_workflow")), None)
        if start is not None:
            # Only a single input is handed over as it came, so that one that is not JSON can fail the run.
            context.inputs = len(start.arguments)
            if context.inputs == 2:
                context.carried = Payload()
                context.carried.CopyFrom(start.arguments[1])
            del start.arguments[1:]
        if any(_is_news(job) for job in act.jobs):
            context.execution.task_began()

    @property
    def is_blocked(self) -> bool:
        """As `Host` has it."""
        return self._context.execution.blocked is not None

    def block(self, step: str, problem: str) -> None:
        """As `Host` has it."""
        execution = self._context.execution
        execution.blocked = execution.blocked or Blocked(step, problem, max(len(execution.commands) - 1, 0))

    def fail(self, command: WorkflowCommand, error: JournalError) -> None:
        """As `Host` has it."""
        job = self._context.job
        where = f"the job {job.name!r} ({job.where}): {error}"
        failure = run_failure(JournalError(where), job)
        converter = self._details.payload_converter_factory()
        failed = command.fail_workflow_execution.failure
        self._details.failure_converter_class().to_failure(failure, converter, failed)

    def hold(self, events: int, until: str) -> None:
        """As `Host` has it."""
        if not until:
            return
        _logger.warning(
            "run   %s  %s has a history of %s events, and continues in a new one as soon as nothing is in flight. Until"
            " then nothing new is begun in it. It waits for %s.",
            self.get_info().workflow_id,
            self._context.job.name,
            f"{events:,}",
            until,
        )

    def cannot_carry(self, events: int, size: int, most: int) -> None:
        """As `Host` has it."""
        _logger.warning(
            "run   %s  %s has a history of %s events, and cannot continue in a new one: it would have to carry %s"
            " bytes, and the server takes %s. It goes on until this one is full. Set TERSE_STORAGE for the worker, to a"
            " place where they may lie: a worker that has it lets the run continue.",
            self.get_info().workflow_id,
            self._context.job.name,
            f"{events:,}",
            f"{size:,}",
            f"{most:,}",
        )

    def largest_journal(self) -> int | None:
        """As `Host` has it."""
        return None if largest_payload() > LARGEST_RECORDED else LARGEST_RECORDED

    def drop(self) -> None:
        """End the handler, if it has not ended and is not being advanced."""
        if self._is_dropped or self._is_advanced:
            return
        self._is_dropped = True
        activation = WorkflowActivation(run_id=self.get_info().run_id)
        activation.timestamp.GetCurrentTime()
        activation.jobs.add().remove_from_cache.reason = RemoveFromCache.CACHE_FULL
        with suppress(Exception):  # one that does not let itself be ended is left to the collector
            self._activate(activation)

    def _activate(self, act: Any) -> Any:
        self._is_advanced = True
        try:
            with guarded():
                return self._activated(act)
        finally:
            self._is_advanced = False

    def _activated(self, act: Any) -> Any:
        try:
            return self._journaled.activate(act)
        except RuntimeError:
            # "Eviction processed, but 1 tasks remain": the SDK would try again for ever, and the run stand still. It
            # is so after a workflow task that was cut off for taking too long: with it, what wakes a task can be lost.
            if not is_eviction(act):
                raise
            with executing(self._context.execution):
                close_tasks(self._journaled.inner)
            return self._journaled.activate(act)

    def get_serialization_context(self, command_info: Any) -> Any:
        if not self._runner.takes_context:
            return None
        return self._journaled.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: Any) -> Any:
        return self._journaled.get_external_store_context(command_info)

    def get_info(self) -> Any:
        return self._details.info

    def get_thread_id(self) -> int | None:
        return self._journaled.get_thread_id()
