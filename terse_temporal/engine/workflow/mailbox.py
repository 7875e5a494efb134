"""The events of one run: which it has been sent and not taken, and which of its waits they go to.

Plain data and no Temporal, so that all of it can be tested without a server. It depends on nothing but the order of
what is done with it, which is that of the history.

An event belongs to a wait from the moment at which both are there, and the wait takes it when its task goes on. Between
the two that task may be cancelled (`asyncio.timeout`, the loser of `asyncio.wait`): then the event is there again, at
its old place, and goes to the next wait. So nothing has to be undone that somebody has seen.

An event that was sent by key is kept by the workflow of its key, not here: where no wait can have it, it is given back.
A delivery of a webhook is kept here, under the key of the wait that it was given for. A gateway that finds another wait
for it gives it again: then it is for that one, unless it was taken.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Mapping
from typing import Any, Final

from ...execution.run_events import LONGEST_ID, LONGEST_KEY, LONGEST_NAME, is_name
from ...serialization.json_text import encoded_size
from ...serialization.wire_names import DELIVERY_SIGNAL

__all__ = ["Arrived", "Mailbox", "Wait"]

#: Events that a run keeps, how many and how many bytes: they are carried on when it is continued as new. What comes
#: beyond is refused, with a line in the worker's log. The server takes 10,000 signals of a run, and 50 MiB in all.
MAX_KEPT: Final = 2_000
MAX_KEPT_BYTES: Final = 1024 * 1024 + 64 * 1024

#: Ids of events that are remembered, the oldest forgotten first: how many, and bytes.
MAX_IDS: Final = 2_000
MAX_IDS_BYTES: Final = 256 * 1024


class Arrived:
    """An event that has been sent to a run.

    Attributes:
        name, key: by which it is waited for; the key is `None` where it was sent to the run itself.
        data: plain JSON.
        source: of an event by key, what it is given back with.
        id: of a delivery, its own.
        number: its place.
    """

    def __init__(self, name: str, key: str | None, data: Any, source: Any = None, id: str | None = None) -> None:
        self.name = name
        self.key = key
        self.data = data
        self.source = source
        self.id = id
        self.number = 0

    def __lt__(self, other: Arrived) -> bool:
        return self.number < other.number

    @property
    def size(self) -> int:
        """Bytes of it, where it is kept."""
        return encoded_size(self.to_wire())

    def to_wire(self) -> list[Any]:
        """Return it as it is carried on."""
        return [self.name, self.data] if self.id is None else [self.name, self.data, self.key, self.id]


class Wait:
    """A wait of a run.

    Attributes:
        name, key: of what is waited for.
        wake: called when there is an event for it.
        event: that event, until the wait goes on with it.
        is_refused: whether it cannot be waited for, as there are too many that wait.
    """

    def __init__(self, name: str, key: str | None, wake: Callable[[], object]) -> None:
        self.name = name
        self.key = key
        self.wake = wake
        self.event: Arrived | None = None
        self.is_refused = False

    def can_have(self, event: Arrived) -> bool:
        """Return whether it is what is waited for. An event that was sent to the run is for it under any key."""
        return event.name == self.name and event.key in (None, self.key)


class Mailbox:
    """The events of one run.

    Args:
        give_back: called with an event by key that no wait can have.
    """

    def __init__(self, give_back: Callable[[Arrived], object]) -> None:
        self._give_back = give_back
        self._kept: dict[str, list[Arrived]] = {}
        self._waits: dict[str, list[Wait]] = {}
        self._ids: dict[tuple[str, str], None] = {}
        self._ids_bytes = 0
        self._count = self._bytes = self._arrived = 0

    @property
    def waits(self) -> list[Wait]:
        """The waits for which there is no event yet."""
        return [wait for waits in self._waits.values() for wait in waits if wait.event is None]

    def unmet(self, name: str, key: str) -> int:
        """Return how many waits under a key have no event yet."""
        return sum(wait.key == key and wait.event is None for wait in self._waits.get(name, ()))

    def arrive(self, event: Arrived, id: str | None = None) -> bool:
        """Take in an event; whether there was room for it. One whose id has come before is none."""
        if id is not None and (event.name, id) in self._ids:
            return True
        self._arrived += 1
        event.number = self._arrived
        is_placed = self._place(event)
        # One that is refused may be sent again.
        if id is not None and is_placed:
            self._remember(event.name, id)
        return is_placed

    def arrive_for(self, event: Arrived) -> bool:
        """Take in a delivery, for a wait of its name and key; whether there was room for it.

        One that has come before is none where a wait has it; where it is kept, it is now for this wait.
        """
        assert event.id is not None
        if (DELIVERY_SIGNAL, event.id) not in self._ids:
            self._arrived += 1
            event.number = self._arrived
            is_placed = self._place(event)
            if is_placed:
                self._remember(DELIVERY_SIGNAL, event.id)
            return is_placed
        kept = next((each for events in self._kept.values() for each in events if each.id == event.id), None)
        if kept is not None and (kept.name, kept.key) != (event.name, event.key):
            self._drop(kept)
            kept.name, kept.key = event.name, event.key
            self._place(kept, again=True)
        return True

    def open(self, wait: Wait) -> None:
        """Take in a wait. It may have its event at once."""
        self._waits.setdefault(wait.name, []).append(wait)
        kept = self._kept.get(wait.name, [])
        found = next((event for event in kept if wait.can_have(event)), None)
        if found is not None:
            self._drop(found)
            wait.event = found

    def take(self, wait: Wait) -> Arrived | None:
        """End a wait that goes on, and return its event, if it has one."""
        self._end(wait)
        return wait.event

    def withdraw(self, wait: Wait) -> None:
        """End a wait that does not go on. What it had not taken goes to the next one."""
        self._end(wait)
        if wait.event is not None:
            event, wait.event = wait.event, None
            self._place(event, again=True)

    def end_all(self) -> None:
        """End every wait, as the run ends."""
        for wait in [wait for waits in self._waits.values() for wait in waits]:
            self.withdraw(wait)

    def carried(self) -> dict[str, Any] | None:
        """Return what a run has to take along that continues this one, as JSON; `None` where that is nothing."""
        kept = sorted(event for events in self._kept.values() for event in events)
        if not kept and not self._ids:
            return None
        return {"v": 1, "kept": [each.to_wire() for each in kept], "ids": [list(each) for each in self._ids]}

    def restore(self, carried: Any) -> None:
        """Take in what was carried on. What is not of that shape is left out."""
        given: Mapping[str, Any] = carried if isinstance(carried, Mapping) else {}
        for field in ("kept", "ids"):
            pairs = given.get(field)
            for each in pairs if isinstance(pairs, list) else []:
                if not isinstance(each, list) or len(each) not in (2, 4) or not is_name(each[0], LONGEST_NAME):
                    continue
                if len(each) == 4:
                    # Its id stands among the ids, which are read behind what is kept.
                    if field == "kept" and is_name(each[2], LONGEST_KEY) and is_name(each[3], LONGEST_ID):
                        self.arrive_for(Arrived(each[0], each[2], each[1], id=each[3]))
                elif field == "kept":
                    self.arrive(Arrived(each[0], None, each[1]))
                elif is_name(each[1], LONGEST_ID):
                    self._remember(*each)

    def _remember(self, name: str, id: str) -> None:
        if (name, id) in self._ids:
            return
        self._ids[name, id] = None
        self._ids_bytes += encoded_size([name, id])
        while len(self._ids) > MAX_IDS or self._ids_bytes > MAX_IDS_BYTES:
            oldest = next(iter(self._ids))
            self._ids_bytes -= encoded_size(list(oldest))
            del self._ids[oldest]

    def _place(self, event: Arrived, *, again: bool = False) -> bool:
        """Give an event to the first wait that can have it, or keep it."""
        waits = self._waits.get(event.name, ())
        for wait in waits:
            # One that has a later event of the two gives it to the next: events are taken in their order.
            if wait.can_have(event) and (wait.event is None or (again and event < wait.event)):
                given, wait.event = wait.event, event
                if given is None:
                    wait.wake()
                else:
                    self._place(given, again=True)
                return True
        if event.source is not None:
            self._give_back(event)
            return True
        if not again and (self._count >= MAX_KEPT or self._bytes + event.size > MAX_KEPT_BYTES):
            return False
        insort(self._kept.setdefault(event.name, []), event)
        self._count += 1
        self._bytes += event.size
        return True

    def _drop(self, event: Arrived) -> None:
        events = self._kept[event.name]
        events.remove(event)
        if not events:
            del self._kept[event.name]
        self._count -= 1
        self._bytes -= event.size

    def _end(self, wait: Wait) -> None:
        waits = self._waits.get(wait.name, [])
        if wait in waits:
            waits.remove(wait)
        if not waits:
            self._waits.pop(wait.name, None)
