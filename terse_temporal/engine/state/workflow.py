"""The workflow that holds the state of one job.

It runs for ever, in small pieces, and has no code of the user's and no timer. A write is an update, and a read is a
query, which leaves nothing in the history. To cancel it does nothing; to terminate it is to throw the state away.

Its handlers await nothing. So every update that a workflow task brings is accepted and completed in that task, and when
the run then continues as new there is none under way that could be lost: those that have not been handed to it yet are
sent to the next run by the server or, where that says no, by the client.

A write that cannot be made is answered so, and not refused by a validator, though that would leave nothing in the
history. Where refused updates met a run that continues as new, workers of temporalio 1.35 got stuck for up to half a
minute ("unprocessed protocol messages while receiving new work").
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final

from temporalio import workflow
from temporalio.common import VersioningBehavior

from ...errors import StateError
from ...serialization.wire_names import STATE_READ_QUERY, STATE_WORKFLOW, STATE_WRITE_UPDATE
from ..wire.payloads import in_json, in_order
from .table import TABLE_VERSION, StateTable

__all__ = ["StateWorkflow", "VersionedStateWorkflow", "state_input"]

#: Writes of one run, before it continues as new. The server refuses the 2,000th update of a run. Far fewer, because a
#: worker that does not have it in its cache replays them all, at about 1 ms each: 100 are some 500 events, and to begin
#: a new run costs as much as one write.
WRITES_PER_RUN: Final = 100


def state_input(table: StateTable | None = None) -> dict[str, Any]:
    """Return the input of a run that begins with this."""
    # The number goes with it, because a run that was begun with one must be replayed with the same.
    return {**(table or StateTable()).to_wire(), "writes_per_run": WRITES_PER_RUN}


@workflow.defn(name=STATE_WORKFLOW, sandboxed=False)
class StateWorkflow:
    """The state of one job."""

    @workflow.init
    def __init__(self, kept: dict[str, Any] | None = None) -> None:
        kept = kept or {}
        if int(kept.get("v") or TABLE_VERSION) > TABLE_VERSION:
            # Fails the workflow task, not the run: it waits for the worker that knows it.
            raise StateError(
                f"the state is of version {kept['v']}, and this worker reads up to {TABLE_VERSION}: a newer one wrote"
                " it. It waits for a worker of that version."
            )
        self._table = StateTable(kept)
        self._writes = 0
        self._writes_per_run = int(kept.get("writes_per_run") or WRITES_PER_RUN)

    @workflow.run
    async def run(self, kept: dict[str, Any] | None = None) -> None:
        """Hold the state, until it is time for a new history."""
        while not self._is_full():
            # Who cancels many runs at once does not mean this one, and would not expect it to lose what it holds. To
            # terminate it is the way to throw a state away. (Where it is only evicted, waiting again raises.)
            with contextlib.suppress(asyncio.CancelledError):
                await workflow.wait_condition(self._is_full)
        workflow.continue_as_new(_in_order(state_input(self._table)))

    def _is_full(self) -> bool:
        return self._writes >= self._writes_per_run or workflow.info().is_continue_as_new_suggested()

    @workflow.update(name=STATE_WRITE_UPDATE)
    def write(self, write: Any = None) -> Any:
        """Apply a write, or say why not."""
        self._writes += 1
        return _in_order(self._table.write(write))

    @workflow.query(name=STATE_READ_QUERY)
    def read(self, keys: list[str] | None = None) -> Any:
        """Return what is set, by key, with its version."""
        return _in_order(self._table.read(keys))


def _in_order(data: dict[str, Any]) -> Any:
    return in_order(in_json(data), workflow.payload_converter())


# A worker without deployment versions must not name a behaviour. On one with them, the workflow of a job may stay with
# the version it was begun on; this one outlives them all.
@workflow.defn(name=STATE_WORKFLOW, sandboxed=False, versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class VersionedStateWorkflow(StateWorkflow):
    """The same, on a worker of a versioned deployment."""

    @workflow.init
    def __init__(self, kept: dict[str, Any] | None = None) -> None:
        super().__init__(kept)

    @workflow.run
    async def run(self, kept: dict[str, Any] | None = None) -> None:
        """Hold the state, until it is time for a new history."""
        await super().run(kept)
