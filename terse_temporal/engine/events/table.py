"""What the workflow of a name and key holds: who waits, the events that nobody has taken, the ids of senders.

Plain data and no Temporal, so that all of it can be tested without a server. See `workflow.py` for the protocol.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ...execution.run_events import LONGEST_ID, LONGEST_KEY, LONGEST_NAME, is_name
from ...serialization.json_text import encoded_size
from .messages import MESSAGE_VERSION, is_number, read_entry

__all__ = ["EventsTable", "Waiting", "numbers_in"]

#: Events that are kept for one key, how many and how many bytes. Whatever more is sent before somebody takes one is
#: refused, with a line in the worker's log: they are the input of the next run of the workflow, with the two below, and
#: the server takes 2 MiB.
MAX_KEPT: Final = 1_000
MAX_KEPT_BYTES: Final = 1024 * 1024 + 64 * 1024

#: Bytes of the registrations of runs: 2,000 and more.
MAX_WAITING_BYTES: Final = 512 * 1024

#: Ids of senders that are remembered: how many, the oldest forgotten first, and bytes.
MAX_IDS: Final = 2_000
MAX_IDS_BYTES: Final = 256 * 1024

#: Waits of one run that are registered under one key.
_MOST_WAITS: Final = 1_000


class Waiting:
    """A run that waits.

    Attributes:
        owner: what the run is called here, the same in all runs of its chain and after a reset.
        run: its workflow id.
        numbers: of its waits, in their order.
    """

    def __init__(self, owner: str, run: str, numbers: list[int]) -> None:
        self.owner = owner
        self.run = run
        self.numbers = numbers

    @property
    def size(self) -> int:
        """Bytes of it, about."""
        return encoded_size(self.run) + len(self.owner) + 8 * len(self.numbers) + 32


class EventsTable:
    """The events of one name and key.

    Args:
        kept: what `to_wire` gave.
    """

    def __init__(self, kept: Any = None) -> None:
        given = kept if isinstance(kept, Mapping) else {}
        self.name, self.key = "", ""
        self._entries: list[dict[str, Any]] = []
        self._bytes = 0
        self._ids: dict[str, float] = {}
        self._waiting: dict[str, Waiting] = {}
        self._ids_bytes = self._waiting_bytes = 0
        self._next = given["next"] if is_number(given.get("next")) else 0
        self.learn(given)
        for each in _list(given.get("kept")):
            if (entry := read_entry(each)) is not None:
                self.keep(entry)
        for each in _list(given.get("ids")):
            if not isinstance(each, list) or len(each) != 2 or not is_name(each[0], LONGEST_ID):
                continue
            if is_number(each[1]) and each[0] not in self._ids:
                self._remember(each[0], each[1])
        for each in _list(given.get("waiting")):
            if isinstance(each, list) and len(each) == 3:
                self.register(each[0], each[1], numbers_in(each[2]))

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits, nothing is kept and nothing has to be remembered."""
        return not (self._entries or self._ids or self._waiting)

    @property
    def next_expiry(self) -> float | None:
        """When the next event or id is over."""
        return min([*(each["until"] for each in self._entries), *self._ids.values()], default=None)

    @property
    def waiting(self) -> list[Waiting]:
        """The runs that wait, in the order in which they have begun to."""
        return list(self._waiting.values())

    def learn(self, message: Mapping[str, Any]) -> None:
        """Learn from a message what the events are called, to say it on."""
        if not self.name and is_name(message.get("name"), LONGEST_NAME) and is_name(message.get("key"), LONGEST_KEY):
            self.name, self.key = message["name"], message["key"]

    def accept(self, message: Any, now: float) -> dict[str, Any] | str | None:
        """Take in an event that is sent.

        Returns:
            It, as it is kept; `None` where its id has come before; a string says why it is refused.
        """
        if not isinstance(message, Mapping) or message.get("v") != MESSAGE_VERSION or "data" not in message:
            return "it is none of this package, or of a newer version"
        keep, sent_id, remember = message.get("keep"), message.get("id"), message.get("remember")
        if not is_number(keep) or not (sent_id is None or is_name(sent_id, LONGEST_ID)):
            return "it has another shape"
        self.learn(message)
        if sent_id is not None:
            if sent_id in self._ids:
                return None
            self._remember(sent_id, now + (remember if is_number(remember) else keep))
        self._next += 1
        entry_id = sent_id if sent_id is not None else f"#{now:.6f}.{self._next}"
        return {"id": entry_id, "data": message["data"], "at": now, "until": now + keep, "n": self._next}

    def keep(self, entry: dict[str, Any]) -> bool:
        """Keep an event that nobody has taken, at its place; whether there is room."""
        size = encoded_size(entry)
        if len(self._entries) >= MAX_KEPT or self._bytes + size > MAX_KEPT_BYTES:
            return False
        self._entries.append(entry)
        self._entries.sort(key=lambda each: (each["at"], each["n"]))
        self._bytes += size
        return True

    def forget(self, sent_id: Any) -> None:
        """Forget the id of an event that could not be kept."""
        if isinstance(sent_id, str) and sent_id in self._ids:
            self._forget(sent_id)

    def expire(self, now: float) -> None:
        """Forget what is over."""
        for entry in [each for each in self._entries if each["until"] <= now]:
            self._remove(entry)
        for each in [each for each, until in self._ids.items() if until <= now]:
            self._forget(each)

    def register(self, owner: Any, run: Any, numbers: list[int]) -> bool:
        """Take in that a run waits; whether it could be."""
        if not is_name(owner, 200) or not is_name(run, 1_000):
            return False
        found = self._waiting.get(owner)
        known = found.numbers if found is not None else []
        merged = Waiting(owner, run, sorted({*known, *numbers})[:_MOST_WAITS])
        others = self._waiting_bytes - (found.size if found is not None else 0)
        if numbers and others + merged.size > MAX_WAITING_BYTES:
            return False
        if merged.numbers:
            self._waiting[owner] = merged
            self._waiting_bytes = others + merged.size
        return True

    def withdraw(self, owner: Any, numbers: list[int] | None = None) -> None:
        """Take in that a run no longer waits; without numbers, not at all."""
        found = self._waiting.get(owner) if isinstance(owner, str) else None
        if found is not None:
            self._waiting_bytes -= found.size
            found.numbers = [each for each in found.numbers if numbers is not None and each not in numbers]
            if found.numbers:
                self._waiting_bytes += found.size
            else:
                del self._waiting[found.owner]

    def take(self, waiting: Waiting) -> int:
        """Return the number of the first wait of a run, which an event is given to."""
        number = waiting.numbers[0]
        self.withdraw(waiting.owner, [number])
        return number

    def match(self) -> tuple[dict[str, Any], Waiting] | None:
        """Return the first event that is kept for which somebody waits, taken out, and who."""
        for entry in self._entries:
            for waiting in self._waiting.values():
                if entry.get("only") in (None, waiting.owner):
                    self._remove(entry)
                    return entry, waiting
        return None

    def to_wire(self) -> dict[str, Any]:
        """Return all of it, as JSON. Under 2 MiB."""
        return {
            "v": MESSAGE_VERSION,
            "name": self.name,
            "key": self.key,
            "next": self._next,
            "kept": self._entries,
            "ids": [list(each) for each in self._ids.items()],
            "waiting": [[each.owner, each.run, each.numbers] for each in self._waiting.values()],
        }

    def _remember(self, sent_id: str, until: float) -> None:
        self._ids[sent_id] = until
        self._ids_bytes += encoded_size(sent_id) + 32
        while len(self._ids) > MAX_IDS or self._ids_bytes > MAX_IDS_BYTES:
            self._forget(next(iter(self._ids)))

    def _forget(self, sent_id: str) -> None:
        del self._ids[sent_id]
        self._ids_bytes -= encoded_size(sent_id) + 32

    def _remove(self, entry: dict[str, Any]) -> None:
        self._entries.remove(entry)
        self._bytes -= encoded_size(entry)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def numbers_in(value: Any) -> list[int]:
    """Return the numbers in what should be a list of them."""
    given = [each for each in _list(value)[:_MOST_WAITS] if isinstance(each, int) and not isinstance(each, bool)]
    return [each for each in given if 0 <= each < 2**53]  # so that a thousand of them are no megabyte
