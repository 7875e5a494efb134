"""Waking the runs that wait for deliveries: `wait_for_event(Triggers.…)`.

Runs say what they wait for to a few small workflows of type `terse.waits` (`engine/events/waits_workflow.py`). A
gateway lists these once a second, asks those that have changed, and keeps what they answer. So a delivery that nobody
waits for costs no request, one that fits is given to its runs at once, and a wait that is new is given what came before
it, from the spool.

A delivery is given to a run by a signal, and the spool then remembers that. Where the process is killed between the
two, it is given again, and the run drops it. Each wait is given one delivery; a run that wants the next one opens
another. Whatever fails, all that is known of waits is forgotten: then all of them are new.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from ..diagnostics.logs import logger_of
from ..engine.events.messages import MESSAGE_VERSION
from ..engine.wire.payloads import in_json, in_order
from ..errors import ServerUnavailableError
from ..execution.run_events import LONGEST_ID, MAX_EVENT_BYTES, is_name
from ..serialization.json_text import Json
from ..serialization.value_problems import too_deep
from ..serialization.wire_names import DELIVERY_SIGNAL, EVENTS_WAIT_SIGNAL
from ..triggers.deliveries import Delivery
from .cutting import cut_event, json_size
from .matching import WaitIndex
from .registered_waits import RegisteredWait
from .registries import Registries
from .spool import Spool

__all__ = ["Waking"]

_logger = logger_of("gateway")

#: Seconds between two looks at what waits; where something was just given, as the run may wait for the next; and
#: within which the server has to have answered something, or it is away. (For five, no worker may answer.)
LOOK_EVERY: Final = 1.0
_LOOK_SOON: Final = 0.1
_TOO_OLD: Final = 8.0

#: Deliveries that are under way to runs, and runs that are given something at once.
_MOST_QUEUED: Final = 100
_AT_ONCE: Final = 50

#: Waits that are told in one message.
_AT_ONCE_SPENT: Final = 500

#: Waits of which it is remembered how far they have been looked for, and how much of that is looked at again: by when
#: they came in, deliveries are not quite in their order.
_MOST_PLACES: Final = 10_000
_AGAIN: Final = 60.0

#: Whose deliveries start runs: behind the job in the workflow id of such a run.
_SOURCES: Final = ("github", "stripe", "slack", "linear", "webhook")

#: What the server says of a message that it will never take, with the status of a server that is busy.
_TOO_LARGE: Final = "larger than max"


@dataclass
class _Source:
    """What waits for the deliveries of one source.

    Attributes:
        waits: those that were given nothing yet.
        known: all that are registered, by their identity.
        is_looking: whether waits are being looked for that are not among them yet.
    """

    waits: WaitIndex = field(default_factory=WaitIndex)
    known: dict[tuple[Any, ...], RegisteredWait] = field(default_factory=dict)
    is_looking: bool = False


class Waking:
    """Gives deliveries to the runs that wait for them.

    Args:
        spool: where they are.
        connect: gives the client, as soon as there is a server.
        task_queue: of the runs.
        every: seconds between two looks at what waits.
    """

    def __init__(
        self,
        spool: Spool,
        connect: Callable[[], Awaitable[Client]],
        task_queue: str,
        *,
        every: float = LOOK_EVERY,
    ) -> None:
        self._spool = spool
        self._connect = connect
        self._every = every
        self._registries = Registries(task_queue)
        self._sources: dict[str, _Source] = {}
        self._queue: deque[Delivery] = deque()
        self._places: OrderedDict[str, float] = OrderedDict()
        #: When a look began that has succeeded, and when the server answered last, on the monotonic clock.
        self._looked_at = self._answered_at = float("-inf")
        self._wake = asyncio.Event()
        self._done = asyncio.Condition()
        self._is_asked = self._has_given = False
        self._turns = self._asked_after = 0

    async def offer(self, delivery: Delivery) -> None:
        """Give a delivery to the runs that wait for it.

        Returns when it is on its way, and at once where nobody waits for its source. While Temporal is away it does not
        return.
        """
        while not self._is_ready():
            self._wake.set()
            async with self._done:
                await self._done.wait()
        source = self._sources.get(delivery.source)
        if source is not None and (source.waits or source.is_looking):
            self._queue.append(delivery)
            self._wake.set()

    async def settled(self) -> None:
        """Wait until what is registered now was looked up, and the deliveries that fit were given to their runs."""
        wanted = self._turns + 2  # the one that is under way may have looked already
        while self._turns < wanted:
            self._is_asked = True
            self._wake.set()
            async with self._done:
                await self._done.wait()

    def waits_of(self, run: str) -> int:
        """Return how many waits of a run, by its workflow id, are known."""
        return sum(each.run == run for source in self._sources.values() for each in source.known.values())

    async def run(self) -> None:
        """Give deliveries to runs, until it is cancelled."""
        client = await self._connect()
        problem = ""
        while True:
            try:
                await self._turn(client)
            except BaseException as error:
                self._forget()
                if not isinstance(error, RPCError | ServerUnavailableError):
                    raise
                if str(error) != problem:
                    _logger.warning("runs that wait for deliveries are not woken for now: %s", error)
                problem = str(error)
                await asyncio.sleep(self._every)
                continue
            if problem:
                _logger.info("runs that wait for deliveries are woken again")
                problem = ""
            self._turns += 1
            async with self._done:
                self._done.notify_all()
            if not self._queue and not self._is_asked:
                with suppress(TimeoutError):
                    async with asyncio.timeout(max(self._look_at - time.monotonic(), 0.01)):
                        await self._wake.wait()
            self._wake.clear()

    @property
    def _look_at(self) -> float:
        return self._looked_at + (min(_LOOK_SOON, self._every) if self._has_given else self._every)

    def _is_ready(self) -> bool:
        is_there = time.monotonic() - self._answered_at < max(_TOO_OLD, 3 * self._every)
        return is_there and self._has_looked and len(self._queue) < _MOST_QUEUED

    @property
    def _has_looked(self) -> bool:
        return self._looked_at > float("-inf")

    def _answered(self) -> None:
        self._answered_at = time.monotonic()

    def _forget(self) -> None:
        self._sources.clear()
        self._queue.clear()
        self._looked_at = float("-inf")

    async def _turn(self, client: Client) -> None:
        if self._is_asked or time.monotonic() >= self._look_at:
            self._is_asked = self._has_given = False
            await self._look(client)
        while self._queue:
            await self._give_out(client)

    async def _look(self, client: Client) -> None:
        began = time.monotonic()
        for name, waits in (await self._registries.look(client, self._answered)).items():
            source = self._sources.setdefault(name, _Source())
            new = [each for each in waits if each.identity not in source.known]
            now = {each.identity for each in waits}
            for identity in [each for each in source.known if each not in now]:
                source.waits.remove(source.known.pop(identity))
            if new:
                await self._look_back(client, name, source, new)
        self._looked_at = began
        await self._ask_after_one(client)

    async def _look_back(self, client: Client, name: str, source: _Source, new: Sequence[RegisteredWait]) -> None:
        """Give to waits that are new what came before them, each the first that it takes."""
        source.is_looking = True
        began = time.time()
        try:
            fresh = WaitIndex([await self._from_its_beginning(each) for each in new])
            since = min(max(each.since, self._places.get(each.offered_as, 0.0)) for each in fresh)
            given: list[tuple[Delivery, list[RegisteredWait]]] = []
            async for delivery in self._spool.recent(name, datetime.fromtimestamp(since, UTC)):
                if waits := await self._choose(delivery, fresh):
                    given.append((delivery, waits))
                if not fresh:
                    break
            source.known |= {each.identity: each for each in new}
            await self._give(client, given)
            for wait in fresh:
                source.waits.add(wait)
                self._remember_place(wait, began)
        finally:
            source.is_looking = False

    async def _from_its_beginning(self, wait: RegisteredWait) -> RegisteredWait:
        """Return a wait with what came since the delivery that has started its run: the start may have been late."""
        for source in _SOURCES:
            job, found, own_id = wait.run.partition(f"/{source}:")
            address = job if source == "webhook" else None
            if found and (came := await self._spool.received_at(source, own_id, job=address)) is not None:
                return wait.since_then(min(wait.since, came.timestamp()))
        return wait

    async def _give_out(self, client: Client) -> None:
        """Give what is queued to the waits that are known."""
        some = list(self._queue)
        given = []
        for delivery in some:
            source = self._sources.get(delivery.source)
            if source is not None and source.waits and (waits := await self._choose(delivery, source.waits)):
                given.append((delivery, waits))
        await self._give(client, given)
        for _ in some:
            self._queue.popleft()
        async with self._done:
            self._done.notify_all()

    async def _choose(self, delivery: Delivery, waits: WaitIndex) -> list[RegisteredWait]:
        """Return the waits that a delivery is given to, one of each run, and take them out."""
        chosen: dict[str, RegisteredWait] = {}
        for wait in waits.find(delivery):
            if wait.owner not in chosen and not await self._spool.is_offered(delivery, wait.offered_as):
                chosen[wait.owner] = wait
        for wait in chosen.values():
            waits.remove(wait)
        return list(chosen.values())

    async def _give(self, client: Client, given: Iterable[tuple[Delivery, Sequence[RegisteredWait]]]) -> None:
        """Give deliveries to waits: those of one run one after the other, in their order.

        A wait whose delivery is left out is not known any more: it is new at the next look, for the next delivery.
        """
        by_run: dict[str, list[tuple[Delivery, Json | None, RegisteredWait]]] = {}
        for delivery, waits in given:
            events: dict[str, Json | None] = {}
            for wait in waits:
                if wait.trigger_text not in events:
                    events[wait.trigger_text] = _event(delivery, wait)
                by_run.setdefault(wait.owner, []).append((delivery, events[wait.trigger_text], wait))
        places = asyncio.Semaphore(_AT_ONCE)
        spent: list[RegisteredWait] = []

        async def give_all(to_run: Sequence[tuple[Delivery, Json | None, RegisteredWait]]) -> None:
            async with places:
                for delivery, event, wait in to_run:
                    if await self._give_one(client, delivery, event, wait):
                        spent.append(wait)
                    else:
                        for source in self._sources.values():
                            source.known.pop(wait.identity, None)

        ended = await asyncio.gather(*map(give_all, by_run.values()), return_exceptions=True)
        for error in ended:
            if error is not None:
                raise error
        if by_run:
            self._has_given = True
            await self._say_spent(client, spent)

    async def _say_spent(self, client: Client, waits: Iterable[RegisteredWait]) -> None:
        by_registry: dict[str, list[Any]] = {}
        for wait in waits:
            by_registry.setdefault(wait.registry, []).append([wait.owner, wait.number, wait.n])
        for registry, spent in by_registry.items():
            for begin in range(0, len(spent), _AT_ONCE_SPENT):
                await self._tell(client, registry, spent=spent[begin : begin + _AT_ONCE_SPENT])

    async def _give_one(self, client: Client, delivery: Delivery, event: Json | None, wait: RegisteredWait) -> bool:
        """Give a delivery to a wait, and return whether that was it: not where the delivery is left out."""
        is_given = event is not None
        if event is not None:
            message = in_order(_message(delivery, event, wait), client.data_converter.payload_converter)
            try:
                await client.get_workflow_handle(wait.run).signal(DELIVERY_SIGNAL, message)
            except RPCError as error:
                if error.status == RPCStatusCode.NOT_FOUND:
                    await self._tell(client, wait.registry, gone=[wait.owner])
                    return True
                if error.status != RPCStatusCode.INVALID_ARGUMENT and _TOO_LARGE not in error.message:
                    raise
                is_given = False
                _logger.warning(
                    "the run %s was not given the delivery %s of %s: %s", wait.run, delivery.id, delivery.source, error
                )
        await self._spool.offered(delivery, wait.offered_as)
        self._remember_place(wait, delivery.received_at.timestamp())
        return is_given

    def _remember_place(self, wait: RegisteredWait, moment: float) -> None:
        """Remember that what came before a moment was given to a run, as far as it waits for it."""
        self._places[wait.offered_as] = moment - _AGAIN
        self._places.move_to_end(wait.offered_as)
        while len(self._places) > _MOST_PLACES:
            self._places.popitem(last=False)

    async def _ask_after_one(self, client: Client) -> None:
        """Ask whether the run of a wait is still there, of another one each time: it may have been terminated."""
        known = [wait for source in self._sources.values() for wait in source.known.values()]
        if not known:
            return
        self._asked_after = (self._asked_after + 1) % len(known)
        wait = known[self._asked_after]
        try:
            described = await client.get_workflow_handle(wait.run).describe()
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
        else:
            first_run_id = described.raw_description.workflow_execution_info.first_run_id
            # Servers before 1.25 do not say it.
            if described.status == WorkflowExecutionStatus.RUNNING and first_run_id in ("", wait.owner):
                return
        await self._tell(client, wait.registry, gone=[wait.owner])

    async def _tell(self, client: Client, registry: str, **said: Any) -> None:
        """Tell the workflow that knows of waits, where it is there."""
        message = {"v": MESSAGE_VERSION, **said}
        try:
            await client.get_workflow_handle(registry).signal(EVENTS_WAIT_SIGNAL, message)
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise


def _event(delivery: Delivery, wait: RegisteredWait) -> Json | None:
    """Return what a run is given of a delivery, or `None` where it is too large, or nested too deep for a run."""
    event = wait.trigger.event(delivery)
    cut = cut_event(event, wait.trigger.event_model, MAX_EVENT_BYTES)
    if cut is None:
        problem = f"it is {json_size(event):,} bytes, and {MAX_EVENT_BYTES:,} is the most"
    elif too_deep([{"event": {"data": cut}}]) is not None:  # as the run reads it
        problem = "it is nested too deep"
    else:
        return in_json(cut)
    _logger.warning(
        "the delivery %s of %s is not given to runs that wait for %r: %s",
        delivery.id,
        delivery.source,
        wait.trigger,
        problem,
    )
    return None


def _message(delivery: Delivery, event: Json, wait: RegisteredWait) -> Json:
    own_id = delivery.run_suffix
    if not is_name(own_id, LONGEST_ID):
        own_id = f"{delivery.source}:#{hashlib.sha256(own_id.encode(errors='replace')).hexdigest()}"
    return in_json(
        {
            "v": MESSAGE_VERSION,
            "source": delivery.source,
            "owner": wait.owner,
            "wait": wait.number,
            "name": wait.trigger.name,
            "key": wait.key,
            "trigger": wait.trigger.describe(),
            "event": {"id": own_id, "data": event.data},
        }
    )
