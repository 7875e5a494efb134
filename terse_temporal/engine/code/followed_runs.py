"""What a durable handler asks of runs that it has not started: functions that are run as steps, by a client.

What a run has come to is `{"result": …}`, or `{"failure": …}` with the failure as Temporal's API writes it to JSON: the
step ends well in both, and the handler makes an exception of it as of that of a child run.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.json_format import MessageToDict, ParseDict
from temporalio import activity
from temporalio.api.failure.v1 import Failure
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError, WorkflowHandle
from temporalio.converter import DefaultFailureConverter, PayloadConverter
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from ...errors import RunNotFoundError
from ...serialization.payload_limits import LARGEST_RECORDED

__all__ = ["Outcome", "find_run", "read_outcome", "run_result", "run_results"]

#: What a server says that is there again in a moment, and how many seconds to wait for that.
_PASSING: Final = frozenset(
    [RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.RESOURCE_EXHAUSTED]
)
_ASK_AGAIN_AFTER: Final = 2.0

#: Runs whose end is waited for at a time, where there are more, and for how many seconds.
_ASKED_AT_ONCE: Final = 100
_TURN: Final = 2.0

#: How a run stands that is being cancelled, or just was; by whether it was asked to end so.
_CANCELLING: Final = {
    True: (WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.CANCELED),
    False: (WorkflowExecutionStatus.CANCELED,),
}


async def find_run(id: str) -> dict[str, Any]:
    """Return which run a workflow id has: the one that is open, or was last; and whether it is, or was, cancelled."""
    while True:
        try:
            described = await _handle(id, "").describe()
        except RPCError as err:
            await _wait_or_raise(err, id)
        else:
            found: dict[str, Any] = {"run_id": described.run_id, "job": described.workflow_type}
            asked = described.raw_description.workflow_extended_info.cancel_requested
            if described.status in _CANCELLING[asked]:
                found["cancelling"] = True
            return found


async def run_result(id: str, run_id: str) -> dict[str, Any]:
    """Wait for the end of a run, and return what it has come to."""
    converter = activity.payload_converter()
    while True:
        try:
            return _outcome(await _handle(id, run_id).result(), None, converter)
        except WorkflowFailureError as failed:
            return _outcome(None, failed.cause, converter)
        except RPCError as err:
            await _wait_or_raise(err, id)


async def run_results(runs: Sequence[tuple[int, str, str]]) -> dict[str, Any]:
    """Wait until one of some runs has ended, and return what those have come to that have. A worker that ends does not
    wait for that: whoever asks then asks another.

    Args:
        runs: each with a number of the caller's, its workflow id and its run id.
    """
    while True:
        for first in range(0, len(runs), _ASKED_AT_ONCE):
            some = runs[first : first + _ASKED_AT_ONCE]
            ended = await _ended(some, _TURN if len(runs) > _ASKED_AT_ONCE else None)
            if ended or activity.is_worker_shutdown():
                return {"ended": list(_with_room(ended))}


async def _ended(runs: Sequence[tuple[int, str, str]], seconds: float | None) -> list[tuple[int, dict[str, Any]]]:
    """Return what those have come to that have ended, as soon as one has; none when time is up, or the worker ends."""
    waiting = {asyncio.ensure_future(_result_or_missing(name, run_id)): number for number, name, run_id in runs}
    ending = asyncio.ensure_future(activity.wait_for_worker_shutdown())
    try:
        await asyncio.wait([*waiting, ending], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return [(number, task.result()) for task, number in waiting.items() if task.done()]
    finally:
        for task in (*waiting, ending):
            task.cancel()
        await asyncio.gather(*waiting, ending, return_exceptions=True)


async def _result_or_missing(id: str, run_id: str) -> dict[str, Any]:
    try:
        return await run_result(id, run_id)
    except RunNotFoundError as err:  # deleted, while nobody followed it
        missing = ApplicationError(str(err), type=type(err).__name__, non_retryable=True)
        return _outcome(None, missing, activity.payload_converter())


def _with_room(ended: Sequence[tuple[int, dict[str, Any]]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield what fits into one result, and one at least; others are found ended again."""
    left = LARGEST_RECORDED // 2
    for place, (number, outcome) in enumerate(ended):
        left -= len(json.dumps(outcome))
        if place and left < 0:
            return
        yield number, outcome


def _handle(id: str, run_id: str) -> WorkflowHandle[Any, Any]:
    return activity.client().get_workflow_handle(id, run_id=run_id or None)


async def _wait_or_raise(error: RPCError, id: str) -> None:
    if error.status == RPCStatusCode.NOT_FOUND:
        raise RunNotFoundError(id, f"in the namespace {activity.client().namespace!r}") from None
    if error.status not in _PASSING:
        raise error
    await asyncio.sleep(_ASK_AGAIN_AFTER)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run has ended: with a result, as JSON, or a failure."""

    result: Any = None
    failure: BaseException | None = None


def _outcome(result: Any, failure: BaseException | None, converter: PayloadConverter) -> dict[str, Any]:
    """Return an outcome as JSON."""
    if failure is None:
        return {"result": result}
    written = Failure()
    DefaultFailureConverter().to_failure(failure, converter, written)
    return {"failure": MessageToDict(written)}


def read_outcome(wire: Mapping[str, Any], converter: PayloadConverter) -> Outcome:
    """Return the outcome that was recorded."""
    if "failure" not in wire:
        return Outcome(wire.get("result"))
    failure = ParseDict(wire["failure"], Failure(), ignore_unknown_fields=True)
    return Outcome(failure=DefaultFailureConverter().from_failure(failure, converter))
