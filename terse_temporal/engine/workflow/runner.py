"""How a run of a job is set up in a worker: its own copy of the module, and a guard while it is being advanced."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
import weakref
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import WorkflowTaskFailedCause
from temporalio.bridge.proto.workflow_activation import RemoveFromCache, WorkflowActivation
from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner

from ...execution.protocol import executing
from ...execution.test_doubles import job_doubles
from ..code.functions import FunctionIndex
from ..determinism.clock import clock_of_module
from ..determinism.task_order import close_tasks, order_tasks
from .carrying import RUN_CONTEXT, CarryEvents
from .definitions import RunContext, job_of_definition
from .endings import log_cut_off
from .execution import run_identity
from .guard import guarded, install
from .nondeterminism import Reporter
from .sandbox import JobSource

__all__ = ["JobRunner"]


#: Seconds that handlers have to end in when their worker is over, all together.
_LONGEST_DROP: Final = 2.0


class JobRunner(WorkflowRunner):
    """Runs the workflows of jobs; everything else goes to the runner that was there before.

    Args:
        sources: by job name.
        index: the functions of this worker.
        otherwise: the runner for workflows that somebody wrote by hand.
        reporter: told when a run leaves the cache, as one does whose history does not fit the code.
    """

    def __init__(
        self,
        sources: Mapping[str, JobSource],
        index: FunctionIndex,
        otherwise: WorkflowRunner,
        reporter: Reporter,
    ) -> None:
        self._sources = sources
        self._index = index
        self._otherwise = otherwise
        self._unsandboxed = UnsandboxedWorkflowRunner()
        self.reporter = reporter
        # Here, since the threads that runs are advanced on do not inherit it.
        self._has_double = job_doubles()
        #: The runs in the cache of the worker.
        self._cached: weakref.WeakSet[_GuardedInstance] = weakref.WeakSet()
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
        instance = _GuardedInstance(inner, context, self.reporter)
        self._cached.add(instance)
        return instance

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


def _is_eviction(act: WorkflowActivation) -> bool:
    return any(job.HasField("remove_from_cache") for job in act.jobs)


def _is_news(job: Any) -> bool:
    """Return whether a job brings something into the run that stands in its history: a workflow task begins with it.

    The results of local steps come within one.
    """
    return not (
        (job.HasField("resolve_activity") and job.resolve_activity.is_local)
        or job.HasField("query_workflow")
        or job.HasField("remove_from_cache")
    )


class _GuardedInstance(WorkflowInstance):
    """One run in the cache of a worker. Side effects are refused while its handler is being advanced."""

    def __init__(self, inner: WorkflowInstance, context: RunContext, reporter: Reporter) -> None:
        self._inner = inner
        self._context = context
        self._reporter = reporter
        self._caught_up = False
        self._is_advanced = False
        self._is_dropped = False

    def activate(self, act: Any) -> Any:
        for job in act.jobs:
            if job.HasField("initialize_workflow"):
                # Only a single input is handed over as it came, so that one that is not JSON can fail the run.
                self._context.inputs = len(job.initialize_workflow.arguments)
                if self._context.inputs == 2:
                    self._context.carried = Payload()
                    self._context.carried.CopyFrom(job.initialize_workflow.arguments[1])
                del job.initialize_workflow.arguments[1:]
            elif job.HasField("remove_from_cache"):
                why = job.remove_from_cache
                self._is_dropped = True
                log_cut_off(self._inner.get_info(), why, has_ended=self._context.ended is not None)
                self._reporter.evicted(self._inner.get_info(), why, self._context, self._caught_up)
        if any(_is_news(job) for job in act.jobs):
            self._context.execution.task_began(act.timestamp.ToNanoseconds() / 1e9)
        self._caught_up = self._caught_up or not act.is_replaying
        completion = self._activate(act)
        blocked = self._context.execution.blocked
        if blocked is not None and not _is_eviction(act):
            # Whatever the handler has done since: nothing of it is recorded, and the run waits for code that fits.
            completion.failed.failure.message = str(blocked)
            completion.failed.force_cause = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR
        return completion

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
            return self._inner.activate(act)
        except RuntimeError:
            # "Eviction processed, but 1 tasks remain": the SDK would try again for ever, and the run stand still. It
            # is so after a workflow task that was cut off for taking too long: with it, what wakes a task can be lost.
            if not _is_eviction(act):
                raise
            with executing(self._context.execution):
                close_tasks(self._inner)
            return self._inner.activate(act)

    def get_serialization_context(self, command_info: Any) -> Any:
        return self._inner.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: Any) -> Any:
        return self._inner.get_external_store_context(command_info)

    def get_info(self) -> Any:
        return self._inner.get_info()

    def get_thread_id(self) -> int | None:
        return self._inner.get_thread_id()
