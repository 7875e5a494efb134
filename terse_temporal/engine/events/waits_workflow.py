"""The workflow that knows which runs wait for the deliveries of a webhook, so that a gateway can ask it.

There are a few for each task queue and source (`messages.waits_workflow_id`), for as long as a run waits there. Each is
plain data (`waits_table.py`); no delivery passes through it.

**What is said.** `terse.events.wait`, by a run, as to the workflow of a key (`workflow.py`): which waits it opens and
which it withdraws, by numbers of its own, and with those that it opens what they take: a trigger, the fields that have
to match, and since when. It is told the same way (`posting.py`), also by a gateway, of runs that are gone. The query
`terse.waits` gives all of them.

A gateway gives a delivery to the run itself, by the signal `terse.delivery`, with the number of the wait. By that the
number is spent, whatever the run does with the delivery: where it still waits, because it has had this one before, it
opens another number. So a gateway gives one delivery for each number, and nothing is waited for in vain. It is also the
gateway that says which numbers are spent, of many runs at once, so that a run need not.

**The races.**

- *The delivery comes before the wait*: the gateway keeps it, and looks for it when it hears of the wait.
- *The wait is withdrawn while the delivery is on its way*: the run keeps it for the next wait for the same. Another
  wait of the run that it fits is given it too, and takes it unless it was taken (`engine/workflow/mailbox.py`).
- *Two gateways, or one that was killed, give the same delivery twice*: the run drops the second.
- *A run is reset*: it opens its waits again, under their old numbers, which are new here. What it was given behind that
  point it is given again by the server.
- *There is no room for a wait*: the run is told, and the wait fails.
- *A run is gone* (terminated): the gateway that cannot reach it says so. It asks after one of those that wait each
  second.
- *Another run has got its workflow id*: it says so, of a delivery that is for the one before.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue, VersioningBehavior

from ...execution.run_events import LONGEST_KEY, is_name
from ...serialization.wire_names import (
    DELIVERY_SIGNAL,
    EVENTS_WAIT_SIGNAL,
    WAITS_QUERY,
    WAITS_WORKFLOW,
)
from ..wire.payloads import in_json, in_order
from .messages import MESSAGE_VERSION, message_data, read_input
from .messages_per_run import MESSAGES_PER_RUN, HandlesMessages
from .posting import deliver
from .table import numbers_in
from .waits_table import WaitsTable

__all__ = ["VersionedWaitsWorkflow", "WaitsWorkflow"]


@workflow.defn(name=WAITS_WORKFLOW, sandboxed=False)
class WaitsWorkflow(HandlesMessages):
    """The waits for the deliveries of one source."""

    @workflow.init
    def __init__(self, given: RawValue = None) -> None:  # type: ignore[assignment]  # the SDK knows no optional one
        kept, self._inbox = read_input(given, workflow.payload_converter(), "waits")
        super().__init__(kept)
        self._table = WaitsTable(kept)

    @workflow.run
    async def run(self, given: RawValue = None) -> None:  # type: ignore[assignment]
        """Hold the waits, until there are none or it is time for a new history."""
        while True:
            while self._inbox:
                _, message = self._inbox.popleft()
                await self._handle(message)
            if self._table.is_empty:
                return
            if self._is_full():
                kept = {**self._table.to_wire(), "messages_per_run": MESSAGES_PER_RUN}
                workflow.continue_as_new(in_order(in_json(kept), workflow.payload_converter()))
            # Who cancels many runs at once does not mean this one. (Where it is only evicted, waiting again raises.)
            with contextlib.suppress(asyncio.CancelledError):
                await workflow.wait_condition(lambda: bool(self._inbox) or self._is_full())

    @workflow.signal(dynamic=True)
    def on_signal(self, name: str, args: Sequence[RawValue]) -> None:
        """Take in a message, and leave any other signal alone."""
        data = message_data(args, workflow.payload_converter())
        if name == EVENTS_WAIT_SIGNAL and data is not None and len(data) == 1:
            self._inbox.append((name, data[0]))
        else:
            self._refuse(f"the signal {name!r}, which is none for it")

    @workflow.query(name=WAITS_QUERY)
    def waits(self) -> Any:
        """Return the waits that are open."""
        given = {"v": MESSAGE_VERSION, "waits": self._table.waits()}
        return in_order(in_json(given), workflow.payload_converter())

    async def _handle(self, message: Any) -> None:
        self._handled += 1
        if not isinstance(message, Mapping) or message.get("v") != MESSAGE_VERSION:
            self._refuse("a message of another version")
            return
        if not self._table.apply(message, round(workflow.now().timestamp(), 6)):
            await self._refuse_waits(message)

    async def _refuse_waits(self, message: Mapping[str, Any]) -> None:
        """Say to a run that its waits are not known, as there is no room for them: else it would wait for ever."""
        run, wanted = message.get("run"), message.get("for")
        self._refuse(f"a wait of the run {run!r}: as many wait as there is room for, or it is none of this package")
        key = wanted.get("key") if isinstance(wanted, Mapping) else None
        numbers = numbers_in(message.get("open"))
        if is_name(run, 1_000) and is_name(key, LONGEST_KEY) and is_name(message.get("owner"), 200):
            said = {"v": MESSAGE_VERSION, "owner": message["owner"], "key": key, "refused": numbers}
            await deliver(run, DELIVERY_SIGNAL, in_json(said))


# As of the state: a worker without deployment versions must not name a behaviour, and this outlives all versions.
@workflow.defn(name=WAITS_WORKFLOW, sandboxed=False, versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class VersionedWaitsWorkflow(WaitsWorkflow):
    """The same, on a worker of a versioned deployment."""

    @workflow.init
    def __init__(self, given: RawValue = None) -> None:  # type: ignore[assignment]
        super().__init__(given)

    @workflow.run
    async def run(self, given: RawValue = None) -> None:  # type: ignore[assignment]
        """Hold the waits, until there are none or it is time for a new history."""
        await super().run(given)
