"""The workflow that brings events by key to the runs that wait for them, and keeps those that nobody waits for.

There is one for each task queue, name and key, for as long as a run waits there, an event is kept or the id of a
sender has to be remembered. It is plain data (`table.py`), and has no code of the user's.

**What is said.** All of it by signals and starts that are recorded, in which nothing is said twice and nothing lost:

- `terse.events.send`, by whoever sends an event: its data, for how long to keep it, perhaps an id.
- `terse.events.wait`, by a run: which waits it opens and which it withdraws, by numbers of its own, and events that it
  gives back. A run says these one after the other, each when the one before has arrived, so that none overtakes
  another.
- `terse.event`, to a run: an event, for one of its waits. With that the wait is over here. Sent to the workflow id, so
  that it also reaches a run that was reset or continued as new; it says which run is meant (`owner`: the first run of
  its chain, which is the same after a reset), and any other that has the id gives the event back.

A message to this workflow starts it where it does not run, with the message as its input (`posting.py`). When a run
ends it withdraws all of its waits, and waits until that has arrived.

**The races.**

- *The event comes before the wait, or between two waits*: it is kept, in order, and goes to the wait that comes next.
- *The worker is down*: messages are kept by the server.
- *The wait is withdrawn while the event is on its way*: the run gives the event back as soon as it finds that nothing
  in it waits (`engine/workflow/mailbox.py`: an event belongs to a wait when the wait goes on with it, not before). It
  is kept at its old place, for the next wait; of that run alone, if other runs were given the event too.
- *Two waits in one run*: each has a registration of its own; an event is given to each run once, so to one of them.
- *A run is gone* (ended, terminated): the signal to it fails, and the event is kept if nobody else has got it. A run
  that was terminated is noticed no sooner.
- *A run is reset*: it opens its waits again under their old numbers, also those that it had opened before the point of
  the reset, which it may have withdrawn as it ended. An event that it was given behind that point is given to it again
  by the server, at once, perhaps before it waits: it gives it back, and gets it when it waits.
- *A run is continued as new by its author*: it has withdrawn its waits before; what is on its way reaches the next run.
- *The same id twice*: the second is dropped, for as long as the id is remembered, also when its event was taken long
  ago.
- *This workflow ends, or continues as new, while something is sent to it*: the server does not take an end that has not
  seen all signals; and what comes after it starts a new one. It ends and continues only with an empty inbox.
- *It is cancelled*: nothing happens. To terminate it is to throw its events away.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from temporalio import workflow
from temporalio.common import RawValue, VersioningBehavior

from ...execution.run_events import is_name
from ...serialization.json_text import Json
from ...serialization.wire_names import (
    EVENT_SIGNAL,
    EVENTS_DONE_SIGNAL,
    EVENTS_OVER_MARKER,
    EVENTS_SEND_SIGNAL,
    EVENTS_WAIT_SIGNAL,
    EVENTS_WORKFLOW,
)
from ..wire.payloads import in_json, in_order
from .messages import MESSAGE_VERSION, message_data, read_entry, read_input
from .messages_per_run import MESSAGES_PER_RUN, HandlesMessages
from .posting import deliver
from .table import EventsTable, Waiting, numbers_in

__all__ = ["EventsWorkflow", "VersionedEventsWorkflow"]

#: Seconds by which the clocks of a server and a worker may differ.
_CLOCKS_DIFFER: Final = 600.0

#: Runs that an event is brought to at once. The server takes 2,000 signals of a workflow that are under way.
_AT_ONCE: Final = 500


@workflow.defn(name=EVENTS_WORKFLOW, sandboxed=False)
class EventsWorkflow(HandlesMessages):
    """The events of one name and key."""

    @workflow.init
    def __init__(self, given: RawValue = None) -> None:  # type: ignore[assignment]  # the SDK knows no optional one
        kept, self._inbox = read_input(given, workflow.payload_converter(), "events")
        super().__init__(kept)
        self._table = EventsTable(kept)
        self._timer: asyncio.TimerHandle | None = None
        self._timer_until = 0.0
        self._is_due = False
        self._expiries = 0
        #: Whether time is skipped here, as in tests: then nothing is over.
        self._is_timeless = kept.get("timeless") is True

    @workflow.run
    async def run(self, given: RawValue = None) -> None:  # type: ignore[assignment]
        """Bring and keep events, until there is nothing to do or it is time for a new history."""
        while True:
            while self._inbox:
                await self._handle(*self._inbox.popleft())
            if self._is_due:
                self._expire()
            if self._table.is_empty:
                return
            if self._is_full():
                kept = {**self._table.to_wire(), "messages_per_run": MESSAGES_PER_RUN, "timeless": self._is_timeless}
                workflow.continue_as_new(in_order(in_json(kept), workflow.payload_converter()))
            self._set_timer()
            # Who cancels many runs at once does not mean this one. (Where it is only evicted, waiting again raises.)
            with contextlib.suppress(asyncio.CancelledError):
                await workflow.wait_condition(lambda: bool(self._inbox) or self._is_due or self._is_full())

    @workflow.signal(dynamic=True)
    def on_signal(self, name: str, args: Sequence[RawValue]) -> None:
        """Take in a message, and leave any other signal alone."""
        data = message_data(args, workflow.payload_converter())
        if name in (EVENTS_SEND_SIGNAL, EVENTS_WAIT_SIGNAL) and data is not None and len(data) == 1:
            self._inbox.append((name, data[0]))
        elif name != EVENTS_DONE_SIGNAL:  # which asks whether it is there
            self._refuse(f"the signal {name!r}, which is none for it")

    async def _handle(self, kind: str, message: Any) -> None:
        self._handled += 1
        if kind == EVENTS_SEND_SIGNAL:
            await self._send(message)
        elif isinstance(message, Mapping) and message.get("v") == MESSAGE_VERSION:
            self._wait(message)
        else:
            self._refuse("a message of another version")
        while (found := self._table.match()) is not None:
            await self._bring(found[0], [found[1]])
        if isinstance(message, Mapping) and is_name(message.get("answer"), 1_000):
            await deliver(message["answer"], EVENTS_DONE_SIGNAL)

    async def _send(self, message: Any) -> None:
        entry = self._table.accept(message, _now())
        if isinstance(entry, str):
            self._refuse(f"an event: {entry}")
        elif entry is not None and not await self._bring(entry, self._table.waiting):
            self._table.forget(message.get("id"))  # it may be sent again

    def _wait(self, message: Mapping[str, Any]) -> None:
        self._table.learn(message)
        owner = message.get("owner")
        self._table.withdraw(owner, numbers_in(message.get("close")))
        for gone in message.get("gone") or () if isinstance(message.get("gone"), list) else ():
            self._table.withdraw(gone)
        returned = message.get("returned")
        for each in returned if isinstance(returned, list) else []:
            if (entry := read_entry(each)) is None:
                self._refuse("an event that a run has given back, and that it cannot read")
                continue
            # Others have had it, so that nobody but the run it was meant for is to have it now.
            if entry.pop("shared", False) and isinstance(owner, str):
                entry["only"] = owner
            self._keep(entry)
        if not self._table.register(owner, message.get("run"), numbers_in(message.get("open"))):
            self._refuse(f"the waits of the run {message.get('run')!r}")

    async def _bring(self, entry: dict[str, Any], runs: Sequence[Waiting]) -> bool:
        """Give an event to each of the runs, and keep it where none of them is there any more; whether it could be."""
        entry = {**entry, "shared": True} if len(runs) > 1 else entry
        arrived = False
        for begin in range(0, len(runs), _AT_ONCE):
            some = runs[begin : begin + _AT_ONCE]
            messages = [(each.run, self._delivery(entry, each)) for each in some]
            told = await asyncio.gather(*(deliver(run, EVENT_SIGNAL, message) for run, message in messages))
            for each, is_told in zip(some, told, strict=True):
                arrived = arrived or is_told
                if not is_told:
                    self._table.withdraw(each.owner)
        if arrived:
            return True
        entry.pop("shared", None)
        return self._keep(entry)

    def _delivery(self, entry: dict[str, Any], waiting: Waiting) -> Json:
        return in_json(
            {
                "v": MESSAGE_VERSION,
                "from": workflow.info().workflow_id,
                "owner": waiting.owner,
                "wait": self._table.take(waiting),
                "name": self._table.name,
                "key": self._table.key,
                "event": entry,
            }
        )

    def _keep(self, entry: dict[str, Any]) -> bool:
        if self._table.keep(entry):
            return True
        self._refuse("an event: as many are kept under this key as there is room for")
        return False

    def _set_timer(self) -> None:
        """Wake up when the next event is over. The timer stays, where that is still the next."""
        until = None if self._is_timeless else self._table.next_expiry
        if self._timer is not None and (until is None or until != self._timer_until):
            self._timer.cancel()
            self._timer = None
        if until is not None and self._timer is None:
            self._timer_until = until
            # A moment is rounded: not before it.
            self._timer = asyncio.get_running_loop().call_later(max(until - _now(), 0.0) + 0.01, self._wake)

    def _expire(self) -> None:
        """Forget what is over, if the clock on the wall says so too.

        Where runs skip time, this workflow skips it with them, as soon as it has nothing to do but to keep something:
        a week would be over at once. What the clock says is recorded as `DurableExecution.recorded` does it.
        """
        self._is_due = False
        now = _now()
        marker = f"{EVENTS_OVER_MARKER}.{self._expiries}"
        self._expiries += 1
        is_real = workflow.unsafe.is_replaying() or time.time() > now - _CLOCKS_DIFFER
        if is_real and workflow.patched(marker):
            self._table.expire(now)
        else:
            self._is_timeless = True

    def _wake(self) -> None:
        self._timer = None
        self._is_due = True


def _now() -> float:
    return round(workflow.now().timestamp(), 6)


# As of the state: a worker without deployment versions must not name a behaviour, and this outlives all versions.
@workflow.defn(name=EVENTS_WORKFLOW, sandboxed=False, versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class VersionedEventsWorkflow(EventsWorkflow):
    """The same, on a worker of a versioned deployment."""

    @workflow.init
    def __init__(self, given: RawValue = None) -> None:  # type: ignore[assignment]
        super().__init__(given)

    @workflow.run
    async def run(self, given: RawValue = None) -> None:  # type: ignore[assignment]
        """Bring and keep events, until there is nothing to do or it is time for a new history."""
        await super().run(given)
