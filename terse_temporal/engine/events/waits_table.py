"""What the workflow of the waits for deliveries holds: which runs wait, and for what.

Plain data and no Temporal, so that all of it can be tested without a server. See `waits_workflow.py` for the protocol.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ...execution.run_events import LONGEST_KEY, is_name
from ...serialization.json_text import encoded_size
from .messages import MESSAGE_VERSION, is_number
from .table import numbers_in

__all__ = ["WaitsTable"]

#: Bytes of all waits: about 4,000 of them. They are the input of the next run of the workflow, with the messages that
#: it has not come to, and the answer to a query, and the server takes 2 MiB of each.
MAX_BYTES: Final = 1280 * 1024

#: Waits of one run.
_MOST_WAITS: Final = 1_000

#: Bytes of what one wait takes.
_LONGEST_WAIT: Final = 8 * 1024


class WaitsTable:
    """The waits of runs for the deliveries of one source.

    Args:
        kept: what `to_wire` gave.
    """

    def __init__(self, kept: Any = None) -> None:
        given = kept if isinstance(kept, Mapping) else {}
        self._waits: dict[str, dict[int, dict[str, Any]]] = {}
        self._bytes = 0
        self._next = given["next"] if is_number(given.get("next")) else 0
        waits = given.get("waits")
        for each in waits if isinstance(waits, list) else []:
            if isinstance(each, Mapping):
                numbers = numbers_in([each.get("number")])
                self._put(each.get("owner"), each.get("run"), numbers, each, each.get("n"), each.get("at"))

    @property
    def is_empty(self) -> bool:
        """Whether nobody waits."""
        return not self._waits

    def apply(self, message: Mapping[str, Any], now: float) -> bool:
        """Take in what a run says of its waits; whether there was room for it.

        A wait that is opened again, as by a run that was reset, is a new one: it may be given a delivery once more.
        """
        owner = message.get("owner")
        self._withdraw(owner, numbers_in(message.get("close")))
        gone = message.get("gone")
        for each in gone if isinstance(gone, list) else ():
            self._withdraw(each, None)
        spent = message.get("spent")
        for each in spent if isinstance(spent, list) else ():
            self._spend(each)
        numbers = numbers_in(message.get("open"))
        if not numbers:
            return True
        self._next += 1
        wanted = message.get("for")
        if isinstance(wanted, Mapping) and self._put(owner, message.get("run"), numbers, wanted, self._next, now):
            return True
        self._withdraw(owner, numbers)
        return False

    def _spend(self, given: Any) -> None:
        """Take in that a wait was given a delivery, unless it was opened again since."""
        owner, number, n = given if isinstance(given, list) and len(given) == 3 else (None, None, None)
        for known in numbers_in([number]):
            entry = self._waits.get(owner, {}).get(known) if isinstance(owner, str) else None
            if entry is not None and entry["n"] == n:
                self._withdraw(owner, [known])

    def to_wire(self) -> dict[str, Any]:
        """Return all of it, as JSON."""
        return {"v": MESSAGE_VERSION, "next": self._next, "waits": self.waits()}

    def waits(self) -> list[dict[str, Any]]:
        """Return the waits, in the order in which they were opened."""
        found = [entry for entries in self._waits.values() for entry in entries.values()]
        return sorted(found, key=lambda each: (each["n"], each["number"]))

    def _put(self, owner: Any, run: Any, numbers: Iterable[int], wanted: Mapping[str, Any], n: Any, at: Any) -> bool:
        if not is_name(owner, 200) or not is_name(run, 1_000) or not is_number(n) or not is_number(at):
            return False
        if not is_name(wanted.get("key"), LONGEST_KEY) or not is_number(wanted.get("since")):
            return False
        if not isinstance(wanted.get("trigger"), dict) or not isinstance(wanted.get("match"), dict):
            return False
        what = {field: wanted[field] for field in ("trigger", "match", "since", "key")}
        if encoded_size(what) > _LONGEST_WAIT:
            return False
        for number in numbers:
            self._withdraw(owner, [number])
            entry = {"owner": owner, "run": run, "number": number, "n": n, "at": at, **what}
            size = encoded_size(entry)
            if self._bytes + size > MAX_BYTES or len(self._waits.get(owner, ())) >= _MOST_WAITS:
                return False
            self._waits.setdefault(owner, {})[number] = entry
            self._bytes += size
        return True

    def _withdraw(self, owner: Any, numbers: Iterable[int] | None) -> None:
        """Take in that a run no longer waits; without numbers, not at all."""
        entries = self._waits.get(owner, {}) if isinstance(owner, str) else {}
        for number in list(entries) if numbers is None else numbers:
            if (entry := entries.pop(number, None)) is not None:
                self._bytes -= encoded_size(entry)
        if not entries and isinstance(owner, str):
            self._waits.pop(owner, None)
