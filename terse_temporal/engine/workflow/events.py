"""Events in a run: waits for them, sending them, and what is said to the workflows of their keys.

An event that is sent to the run is a signal of the event's name, with its data as the argument, and perhaps a second
one, `{"id": …}`. One that is sent by key comes from the workflow of that key, by the protocol of `engine/events/`. Both
go to the run's mailbox, and so does a delivery of a webhook, which a gateway gives to the run. Waits that are not met
at once are shown (`waiting.py`), and registered where they have a key: by a trigger, where a gateway finds them
(`engine/events/waits_workflow.py`).

What is said is said by tasks of the run's own, never where a wait ends: that may be in the middle of a cancellation, or
of the run's leaving the cache of its worker.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from temporalio import workflow
from temporalio.common import RawValue

from ...diagnostics.logs import logger_of
from ...durations import format_duration
from ...errors import EventError, EventTimeoutError, RunEndedError
from ...events import Event
from ...execution.run_events import (
    LONGEST_ID,
    LONGEST_KEY,
    LONGEST_NAME,
    EventToSend,
    EventWait,
    is_name,
)
from ...serialization.json_text import Json
from ...serialization.serializer import Serializer
from ...serialization.value_problems import ValueProblem
from ...serialization.wire_names import (
    DELIVERY_SIGNAL,
    EVENT_SIGNAL,
    EVENTS_CARRIED,
    EVENTS_ID_PREFIX,
    EVENTS_SEND_SIGNAL,
    EVENTS_WAIT_SIGNAL,
    EVENTS_WORKFLOW,
    OWN_WORKFLOWS,
    WAITS_WORKFLOW,
)
from ..events.messages import (
    MESSAGE_VERSION,
    events_workflow_id,
    is_number,
    message_data,
    read_entry,
    send_message,
    waits_workflow_id,
)
from ..events.posting import deliver, post
from ..wire.payloads import in_json
from .event_links import Link, describe
from .mailbox import Arrived, Mailbox, Wait
from .waiting import WaitingBoard

__all__ = ["RunEvents"]

#: Waits by key of one run that are open at once. Each may have started a workflow, and the server takes 2,000 that are
#: open.
OPEN_BY_KEY: Final = 1_000

#: Waits that are shown one by one: a memo is recorded whole whenever it changes.
_SHOWN: Final = 20

_logger = logger_of("worker")


class RunEvents:
    """The events of one run.

    Args:
        board: where waits are shown.
        serializer: what they are read by.
    """

    def __init__(self, board: WaitingBoard, serializer: Serializer) -> None:
        self._board = board
        self._serializer = serializer
        self._mailbox = Mailbox(self._give_back)
        #: By name and key; those that are not this run's, by an empty name and the id.
        self._links: dict[tuple[str, str], Link] = {}
        self._dirty: dict[Link, None] = {}
        #: By the ids of workflows that are being started.
        self._starting: dict[str, asyncio.Event] = {}
        #: The waits that are open, with what is shown of each.
        self._open: dict[Wait, dict[str, Any]] = {}
        self._shown: dict[str, Any] = {}
        self._by_key = 0
        self._numbers = 0
        self._changed = asyncio.Event()
        self._speaker: asyncio.Task[None] | None = None
        self._is_ending = self._was_reset = False
        #: Since when deliveries are for this run: as it began, or as the run did that it continues.
        self._began = 0.0
        self._has_triggers = False

    def install(self, carried: Any = None) -> None:
        """Take events in the workflow that is starting.

        Args:
            carried: what the run before it has handed on.
        """
        self._mailbox.restore(carried)
        began = carried.get("began") if isinstance(carried, Mapping) else None
        self._has_triggers = is_number(began)
        self._began = began if is_number(began) else round(workflow.info().workflow_start_time.timestamp(), 6)
        # What comes with a reset, and nothing else: it stands in the history.
        workflow.register_random_seed_callback(self._is_reset)

    def _is_reset(self, _seed: int) -> None:
        """Register the waits that are open once more: the run that was reset has withdrawn them as it ended."""
        self._was_reset = True
        links = [link for link in self._links.values() if link.opened]
        for link in links:
            link.again = True
        self._dirty.update(dict.fromkeys(links))
        if links:
            self._speak()

    async def wait(self, request: EventWait, where: str) -> Any:
        """Wait for an event, and return its data as the schema says."""
        what = describe(request)
        if request.key is not None and self._by_key >= OPEN_BY_KEY:
            raise EventError(
                f"wait_for_event() ({where}): {OPEN_BY_KEY:,} waits by key are open in this run, which is the most."
                " Wait for fewer at a time, or in child runs."
            )
        if request.key is not None and request.trigger is not None:
            self._has_triggers = True
            self._links.setdefault(
                (request.name, request.key), Link(request.name, request.key, trigger=request.trigger)
            )
        event = await self._event(request, what, where)
        return self._read(event.data, request, what, where)

    async def send(self, request: EventToSend) -> None:
        """Send an event by key."""
        queue = request.task_queue or workflow.info().task_queue
        to = events_workflow_id(queue, request.name, request.key)
        message = send_message(request)
        # As a rule somebody waits.
        if not await deliver(to, EVENTS_SEND_SIGNAL, message):
            await post(to, queue, EVENTS_SEND_SIGNAL, message)

    async def send_to_run(self, id: str, name: str, data: Json, event_id: str | None) -> None:
        """Send an event to a run."""
        if id == workflow.info().workflow_id:
            # No workflow can signal itself. What it says to itself needs no record: it says it again on a replay.
            if not self._mailbox.arrive(Arrived(name, None, data.data), event_id):
                raise EventError(f"the event {name!r} was not sent: as many are kept for this run as there is room for")
            return
        more = [] if event_id is None else [in_json({"id": event_id})]
        if not await deliver(id, name, data, *more):
            raise RunEndedError(
                f"the event {name!r} was not sent: the run {id!r} has ended, or there never was one of that id", id=id
            )

    async def settle(self) -> None:
        """Withdraw every wait that is open, as the run ends, and wait until that has arrived."""
        self._is_ending = True
        self._mailbox.end_all()
        self._open.clear()
        self._by_key = 0
        # Also because the memo goes over to the run that continues this one.
        self._show()
        links = [link for link in self._links.values() if link.opened or link.returned or link.busy]
        for link in self._links.values():
            # What the run before the reset had open, and this one never came to, nobody else would withdraw.
            if link.trigger is not None and self._was_reset:
                link.gone.append(workflow.info().first_execution_run_id)
                links.append(link)
        if links or self._dirty:
            self._dirty.update(dict.fromkeys(links))
            self._speak()
            while not self._is_settled():
                # The run may be cancelled once more. (Where it is only evicted, waiting again raises.)
                with suppress(asyncio.CancelledError):
                    await workflow.wait_condition(self._is_settled)

    def _is_settled(self) -> bool:
        return not self._dirty and not any(link.busy for link in self._links.values())

    def carried(self) -> dict[str, Any] | None:
        """Return what the run that continues this one is to begin with, as the second argument; or `None`."""
        kept = self._mailbox.carried()
        if self._has_triggers:
            kept = {"v": 1, "kept": [], "ids": []} if kept is None else kept
            kept["began"] = self._began
        return None if kept is None else {EVENTS_CARRIED: kept}

    async def _event(self, request: EventWait, what: str, where: str) -> Arrived:
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()

        def wake() -> None:
            if not woken.done():
                woken.set_result(None)

        wait = Wait(request.name, request.key, wake)
        self._mailbox.open(wait)
        if wait.event is None:
            self._begin(wait, request)
            timer = None
            if request.timeout is not None:
                timer = loop.call_later(request.timeout.total_seconds(), wake)
            try:
                await woken
            # Not in a `finally`, which a run that leaves the cache of its worker comes through too.
            except (asyncio.CancelledError, Exception):
                self._mailbox.withdraw(wait)
                self._end(wait)
                if timer is not None:
                    timer.cancel()
                raise
            self._end(wait)
            if timer is not None:
                timer.cancel()
        event = self._mailbox.take(wait)
        if event is None and wait.is_refused:
            raise EventError(
                f"{what} is not waited for: on this task queue as many waits for its source are open as there is room"
                f" for, some thousands: wait_for_event() at {where}. Wait for fewer at a time."
            )
        if event is None:
            assert request.timeout is not None
            raise EventTimeoutError(
                f"{what} did not come within {format_duration(request.timeout)}: wait_for_event() at {where}",
                event=request.name,
            )
        return event

    def _begin(self, wait: Wait, request: EventWait) -> None:
        now, timeout = workflow.now(), request.timeout
        shown: dict[str, Any] = {"event": wait.name, "since": _shown_time(now)}
        if wait.key is not None:
            self._by_key += 1
            shown["key"] = wait.key
        if request.trigger is not None:
            shown |= {"trigger": request.trigger.text, "match": dict(request.trigger.match)}
        if timeout is not None:
            with suppress(OverflowError):  # after the year 9999
                shown["until"] = _shown_time(now + timeout)
        self._open[wait] = shown
        self._speak(wait)

    def _end(self, wait: Wait) -> None:
        if self._open.pop(wait, None) is not None:
            self._by_key -= wait.key is not None
        self._mark(wait)
        self._changed.set()

    def _mark(self, wait: Wait) -> None:
        if wait.key is not None:
            self._dirty[self._link(wait.name, wait.key)] = None

    def _link(self, name: str, key: str) -> Link:
        return self._links.setdefault((name, key), Link(name, key))

    def _speak(self, wait: Wait | None = None) -> None:
        if wait is not None:
            self._mark(wait)
        if self._speaker is None:
            self._speaker = asyncio.create_task(self._keep_speaking(), name="events")
        self._changed.set()

    async def _keep_speaking(self) -> None:
        """Show what waits, and say it to the workflows of the keys, whenever it has changed.

        By the time that this comes to it, all waits that were begun together are there.
        """
        while True:
            await self._changed.wait()
            # What came before the handler, or with what it waits for, is handed out in this turn of the loop. A wait
            # that it meets goes on in the next, and leaves nothing in the history.
            await asyncio.sleep(0)
            self._changed.clear()
            self._show()
            dirty, self._dirty = self._dirty, {}
            for link in dirty:
                if not link.busy:
                    link.busy = True
                    asyncio.create_task(self._say(link), name="events of a key")  # noqa: RUF006  # the run keeps it

    async def _say(self, link: Link) -> None:
        was_opened = bool(link.opened)
        while (message := self._message(link)) is not None:
            said = in_json(message)
            # It runs where a wait is registered. Of one that is only withdrawn it need not know where it does not.
            has_news = bool(message["open"] or message["returned"])
            # That of a source runs as a rule: others wait there too.
            is_likely = was_opened or not has_news or link.trigger is not None
            is_said = is_likely and await deliver(link.id, EVENTS_WAIT_SIGNAL, said)
            if has_news and not is_said:
                await self._post(link, said)
            was_opened = bool(link.opened)
        link.busy = False

    async def _post(self, link: Link, said: Json) -> None:
        """Start the workflow of a key with what is said to it. That of a source may be started for another wait."""
        if (starting := self._starting.get(link.id)) is not None:
            await starting.wait()
            if await deliver(link.id, EVENTS_WAIT_SIGNAL, said):
                return
        started = self._starting[link.id] = asyncio.Event()
        kind = EVENTS_WORKFLOW if link.trigger is None else WAITS_WORKFLOW
        await post(link.id, workflow.info().task_queue, EVENTS_WAIT_SIGNAL, said, workflow_type=kind)
        started.set()
        if self._starting.get(link.id) is started:
            del self._starting[link.id]

    def _message(self, link: Link) -> dict[str, Any] | None:
        unmet = 0 if self._is_ending else self._mailbox.unmet(link.name, link.key)
        new = range(self._numbers + 1, self._numbers + 1 + max(unmet - len(link.opened), 0))
        self._numbers += len(new)
        return link.message(unmet, new, self._began)

    def _show(self) -> None:
        waits = list(self._open.values())
        shown = {f"event-{number}": dict(each) for number, each in enumerate(waits[:_SHOWN], 1)}
        if len(waits) > _SHOWN:
            shown[f"event-{_SHOWN}"]["more"] = len(waits) - _SHOWN
        if shown != self._shown:
            self._shown = shown
            self._board.events = shown
            self._board.show()

    def take_signal(self, name: str, args: Sequence[RawValue]) -> None:
        """Take in an event, or what the workflow of a key says. Whatever it is, it does not fail the run's task."""
        data = message_data(args, workflow.payload_converter())
        if data is None:
            problem: str | None = "its data are no JSON, or nested too deep"
        elif name == EVENT_SIGNAL:
            problem = self._take_delivery(data)
        elif name == DELIVERY_SIGNAL:
            problem = self._take_webhook(data)
        elif name.startswith(OWN_WORKFLOWS) or not is_name(name, LONGEST_NAME):
            problem = "no event can have that name"
        else:
            problem = self._take_event(name, data)
        if problem is not None and not workflow.unsafe.is_replaying():
            _logger.warning(
                "run   %s  has not taken the event %s: %s", workflow.info().workflow_id, json.dumps(name[:200]), problem
            )

    def _take_event(self, name: str, data: list[Any]) -> str | None:
        more = data[1] if len(data) > 1 else {}
        sent_id = more.get("id") if isinstance(more, dict) else ""
        if len(data) > 2 or not isinstance(more, dict) or not (sent_id is None or is_name(sent_id, LONGEST_ID)):
            return 'it takes one argument, its data, and perhaps a second one, {"id": "…"}'
        if not self._mailbox.arrive(Arrived(name, None, data[0] if data else None), sent_id):
            return "as many events are kept for this run as there is room for"
        return None

    def _take_delivery(self, data: list[Any]) -> str | None:
        given = data[0] if len(data) == 1 and isinstance(data[0], dict) else {}
        source, name, key, owner = given.get("from"), given.get("name"), given.get("key"), given.get("owner")
        entry = read_entry(given.get("event"))
        # Names throughout: of what cannot be written, half a surrogate pair, no command can be made.
        if not is_name(source, 1_000) or not source.startswith(f"{EVENTS_ID_PREFIX}:"):
            return "it is none of this package"
        if entry is None or given.get("v") != MESSAGE_VERSION or not is_name(owner, 200):
            return "it is none of this package, or of a newer version"
        if owner == workflow.info().first_execution_run_id:
            if not is_name(name, LONGEST_NAME) or not is_name(key, LONGEST_KEY):
                return "no event can have that name or key"
        else:
            # For a run that had this id before.
            link = self._links.setdefault(("", source), Link("", "", source))
            link.gone.append(owner)
            self._give_back(Arrived("", "", None, (link, entry)))
            return None
        link = self._link(name, key)
        wait = given.get("wait")
        if wait in link.opened:
            link.opened.remove(wait)
        event = Arrived(name, key, entry["data"], (link, entry))
        if link.is_early(entry):
            self._give_back(event)
        else:
            self._mailbox.arrive(event)
        return None

    def _take_webhook(self, data: list[Any]) -> str | None:
        """Take in a delivery of a webhook, which a gateway gives to a wait of the run."""
        given = data[0] if len(data) == 1 and isinstance(data[0], dict) else {}
        name, key, owner, event = given.get("name"), given.get("key"), given.get("owner"), given.get("event")
        if isinstance(refused := given.get("refused"), list) and owner == workflow.info().first_execution_run_id:
            self._refuse_waits(key, refused)
            return None
        if given.get("v") != MESSAGE_VERSION or not is_name(owner, 200) or not isinstance(event, dict):
            return "it is none of this package, or of a newer version"
        if not is_name(name, LONGEST_NAME) or not is_name(key, LONGEST_KEY) or name.startswith(OWN_WORKFLOWS):
            return "no event can have that name or key"
        if not is_name(event.get("id"), LONGEST_ID) or "data" not in event:
            return "it is none of this package"
        if owner != workflow.info().first_execution_run_id:
            # For a run that had this id before. Where it waits, it is to be said that it does not any more.
            if is_name(source := given.get("source"), LONGEST_NAME):
                registry = waits_workflow_id(workflow.info().task_queue, source, owner)
                former = self._links.setdefault(("", registry), Link("", "", registry))
                former.gone.append(owner)
                self._dirty[former] = None
                self._speak()
            return None
        link = self._links.get((name, key))
        if link is not None and given.get("wait") in link.opened:
            # Spent, whatever becomes of the delivery, which the gateway says: who still waits opens another.
            link.opened.remove(given["wait"])
            self._dirty[link] = None
            self._speak()
        if not self._mailbox.arrive_for(Arrived(name, key, event["data"], id=event["id"])):
            return "as many events are kept for this run as there is room for"
        return None

    def _refuse_waits(self, key: Any, numbers: list[Any]) -> None:
        """Fail waits by a trigger that are not known where a gateway looks for them."""
        for link in self._links.values():
            if link.trigger is None or link.key != key:
                continue
            for number in [each for each in link.opened if each in numbers]:
                link.opened.remove(number)
                waits = (each for each in self._open if (each.name, each.key) == (link.name, link.key))
                wait = next((each for each in waits if each.event is None and not each.is_refused), None)
                if wait is not None:
                    wait.is_refused = True
                    wait.wake()

    def _give_back(self, event: Arrived) -> None:
        link, entry = event.source
        link.give_back(entry)
        self._dirty[link] = None
        self._changed.set()
        if self._speaker is None:
            self._speak()

    def _read(self, data: Any, request: EventWait, what: str, where: str) -> Any:
        if request.schema is None:
            return Event(data) if isinstance(data, dict) else data
        try:
            return self._serializer.codec(request.schema).load(data)
        except ValueProblem as problem:
            advice = "Send it in that shape, or wait for it with another schema="
            if request.trigger is not None:
                advice = "Narrow it down with match=, or wait for it with a model= that takes what is sent"
            raise EventError(f"{what}, which came to wait_for_event() at {where}: {problem}\n{advice}") from None


def _shown_time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
