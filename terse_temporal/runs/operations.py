"""What `Run` is asked for, answered by a client: outside of runs, in steps, and in jobs that are not durable."""

from __future__ import annotations

import inspect
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, TypeVar

from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowHistoryEventFilterType,
)
from temporalio.exceptions import CancelledError
from temporalio.service import RPCError, RPCStatusCode

from ..engine.wire.run_exceptions import run_exception
from ..errors import ResultError, RunEndedError, RunNotFoundError
from ..execution.run_operations import RunInfo, RunQuery, RunReference, RunRequest, RunStatus
from ..execution.run_timeline import RunTimeline
from ..jobs.registry import registered_job
from ..jobs.run_results import typed_result
from ..serialization.json_text import Json
from ..serialization.serializer import shared_serializer
from .clients import client_here, task_queue_here
from .events import signal_event
from .history_tail import cancel_reason
from .listing import list_runs, run_info
from .reading import public_timeline, read_timeline
from .requests import request as ask
from .retrying import retry_run
from .starting import start_run

__all__ = ["ClientOperations"]

_T = TypeVar("_T")


class ClientOperations:
    """Starts a run and asks after it, by one client.

    Args:
        client: the client; `None` is the one that fits the place of the first call, see `clients.py`.
    """

    def __init__(self, client: Client | None) -> None:
        self._given = client
        self._used: Client | None = None

    async def start(self, request: RunRequest) -> RunReference:
        client = await self._client(request.job)
        queue = task_queue_here(request.task_queue, request.job, self._given)
        handle, is_new = await start_run(request, client, task_queue=queue, eagerly=True)
        run_id = handle.run_id or handle.result_run_id or handle.first_execution_run_id or ""
        return RunReference(handle.id, run_id, request.job, request.handler, is_new and bool(run_id))

    async def result(self, run: RunReference) -> Any:
        client = await self._client(run.job)
        while True:
            # Of one that was begun just now it would be a request more, for nothing.
            current_id = run.run_id if run.is_new else (await self._describe(run, client)).run_id
            run.is_new = False
            current = client.get_workflow_handle(run.id, run_id=current_id)
            try:
                data = await self._ask(run, client, current.result())
                break
            except WorkflowFailureError as error:
                # It may have been reset while it was waited for, or continued: then another run says how it ended.
                newest = await self._describe(run, client)
                if newest.run_id != current_id:
                    continue
                reason = await _cancel_reason(client, newest) if isinstance(error.cause, CancelledError) else ""
                raise run_exception(
                    error, job=run.job, id=run.id, run_id=newest.run_id, namespace=_namespace(run), reason=reason
                ) from error
            except (KeyError, RuntimeError) as error:  # how the SDK says that it cannot decode
                what = f"how the run {run.id!r} ended cannot be read by this client: {error}"
                raise ResultError(what) from error
        which = f"the run {run.id!r} of the job {run.job!r}"
        return typed_result(data, handler=_handler(run), run=which, serializer=shared_serializer)

    async def status(self, run: RunReference) -> RunStatus:
        client = await self._client(run.job)
        return run_info(await self._describe(run, client)).status

    async def timeline(self, run: RunReference) -> RunTimeline:
        client = await self._client(run.job)
        described = await self._describe(run, client)
        return public_timeline(await self._ask(run, client, read_timeline(client, described)))

    async def cancel(self, run: RunReference, reason: str) -> None:
        client = await self._client(run.job)
        handle = await self._handle(run, client)
        await self._end(run, client, handle.cancel(reason=reason))

    async def terminate(self, run: RunReference, reason: str) -> None:
        client = await self._client(run.job)
        handle = await self._handle(run, client)
        await self._end(run, client, handle.terminate(reason=reason or None))

    async def retry(self, run: RunReference) -> RunReference:
        client = await self._client(run.job)
        described = await self._describe(run, client)
        retrying = retry_run(client, run.id, described.run_id)
        run_id = await ask(retrying, f"the run {run.id!r} cannot be retried", client)
        return RunReference(run.id, run_id, run.job, run.handler)

    async def send(self, run: RunReference, name: str, data: Json, id: str | None) -> None:
        client = await self._client(run.job)
        while True:
            described = await self._describe(run, client)
            if described.status != WorkflowExecutionStatus.RUNNING:
                raise RunEndedError(
                    f"the event {name!r} was not sent: the run {run.id!r} of the job {described.workflow_type!r} has"
                    f" ended ({run_info(described).status})",
                    id=run.id,
                )
            try:
                await signal_event(client, run.id, described.run_id, name, data, id)
            except RPCError as error:
                if error.status != RPCStatusCode.NOT_FOUND:
                    raise
                continue  # it has ended in this moment, or is continued as another
            return

    async def list(self, query: RunQuery) -> AsyncIterator[RunInfo]:
        client = await self._client(query.job or "")
        async for info in list_runs(client, query):
            yield info

    async def _client(self, job: str) -> Client:
        # Kept: the worker in this process that it was of may have ended when the run is asked after.
        self._used = self._used or await client_here(self._given, job)
        return self._used

    async def _handle(self, run: RunReference, client: Client) -> WorkflowHandle[Any, Any]:
        """Return a handle of whichever run of the chain is the last."""
        described = await self._describe(run, client)
        first = described.raw_description.workflow_execution_info.first_run_id or described.run_id
        return client.get_workflow_handle(run.id, first_execution_run_id=first)

    async def _describe(self, run: RunReference, client: Client) -> WorkflowExecutionDescription:
        """Return how the last run of the chain stands, and fill in what is not known of the run.

        A run continues as another of the same id, by its author or by a reset. Another start of the id may have come
        after them all, of another chain.
        """
        newest = await self._ask(run, client, client.get_workflow_handle(run.id).describe())
        if not run.run_id:
            run.run_id = newest.run_id
        if not run.job:
            run.job = newest.workflow_type
        # Of one that has continued as new often, the server may have the first no longer.
        if run.run_id in (newest.run_id, _first(newest)):
            return newest
        ours = await self._ask(run, client, client.get_workflow_handle(run.id, run_id=run.run_id).describe())
        if _first(newest) == _first(ours):
            return newest
        while ours.status == WorkflowExecutionStatus.CONTINUED_AS_NEW:
            following = await self._next_run(run, client, ours.run_id)
            if following is None:
                break
            ours = await self._ask(run, client, client.get_workflow_handle(run.id, run_id=following).describe())
        return ours

    async def _next_run(self, run: RunReference, client: Client, run_id: str) -> str | None:
        handle = client.get_workflow_handle(run.id, run_id=run_id)
        async for event in handle.fetch_history_events(event_filter_type=WorkflowHistoryEventFilterType.CLOSE_EVENT):
            return event.workflow_execution_continued_as_new_event_attributes.new_execution_run_id or None
        return None

    async def _ask(self, run: RunReference, client: Client, call: Awaitable[_T]) -> _T:
        try:
            return await ask(call, f"the run {run.id!r} cannot be asked after", client)
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
            raise RunNotFoundError(run.id, f"in the namespace {client.namespace!r}") from error

    async def _end(self, run: RunReference, client: Client, call: Awaitable[None]) -> None:
        try:
            await ask(call, f"the run {run.id!r} cannot be ended", client)
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:  # it was there: it has ended
                raise


async def _cancel_reason(client: Client, described: WorkflowExecutionDescription) -> str:
    try:
        return await cancel_reason(client, described.id, described.run_id)
    except RPCError:  # that it was cancelled is to be told all the same
        return ""


def _first(described: WorkflowExecutionDescription) -> str:
    return described.raw_description.workflow_execution_info.first_run_id or described.run_id


def _handler(run: RunReference) -> Callable[..., Any] | None:
    """Return the job's function, where the job is known here."""
    job = registered_job(run.job)
    return run.handler or (job.handler if job is not None else None)


def _namespace(run: RunReference) -> Mapping[str, Any]:
    """Return the globals of the job's module, where that is here."""
    job = registered_job(run.job)
    if job is not None and (home := sys.modules.get(job._home)) is not None:
        return vars(home)
    return getattr(inspect.unwrap(run.handler), "__globals__", {}) if run.handler is not None else {}
