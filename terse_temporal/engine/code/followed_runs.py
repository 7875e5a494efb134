"""What a durable handler asks of runs that it has not started: functions that are run as steps, by a client."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from temporalio import activity
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from ...errors import RunNotFoundError
from ..wire.followed_runs import write_outcome

__all__ = ["find_run", "run_result"]

#: What a server says that is there again in a moment, and how many seconds to wait for that.
_PASSING: Final = frozenset([RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.RESOURCE_EXHAUSTED])
_ASK_AGAIN_AFTER: Final = 2.0


async def find_run(id: str) -> dict[str, Any]:
    """Return which run a workflow id has: the one that is open, or was last."""
    while True:
        try:
            described = await _handle(id, "").describe()
        except RPCError as err:
            await _wait_or_raise(err, id)
        else:
            return {"run_id": described.run_id, "job": described.workflow_type}


async def run_result(id: str, run_id: str) -> dict[str, Any]:
    """Wait for the end of a run, and return what it has come to, see `wire/followed_runs.py`."""
    converter = activity.payload_converter()
    while True:
        try:
            return write_outcome(await _handle(id, run_id).result(), None, converter)
        except WorkflowFailureError as failed:
            return write_outcome(None, failed.cause, converter)
        except RPCError as err:
            await _wait_or_raise(err, id)


def _handle(id: str, run_id: str) -> WorkflowHandle[Any, Any]:
    return activity.client().get_workflow_handle(id, run_id=run_id or None)


async def _wait_or_raise(error: RPCError, id: str) -> None:
    if error.status == RPCStatusCode.NOT_FOUND:
        raise RunNotFoundError(id, f"in the namespace {activity.client().namespace!r}") from None
    if error.status not in _PASSING:
        raise error
    await asyncio.sleep(_ASK_AGAIN_AFTER)
