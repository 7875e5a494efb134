"""Changing runs that are there: each function changes one, and returns what it did."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from temporalio.api.history.v1 import WorkflowExecutionStartedEventAttributes
from temporalio.client import Client
from temporalio.converter import decode_typed_search_attributes
from temporalio.service import RPCError, RPCStatusCode

from ..diagnostics.text import did_you_mean
from ..errors import ServerUnavailableError, TerseError
from ..execution.run_operations import RunInfo
from ..jobs.run_requests import run_request
from ..jobs.runs import get_run
from ..serialization.wire_names import SCHEDULE_MEMO
from .first_event import started_with
from .memo import read_memo
from .starting import Scheduled, start_run
from .wait_texts import fit_text

__all__ = ["Change", "ChangeRun", "cancel_run", "change_runs", "rerun_run", "send_to_run", "terminate_run"]

#: By these the server says which schedule started a run, and when it was due.
_OF_SCHEDULES: Final = ("TemporalScheduledById", "TemporalScheduledStartTime")

#: Runs that are changed at once.
_AT_ONCE: Final = 10


@dataclass(frozen=True)
class Change:
    """What became of one run.

    Attributes:
        id, run_id: of the run.
        done: whether what was asked for was done.
        what: in words.
        new_id, new_run_id: of the run that was started in its place.
    """

    id: str
    run_id: str
    done: bool
    what: str
    new_id: str = ""
    new_run_id: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        found = {"id": self.id, "run_id": self.run_id, "done": self.done, "what": self.what}
        return found | ({"new_id": self.new_id, "new_run_id": self.new_run_id} if self.new_id else {})


#: What changes one run.
ChangeRun = Callable[[Client, RunInfo], Awaitable[Change]]


async def change_runs(
    client: Client, runs: Sequence[RunInfo], change: ChangeRun, told: list[Change] | None = None
) -> list[Change]:
    """Change runs, ten at a time, and return what became of each; what fails for one does not keep the others.

    Args:
        client: of the server.
        runs: they.
        change: what is done with each.
        told: is added what became of each as soon as it is known, for who is interrupted meanwhile.
    """
    places = asyncio.Semaphore(_AT_ONCE)
    is_gone = False

    async def one(run: RunInfo) -> Change:
        nonlocal is_gone
        async with places:
            try:
                # Each request is tried for ten seconds: a thousand runs would take a quarter of an hour.
                if is_gone:
                    changed = Change(run.id, run.run_id, done=False, what="is left as it is: the server is gone")
                else:
                    changed = await change(client, run)
            except ServerUnavailableError as err:
                is_gone = True
                changed = Change(run.id, run.run_id, done=False, what=str(err))
            except RPCError as err:
                is_gone = is_gone or err.status == RPCStatusCode.UNAVAILABLE
                changed = Change(run.id, run.run_id, done=False, what=f"the server refuses it: {err.message}")
            except TerseError as err:
                changed = Change(run.id, run.run_id, done=False, what=str(err))
        if told is not None:
            told.append(changed)
        return changed

    return await asyncio.gather(*map(one, runs))


async def cancel_run(client: Client, run: RunInfo, reason: str = "") -> Change:
    """Ask a run to end: its handler is cancelled, and may tidy up."""
    handle = client.get_workflow_handle(run.id, run_id=run.run_id)
    return await _end(run, handle.cancel(reason=reason), "is asked to cancel")


async def terminate_run(client: Client, run: RunInfo, reason: str = "") -> Change:
    """End a run at once; nothing of its handler runs any more."""
    handle = client.get_workflow_handle(run.id, run_id=run.run_id)
    return await _end(run, handle.terminate(reason=reason or None), "is terminated")


async def _end(run: RunInfo, request: Awaitable[None], what: str) -> Change:
    try:
        await request
    except RPCError as err:
        if err.status != RPCStatusCode.NOT_FOUND:
            raise
        return Change(run.id, run.run_id, done=False, what="has ended before: it is left as it is")
    # The server takes a request to cancel for what has ended, too.
    if run.status != "running":
        how = run.status.replace("_", " ")
        return Change(run.id, run.run_id, done=False, what=f"has ended before, {how}: it is left as it is")
    return Change(run.id, run.run_id, done=True, what=what)


async def send_to_run(client: Client, run: RunInfo, name: str, data: Any, event_id: str | None = None) -> Change:
    """Send a run an event, which it keeps until its handler waits for it."""
    awaited = await _awaited_events(client, run.id)  # before it is sent: what is waited for may change by it
    await get_run(run.id, client=client).send(name, data, id=event_id)
    what = f"is sent {name!r}"
    if awaited and name not in awaited:
        others = fit_text(", ".join(map(repr, awaited)))
        what += f", and keeps it until it waits for that; now it waits for {others}{did_you_mean(name, awaited)}"
    return Change(run.id, run.run_id, done=True, what=what)


async def _awaited_events(client: Client, id: str) -> list[str]:
    """Return the names of the events that a run says it waits for: none too where it says nothing that can be read."""
    with suppress(RPCError):
        described = (await client.get_workflow_handle(id).describe()).raw_description
        _, waiting = await read_memo(client, described.workflow_execution_info.memo.fields)
        names = [each.get("event") for each in (waiting or {}).values()]
        return list(dict.fromkeys(name for name in names if isinstance(name, str)))
    return []


async def rerun_run(client: Client, run: RunInfo) -> Change:
    """Start a new run, under a new id, of the same job, with the same event and tags, on the same task queue.

    Of a chain it is the event of the first run. One that a schedule started is for the same moment again.
    """
    described = (await client.get_workflow_handle(run.id, run_id=run.run_id).describe()).raw_description
    info = described.workflow_execution_info
    first = info.first_run_id or run.run_id
    try:
        began = await started_with(client, run.id, first)
    except RPCError as err:
        if err.status != RPCStatusCode.NOT_FOUND or first == run.run_id:
            raise
        began = await started_with(client, run.id, run.run_id)  # the first one is gone already
    payloads = list(began.input.payloads)
    if len(payloads) > 1:
        return _not_rerun(run, f"it was started with {len(payloads)} inputs, and a run of a job has one, its event")
    try:
        event = (await client.data_converter.decode(payloads))[0] if payloads else None
    except Exception as err:  # of whatever converter
        return _not_rerun(run, f"its event cannot be read here: {err}")
    queue = described.execution_config.task_queue.name or info.task_queue
    request = run_request(run.job, event, tags=run.tags, task_queue=queue)
    started = (await start_run(request, client, scheduled=await _scheduled(client, began))).handle
    run_id = started.first_execution_run_id or ""
    return Change(run.id, run.run_id, True, f"runs again as {started.id}", started.id, run_id)


def _not_rerun(run: RunInfo, why: str) -> Change:
    return Change(run.id, run.run_id, done=False, what=f"is not run again: {why}")


async def _scheduled(client: Client, began: WorkflowExecutionStartedEventAttributes) -> Scheduled | None:
    """Return by which schedule a run was started, if it was by one."""
    known = decode_typed_search_attributes(began.search_attributes)
    attributes = tuple(each for each in known if each.key.name in _OF_SCHEDULES)
    if not attributes:
        return None
    payload = began.memo.fields.get(SCHEDULE_MEMO)
    try:
        memo = None if payload is None else (await client.data_converter.decode([payload]))[0]
    except Exception:  # of whatever converter; without it the run knows its moment, and not its zone
        memo = None
    return Scheduled(attributes, memo)
