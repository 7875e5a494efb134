"""State on Temporal itself: a workflow for each job holds it (`workflow.py`), and this is its client.

A write is an update that starts the workflow if there is none, and a read is a query.

A workflow takes ten updates at a time, and one query while it is at work on them. So writes of one state that this
worker has under way are counted, and reads that come while one is under way go together in the next. What is refused
nevertheless, because of other workers, is tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from weakref import WeakValueDictionary

from temporalio.client import (
    Client,
    RPCTimeoutOrCancelledError,
    WithStartWorkflowOperation,
    WorkflowExecutionStatus,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
)
from temporalio.common import QueryRejectCondition, WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from ...errors import StateError, StateValueError, TransientError
from ...execution.backoff import Backoff
from ...serialization.json_text import encoded_size, fresh, json_of
from ...serialization.wire_names import STATE_ID_PREFIX, STATE_READ_QUERY, STATE_WORKFLOW, STATE_WRITE_UPDATE
from ...state import StateId, Stored
from ..limits import OWN_TASK_TIMEOUT
from ..wire.payloads import in_order
from ..wire.workflow_ids import escape_name
from .table import MAX_STATE_BYTES, TABLE_VERSION, size_of_entry
from .workflow import state_input

__all__ = ["TemporalStore", "state_workflow_id"]

#: Writes of one state that a worker has under way: two workers together stay under the server's ten
#: (`history.maxInFlightUpdates`).
_WRITES_AT_ONCE: Final = 5

#: How long a call is tried again here, in seconds. The step that it is in is tried again after that.
_PATIENCE: Final = 60.0

#: What passes: the workflow is busy, is just continuing as new, has not begun yet, or the server is not there.
_PASSING: Final = frozenset(
    [
        RPCStatusCode.ABORTED,
        RPCStatusCode.CANCELLED,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.FAILED_PRECONDITION,
        RPCStatusCode.INTERNAL,
        RPCStatusCode.NOT_FOUND,
        RPCStatusCode.RESOURCE_EXHAUSTED,
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.UNKNOWN,
    ]
)

#: Values that this worker has just written, so that the next update of the same key need not read: how many, and up to
#: how large.
_SEEN: Final = 1_000
_SEEN_BYTES: Final = 16 * 1024


#: The version of no value: an update of it is refused, unless it has been made.
_NEVER: Final = ""


def state_workflow_id(of: StateId) -> str:
    """Return the id of the workflow that holds a state.

    It is `terse-state:<task queue>:<job>`, with `%` and `:` in names escaped.
    """
    return ":".join([STATE_ID_PREFIX, escape_name(of.task_queue), escape_name(of.job)])


class _Conflict(Exception):  # noqa: N818  # not an error: the update is computed again
    """Another write came between."""


class TemporalStore:
    """Keeps the state of jobs on the Temporal server that runs them.

    Args:
        client: gives the client to use, asked for every call, because a worker's may be replaced.
        patience: how long, in seconds, what is refused for now is tried again.

    All values of one job together have 1 MiB at most. The keys of some 3,500 writes are kept.
    """

    def __init__(self, client: Callable[[], Client], *, patience: float = _PATIENCE) -> None:
        self._client = client
        self._patience = patience
        self._writing: WeakValueDictionary[StateId, asyncio.Semaphore] = WeakValueDictionary()
        self._reading: WeakValueDictionary[StateId, asyncio.Lock] = WeakValueDictionary()
        self._next_read: dict[StateId, _Read] = {}
        #: Version and value, as this worker's last update of a key has made it.
        self._seen: dict[tuple[StateId, str], tuple[str, Any]] = {}

    async def get(self, of: StateId, key: str) -> Stored | None:
        found = await self._read(of, key)
        return None if found is None else Stored(fresh(found[1]))

    async def items(self, of: StateId) -> dict[str, Any]:
        return {key: entry[1] for key, entry in (await self._query(of, None)).items()}

    async def set(self, of: StateId, key: str, value: Any, *, write: str) -> None:
        self._seen.pop((of, key), None)
        call = {"op": "set", "write": write, "key": key, "value": value}
        _check_size(of, call)
        await self._write(of, call)

    async def delete(self, of: StateId, key: str, *, write: str) -> None:
        self._seen.pop((of, key), None)
        await self._write(of, {"op": "delete", "write": write, "key": key})

    async def update(
        self, of: StateId, key: str, change: Callable[[Stored | None], Awaitable[Any]], *, write: str
    ) -> Any:
        backoff = Backoff(first=0.01, longest=0.2)
        while True:
            # Taken out: whatever comes of the write, the value will be another.
            seen = self._seen.pop((of, key), None)
            found = seen or await self._read(of, key)
            call: dict[str, Any] = {"op": "update", "write": write, "key": key}
            try:
                # Its own: it may change what it is given, which other reads have been answered with.
                value = await change(None if found is None else Stored(fresh(found[1])))
                call |= {"value": value, "base": None if found is None else found[0]}
                _check_size(of, call)
            except Exception:
                if seen is not None:
                    continue  # with a value that may be of before another worker's write, nothing is said by it
                try:
                    # The write may have been made by an attempt before, and the value be one that it is not for.
                    return (await self._write(of, {**call, "value": None, "base": _NEVER}))["value"]
                except _Conflict:
                    pass
                raise
            try:
                answer = await self._write(of, call)
            except _Conflict:
                await backoff.wait()
                continue
            if answer["value"] == value and encoded_size(value) <= _SEEN_BYTES:
                if len(self._seen) >= _SEEN:
                    self._seen.clear()
                self._seen[of, key] = (write, answer["value"])
            return answer["value"]

    async def _read(self, of: StateId, key: str) -> tuple[str, Any] | None:
        """Read a key with all others that are asked for before the query is sent."""
        read = self._next_read.get(of)
        if read is None:
            read = self._next_read[of] = _Read()
            read.task = asyncio.create_task(self._read_batch(of, read))
            # Looked at, also when whoever waited has gone, so that nobody complains that it was not.
            read.task.add_done_callback(lambda task: task.cancelled() or task.exception())
        read.keys.add(key)
        # Shielded: whoever waits for it is not the only one.
        return (await asyncio.shield(read.task)).get(key)

    async def _read_batch(self, of: StateId, read: _Read) -> Mapping[str, tuple[str, Any]]:
        async with self._reading.setdefault(of, asyncio.Lock()):
            # From here on it would not see what was written before it was asked for.
            del self._next_read[of]
            return await self._query(of, sorted(read.keys))

    async def _query(self, of: StateId, keys: list[str] | None) -> dict[str, tuple[str, Any]]:
        async def ask() -> dict[str, tuple[str, Any]]:
            handle = self._client().get_workflow_handle(state_workflow_id(of))
            try:
                found = await handle.query(
                    STATE_READ_QUERY, keys, result_type=dict, reject_condition=QueryRejectCondition.NOT_OPEN
                )
            except WorkflowQueryRejectedError as rejected:
                if rejected.status == WorkflowExecutionStatus.CONTINUED_AS_NEW:
                    raise _RetryError("it is continuing as new") from None
                return {}  # somebody has ended it, and with it the state
            except WorkflowQueryFailedError as err:
                raise _RetryError(f"the worker that was asked cannot tell: {err}") from None
            except RPCError as err:
                if err.status == RPCStatusCode.NOT_FOUND:
                    return {}
                raise
            return {str(key): (str(entry[0]), entry[1]) for key, entry in found.items()}

        return await self._tried(of, ask)

    async def _write(self, of: StateId, write: Mapping[str, Any]) -> dict[str, Any]:
        async def send() -> dict[str, Any]:
            start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
                STATE_WORKFLOW,
                state_input(),
                id=state_workflow_id(of),
                task_queue=of.task_queue,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                task_timeout=OWN_TASK_TIMEOUT,
                static_summary="the state of a job",
            )
            try:
                client = self._client()
                answer: dict[str, Any] = await client.execute_update_with_start_workflow(
                    STATE_WRITE_UPDATE,
                    in_order(json_of({"v": TABLE_VERSION, **write}), client.data_converter.payload_converter),
                    # Not the write's key alone: the server would answer an update that was computed anew with what it
                    # answered before, that another had come between. The workflow knows the keys it has applied.
                    id=f"{write['write']}-{uuid.uuid4().hex[:8]}",
                    result_type=dict,
                    start_workflow_operation=start,
                )
            except (RPCError, RPCTimeoutOrCancelledError):
                # The SDK keeps the same error there, and would log that nobody has asked for it.
                with contextlib.suppress(RPCError, RPCTimeoutOrCancelledError, TimeoutError):
                    async with asyncio.timeout(1):
                        await start.workflow_handle()
                raise
            except WorkflowUpdateFailedError as failed:
                # Somebody has ended the workflow when it had just taken the write.
                raise _RetryError(str(failed.cause)) from None
            if "refused" in answer:
                raise _conflict_error(of, write, answer)
            return answer

        async with self._writing.setdefault(of, asyncio.Semaphore(_WRITES_AT_ONCE)):
            return await self._tried(of, send)

    async def _tried(self, of: StateId, call: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
        """Make a call again for as long as it is refused for now."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._patience
        backoff = Backoff(first=0.02, until=until)
        while True:
            problem = ""
            try:
                async with asyncio.timeout_at(until):
                    return await call()
            except RPCTimeoutOrCancelledError as err:
                if _is_cancelled():  # the SDK has made this of it
                    raise asyncio.CancelledError from None
                problem = str(err.__cause__ or err)
            except TimeoutError:
                pass
            except _RetryError as again:
                problem = str(again)
            except RPCError as err:
                if err.status not in _PASSING:
                    raise
                problem = err.message
            if not await backoff.wait():
                problem = problem.strip() or f"no worker of the task queue {of.task_queue!r} has answered"
                raise TransientError(
                    f"the state of the job {of.job!r}, which the workflow {state_workflow_id(of)!r} holds, could not be"
                    f" had for {self._patience:g} seconds: {problem}"
                )


class _Read:
    """Keys that are read together."""

    def __init__(self) -> None:
        self.keys: set[str] = set()
        self.task: asyncio.Task[Mapping[str, tuple[str, Any]]]


class _RetryError(Exception):
    """It is refused for now."""


def _check_size(of: StateId, write: Mapping[str, Any]) -> None:
    """Refuse a value that is too large by itself: one far larger fails the workflow task that is to answer with it."""
    size = size_of_entry(write["key"], write["value"])
    if size > MAX_STATE_BYTES:
        raise _conflict_error(of, write, {"refused": "size", "bytes": size})


def _conflict_error(of: StateId, write: Mapping[str, Any], answer: Mapping[str, Any]) -> Exception:
    if answer["refused"] == "conflict":
        return _Conflict()
    if answer["refused"] == "size":
        return StateValueError(
            f"state.{write['op']}({write['key']!r}) in the job {of.job!r}: its value is"
            f" {encoded_size(write['value']):,} bytes. With it the state would have {answer['bytes']:,} bytes, and on"
            f" Temporal it has {MAX_STATE_BYTES:,} at most. Keep large values elsewhere, and in the state where they"
            " are; or keep the state in a database: set TERSE_STATE."
        )
    if answer["refused"] == "malformed":
        return StateError(f"the state of the job {of.job!r} does not take state.{write['op']}({write['key']!r})")
    return _RetryError("the worker that was asked is of another version of the package")


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
