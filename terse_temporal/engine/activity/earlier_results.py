"""What steps of a run had come to before it was retried.

A retried run is reset to the workflow task that asked for the step which failed. What that task asked for beside it,
and what was open then, may have finished since; the server forgets that, and has all of it run again. So a step of such
a run is first looked for in the run that it was forked off, by its idempotency key. Where it has ended there, that is
what it comes to here, and its function is not called.

Tried and left: to reset to a later point, since then the failure is in the history; and to hand the results over with
the reset, as signals: what is open at the point is run before the run could take them, and they are megabytes.

- Steps that had failed are run again: those that failed the run (`wire/reset_points.py`), and others, as two that fail
  for one reason would otherwise take two retries. One that runs at most once stays failed, unless it failed the run.
- A key stands for the same call where what the call is given is the same. What depends on the time or on chance is
  given anew, so it also does for whatever was asked for before the handler was told of the failure, and cannot depend
  on that. Of what was asked for later nobody knows: given something else, it is run again, with its key. Steps of one
  name that are now asked for in another order have changed keys: they are known by what they are given.
- A call that runs at most once and had begun is interrupted, until a person retries the run for its sake.

Only `retry` says in its reset that it means this. One that is made by hand has done again what it says is to be.

Costs two histories for each run and worker, read once: that of the run up to where it was forked off, and the one of
the run before.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from temporalio import activity
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client
from temporalio.common import RawValue
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from ...serialization.wire_names import RETRY_REASON
from ..wire.calls import StepCall, read_call
from ..wire.failures import SentFailureError
from ..wire.history import RunHistory
from ..wire.inputs_check import add_check_to_failure, failure_check, given_of_check, result_check, with_check
from ..wire.local_steps import key_metadata, key_of
from ..wire.records import StepRecord
from ..wire.reset_points import reset_point
from .at_most_once import activity_converter, interrupted

__all__ = ["EarlierResults"]

#: Runs of which a worker keeps what it has read: what steps had come to behind the point, which is mostly little. They
#: are read again when they come to it later.
_MOST_RUNS: Final = 256

#: Retries of one run that are looked into, the last ones.
_MOST_RETRIES: Final = 20


@dataclass(frozen=True, slots=True)
class _Earlier:
    """A step of the run before.

    Attributes:
        step: as it is recorded.
        given: what stands in its check for what it was given.
        may_depend: whether the handler had been told of the failure when it asked for the step.
        again: whether it is to be run again.
    """

    step: StepRecord
    given: str
    may_depend: bool
    again: bool


@dataclass(frozen=True, slots=True)
class _Recorded:
    """The call that a step was, as far as its history says."""

    key: str
    check: str
    once: bool


class _Steps:
    """What had ended in the runs before one that was retried."""

    def __init__(self) -> None:
        self._by_key: dict[str, _Earlier] = {}
        self._by_given: dict[tuple[str, str], _Earlier] = {}

    def add(self, key: str, earlier: _Earlier) -> None:
        """Take in a step, where a later run does not say something else of it."""
        self._by_key.setdefault(key, earlier)
        self._by_given.setdefault((earlier.step.name, earlier.given), earlier)

    def find(self, name: str, call: StepCall) -> StepRecord | None:
        """Return the step that stands for a call, or `None` where it is to be run."""
        given = given_of_check(call.check)
        earlier = self._by_key.get(call.key)
        if earlier is not None and earlier.given != given:
            swapped = self._by_given.get((name, given))
            earlier = swapped or (None if earlier.may_depend else earlier)
        return None if earlier is None or earlier.again else earlier.step


class EarlierResults:
    """What a worker knows of runs that were retried."""

    def __init__(self) -> None:
        self._of_run: OrderedDict[str, asyncio.Task[_Steps]] = OrderedDict()

    async def of(self, call: StepCall, info: activity.Info) -> RawValue | None:
        """Return the result of a step whose run was retried, or `None` where it is to be run.

        Raises:
            SentFailureError: what it failed with, or that it was interrupted.
            RPCError: the server cannot be asked.
        """
        run_id = info.workflow_run_id or ""
        if call.of_run in ("", run_id):
            return None
        steps = await self._steps(info.workflow_id or "", run_id)
        step = steps.find(info.activity_type, call)
        if step is None:
            return None
        converter = activity_converter(info)
        if step.outcome == "completed":
            payloads = list(step.result)
            decoded = await converter.payload_codec.decode(payloads) if converter.payload_codec else payloads
            if not decoded:
                return None
            result = with_check(decoded[0], call.check)
            if info.is_local:
                result.metadata.update(key_metadata(call.key))
            return RawValue(result)
        if step.failure is not None and step.failure.HasField("application_failure_info"):
            raise await _as_it_failed(step, call, converter)
        raise interrupted("it had begun in the run before this was retried, and was ended with it", final=True)

    async def _steps(self, workflow_id: str, run_id: str) -> _Steps:
        reading = self._of_run.get(run_id)
        if reading is None or (reading.done() and (reading.cancelled() or reading.exception() is not None)):
            reading = asyncio.ensure_future(_read_steps(activity.client(), workflow_id, run_id))
            reading.add_done_callback(_look_at_its_error)
            self._of_run[run_id] = reading
        self._of_run.move_to_end(run_id)
        while len(self._of_run) > _MOST_RUNS:
            self._of_run.popitem(last=False)
        # Another step may wait for it too when this one is cancelled.
        return await asyncio.shield(reading)


def _look_at_its_error(reading: asyncio.Task[_Steps]) -> None:
    """Let nobody complain of an error for which no step waits any more."""
    if not reading.cancelled():
        reading.exception()


async def _as_it_failed(step: StepRecord, call: StepCall, converter: DataConverter) -> SentFailureError:
    assert step.failure is not None
    error = await converter.decode_failure(step.failure)
    assert isinstance(error, ApplicationError)
    failure = SentFailureError(error.message, *error.details, type=error.type, non_retryable=True)
    failure.__cause__ = error.__cause__
    add_check_to_failure(failure, call.check)
    return failure


async def _read_steps(client: Client, workflow_id: str, run_id: str) -> _Steps:
    found = _Steps()
    fork = await _fork(client, workflow_id, run_id)
    for _ in range(_MOST_RETRIES):
        if fork is None:
            break
        base = fork.workflow_task_failed_event_attributes.base_run_id
        try:
            history = await client.get_workflow_handle(workflow_id, run_id=base).fetch_history()
        except RPCError as err:
            if err.status != RPCStatusCode.NOT_FOUND:
                raise
            break  # the server keeps it no longer
        recorded = RunHistory(history.events)
        await _add_steps(found, recorded, fork.event_id, client)
        fork = _own_fork(recorded.resets, base)
    return found


async def _fork(client: Client, workflow_id: str, run_id: str) -> HistoryEvent | None:
    """Return the event at which a run was forked off another one to be retried."""
    async for event in client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history_events():
        if event.workflow_execution_started_event_attributes.original_execution_run_id == run_id:
            return None  # it was not reset: it has continued as new by itself, and so has another id than its calls say
        if event.workflow_task_failed_event_attributes.new_run_id == run_id:
            return _own_fork([event], run_id)
    return None


def _own_fork(resets: list[HistoryEvent], run_id: str) -> HistoryEvent | None:
    for event in reversed(resets):
        failed = event.workflow_task_failed_event_attributes
        if failed.new_run_id == run_id:
            return event if RETRY_REASON in failed.failure.message else None
    return None


async def _add_steps(found: _Steps, recorded: RunHistory, fork: int, client: Client) -> None:
    """Take in what had ended beyond an event."""
    point = await reset_point(recorded, client.data_converter)
    for step in recorded.steps:
        if 0 < step.ended_by < fork:
            continue
        call = await _recorded_call(step, client.data_converter)
        if call is None:
            continue
        again = step.event_id in point.causes
        # Of one that was open to the last nobody knows whether it had begun.
        was_begun = step.outcome in ("open", "failed") or step.was_begun
        if again or step.outcome == "completed" or (call.once and was_begun):
            may_depend = recorded.tasks[step.event_id] >= point.told
            found.add(call.key, _Earlier(_without_history(step), given_of_check(call.check), may_depend, again))


def _without_history(step: StepRecord) -> StepRecord:
    """Return a step that holds no more than what it came to. Any part of a message keeps all that was read with it."""
    result = [Payload.FromString(each.SerializeToString()) for each in step.result]
    failure = None if step.failure is None else Failure.FromString(step.failure.SerializeToString())
    return replace(step, input=(), summary=None, result=result, failure=failure)


async def _recorded_call(step: StepRecord, converter: DataConverter) -> _Recorded | None:
    with suppress(Exception):  # no call of ours, or one that cannot be read here
        if step.input:
            (wire,) = await converter.decode(step.input)
            call = read_call(wire)
            return _Recorded(call.key, call.check, call.once) if isinstance(call, StepCall) else None
        return await _recorded_local_call(step, converter)
    return None


async def _recorded_local_call(step: StepRecord, converter: DataConverter) -> _Recorded | None:
    if step.outcome == "completed":
        encoded = list(step.result)
        result = await converter.payload_codec.decode(encoded) if converter.payload_codec else encoded
        key, check = key_of(result, ()), result_check(result[0])
    elif step.failure is not None:
        failure = await converter.decode_failure(Failure.FromString(step.failure.SerializeToString()))
        assert isinstance(failure, ApplicationError)
        key, check = key_of((), failure.details), failure_check(failure)
    else:
        return None
    return _Recorded(key, check, once=False) if key else None
