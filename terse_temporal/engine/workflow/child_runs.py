"""Runs that a durable handler starts and asks after: child workflows, and what else of runs is recorded.

A run that the handler has started is a child workflow, and its end comes to the parent by itself. One that was there
already, or that somebody else has started, is followed by an activity.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn, Protocol

from temporalio import workflow
from temporalio.common import RawValue, SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.common import WorkflowIDReusePolicy as Reuse
from temporalio.exceptions import ChildWorkflowError, FailureError, WorkflowAlreadyStartedError

from ...errors import InPlaceOnlyError, RunDepthError, RunExistsError
from ...execution.protocol import StepRequest
from ...execution.run_operations import IfExists, RunInfo, RunQuery, RunReference, RunRequest, RunStatus
from ...execution.run_timeline import RunTimeline
from ...jobs.run_results import typed_result
from ...serialization.json_text import Json
from ...serialization.serializer import Serializer
from ...serialization.wire_names import (
    DELAY_MEMO,
    DEPTH_MEMO,
    RUN_FIND,
    RUN_RESULT,
    SDK_REFERENCE,
    TAGS_ATTRIBUTE,
)
from ..code.followed_runs import find_run, read_outcome, run_result
from ..limits import DEEPEST_RUN, LONGEST_FOLLOW, OPEN_CHILDREN
from ..wire.payloads import in_order, json_text
from ..wire.run_exceptions import run_exception
from .cancelling import cancel_and_wait, wait_cancellation_completed, wait_uncancelled
from .commands import PendingCommands
from .events import RunEvents

__all__ = ["ChildRuns"]

#: What the server does where a workflow id was used before. A run that is open always stands in the way.
_REUSE: Final[dict[IfExists | None, Reuse]] = {
    None: Reuse.ALLOW_DUPLICATE,
    "attach": Reuse.REJECT_DUPLICATE,
    "fail": Reuse.REJECT_DUPLICATE,
    "rerun": Reuse.ALLOW_DUPLICATE,
}

_TAGS: Final = SearchAttributeKey.for_keyword_list(TAGS_ATTRIBUTE)


@dataclass(slots=True, eq=False)
class _ChildRun(RunReference):
    """A run that the handler has started itself.

    Attributes:
        handle: of the child workflow: a task that ends with it. `None` where it was started before this run was reset,
            and is followed.
        ends_with_caller: whether it is cancelled with the task that waits for it.
    """

    handle: workflow.ChildWorkflowHandle[Any, Any] | None = None
    ends_with_caller: bool = False


class _Handler(Protocol):
    """What is asked of the execution of the handler."""

    commands: PendingCommands
    namespace: Mapping[str, Any]
    serializer: Serializer
    events: RunEvents

    def child_key(self, job: str) -> str: ...
    async def wait_for_room(self, size: int) -> None: ...
    def call(self, request: StepRequest) -> Coroutine[Any, Any, Any]: ...


class ChildRuns:
    """What a durable handler does with runs: `RunOperations`, recorded.

    Args:
        execution: of the handler.
    """

    def __init__(self, execution: _Handler) -> None:
        self._execution = execution
        self._places = asyncio.Semaphore(OPEN_CHILDREN)
        #: The runs that the handler has started and not waited for, by run id: one may be found again by its key.
        self._own: dict[str, _ChildRun] = {}

    async def start(self, request: RunRequest) -> RunReference:
        """As `RunOperations` has it. When its task is cancelled, a run that was to be waited for ends first."""
        depth = self._next_depth(request)
        size = 0 if request.event is None else len(request.event.text)
        policy = Reuse.ALLOW_DUPLICATE_FAILED_ONLY if request.id is None else _REUSE[request.if_exists]
        # After a reset of this run it is the same, so that what has been started is found again.
        workflow_id = request.id or f"{request.job}-{self._execution.child_key(request.job)}"
        while (run := await self._start_or_attach(request, workflow_id, size, policy, depth)) is None:
            pass
        return run

    async def _start_or_attach(
        self, request: RunRequest, workflow_id: str, size: int, policy: Reuse, depth: int
    ) -> RunReference | None:
        """Return the run that is started, or was there; or `None` where it is to be started again."""
        run = _ChildRun(workflow_id, job=request.job, handler=request.handler, ends_with_caller=request.waits)
        await self._places.acquire()
        try:
            await self._execution.wait_for_room(size)
        except BaseException:
            self._places.release()
            raise
        # A task of its own: the SDK takes a cancelled start for one of the child's.
        starting = asyncio.ensure_future(self._start(request, run, policy, depth))
        starting.add_done_callback(self._started)
        try:
            await asyncio.shield(starting)
        except WorkflowAlreadyStartedError:
            return await self._attach(request, workflow_id)
        except asyncio.CancelledError:
            if request.waits:
                await wait_uncancelled(starting)
                if run.handle is not None:
                    await cancel_and_wait(run.handle)
                elif request.id is None and not starting.cancelled():  # it may be there
                    await self._end(workflow_id)
            raise
        return run

    def _next_depth(self, request: RunRequest) -> int:
        depth = workflow.memo_value(DEPTH_MEMO, None)
        above = depth if isinstance(depth, int) and 0 <= depth <= DEEPEST_RUN else 0
        if above >= DEEPEST_RUN:
            raise RunDepthError(
                f"the job {request.job!r} is started at {request.where} by a run that has {above} runs above it, each"
                f" started by the one before: no more than {DEEPEST_RUN} may be. A job that starts itself, or that"
                " comes back to itself by way of others, has to end somewhere; to go on for ever, let it loop, or be"
                " started by a schedule."
            )
        return above + 1

    async def _start(self, request: RunRequest, run: _ChildRun, policy: Reuse, depth: int) -> None:
        self._execution.commands.note("run", request.job, request.where)
        policies = workflow.ParentClosePolicy
        memo: dict[str, Any] = {DEPTH_MEMO: depth}
        if request.delay is not None:
            memo[DELAY_MEMO] = request.delay.total_seconds()
        converter = workflow.payload_converter()
        tags = TypedSearchAttributes([SearchAttributePair(_TAGS, list(request.tags))]) if request.tags else None
        run.handle = await workflow.start_child_workflow(
            request.job,
            args=[] if request.event is None else [in_order(request.event, converter)],
            id=run.id,
            task_queue=request.task_queue,
            result_type=RawValue,
            cancellation_type=workflow.ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
            parent_close_policy=policies.REQUEST_CANCEL if request.waits else policies.ABANDON,
            id_reuse_policy=policy,
            memo=memo,
            search_attributes=tags,
        )
        run.run_id = run.handle.first_execution_run_id or ""
        if not run.ends_with_caller:  # of which there may be thousands, and nobody has the id
            self._own[run.run_id] = run
        run.handle.add_done_callback(self._ended)

    def _started(self, starting: asyncio.Future[None]) -> None:
        if starting.cancelled() or starting.exception() is not None:
            self._places.release()

    def _ended(self, handle: asyncio.Future[Any]) -> None:
        self._places.release()
        if not handle.cancelled():
            handle.exception()  # looked at, so that nobody complains that it was not

    async def _attach(self, request: RunRequest, workflow_id: str) -> RunReference | None:
        # With an id that nobody else can have: started before this run was reset.
        ends_with_caller = request.id is None and request.waits
        try:
            found = await self._execution.call(_request(find_run, RUN_FIND, {"id": workflow_id}))
        except asyncio.CancelledError:
            if ends_with_caller:
                await self._end(workflow_id)
            raise
        run_id, job = str(found.get("run_id") or ""), str(found.get("job") or "")
        if request.id is not None and request.if_exists in (None, "fail"):
            raise RunExistsError(workflow_id, run_id, "there")
        if job != request.job:
            raise RunExistsError(workflow_id, run_id, f"there, of {job!r}")
        if ends_with_caller:
            run = _ChildRun(workflow_id, run_id, job, request.handler, ends_with_caller=True)
            if not found.get("cancelling"):
                return run
            await self._follow_to_the_end(run)  # cancelled by the end that this run had before it was reset
            return None
        return self._own.get(run_id) or RunReference(workflow_id, run_id, job, request.handler)

    def _follow(self, run: RunReference) -> Coroutine[Any, Any, Any]:
        return self._execution.call(_request(run_result, RUN_RESULT, {"id": run.id, "run_id": run.run_id}))

    async def _follow_to_the_end(self, run: RunReference) -> Any:
        """Follow a run that is cancelled with the task that waits, and has ended before that goes on."""
        following = asyncio.ensure_future(self._follow(run))
        try:
            return await asyncio.shield(following)
        except asyncio.CancelledError:
            await self._end(run.id, following)
            raise

    async def _end(self, id: str, following: asyncio.Future[Any] | None = None) -> None:
        """Cancel a run of the handler's own that was there, and wait for its end."""
        run = RunReference(id)  # whichever has the id: it may have been continued as new
        following = following or asyncio.ensure_future(self._follow(run))
        await wait_uncancelled(asyncio.ensure_future(self.cancel(run, "the run that waited for it was cancelled")))
        await wait_uncancelled(following)

    async def result(self, run: RunReference) -> Any:
        """As `RunOperations` has it."""
        if not isinstance(run, _ChildRun) or run.handle is None:
            wire = await (self._follow_to_the_end(run) if isinstance(run, _ChildRun) else self._follow(run))
            outcome = read_outcome(wire, workflow.payload_converter())
            if isinstance(outcome.failure, BaseException):
                raise self._exception(outcome.failure, run) from outcome.failure
            return self._load(run, None, outcome.result)
        try:
            if run.ends_with_caller:
                value = await wait_cancellation_completed(run.handle)
            else:
                value = await asyncio.shield(run.handle)
        except ChildWorkflowError as err:
            raise self._exception(err, run) from err
        converter = workflow.payload_converter()
        text = json_text(value.payload, converter)
        return self._load(run, text, None if text is not None else converter.from_payload(value.payload))

    def _exception(self, failure: BaseException, run: RunReference) -> BaseException:
        namespace = self._execution.namespace
        return run_exception(failure, job=run.job, id=run.id, run_id=run.run_id, namespace=namespace)

    def _load(self, run: RunReference, text: bytes | None, data: Any) -> Any:
        """Return a result in the type of the handler's return annotation.

        Args:
            text: as JSON, where it is at hand so; else `data`.
        """
        which = f"the run {run.id!r} of the job {run.job!r}"
        return typed_result(data, handler=run.handler, run=which, serializer=self._execution.serializer, text=text)

    async def cancel(self, run: RunReference, reason: str) -> None:
        """As `RunOperations` has it: the request is recorded."""
        if isinstance(run, _ChildRun) and run.handle is not None and run.handle.done():
            return
        try:
            await workflow.get_external_workflow_handle(run.id, run_id=run.run_id or None).cancel(reason=reason)
        except FailureError:
            # The server says the same of one that has ended as of one that has never been.
            await self._execution.call(_request(find_run, RUN_FIND, {"id": run.id}))

    async def send(self, run: RunReference, name: str, data: Json, id: str | None) -> None:
        """As `RunOperations` has it: the event is recorded, and goes to whichever run of its chain is the last."""
        await self._execution.events.send_to_run(run.id, name, data, id)

    async def status(self, run: RunReference) -> RunStatus:
        """Refuse it: what it says differs between a run and its replay."""
        _only_elsewhere("status")

    async def timeline(self, run: RunReference) -> RunTimeline:
        """Refuse it, likewise."""
        _only_elsewhere("timeline")

    async def terminate(self, run: RunReference, reason: str) -> None:
        """Refuse it, likewise."""
        _only_elsewhere("terminate")

    async def retry(self, run: RunReference) -> RunReference:
        """Refuse it, likewise."""
        _only_elsewhere("retry")

    def list(self, query: RunQuery) -> AsyncIterator[RunInfo]:
        """Refuse it, likewise."""
        _only_elsewhere("list_runs")


def _request(function: Callable[..., Any], name: str, arguments: dict[str, Any]) -> StepRequest:
    return StepRequest(
        function,
        name,
        LONGEST_FOLLOW,
        "retry",
        arguments=arguments,
        reference=f"{SDK_REFERENCE}{name}",
        as_json=True,
    )


def _only_elsewhere(method: str) -> NoReturn:
    raise InPlaceOnlyError(
        f"{method}() was called in the handler of a durable job. What it does is not recorded, and would be another on"
        " a replay: make the call in a step, in a job that is not durable, or in a script."
    )
