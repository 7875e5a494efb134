"""Which of many waits a delivery is for.

Waits are put together by their trigger and by the paths that they compare, so that a delivery costs the same for one
wait and for thousands that compare the same fields with other values. Plain data and no Temporal.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from ..triggers.base import Trigger
from ..triggers.deliveries import Delivery
from .registered_waits import RegisteredWait

__all__ = ["MISSING", "WaitIndex", "value_at"]

#: What stands where nothing does.
MISSING: Final = object()

#: A JSON scalar so that `1` is no `True`.
_Value: TypeAlias = tuple[str, Any]


def value_at(body: Any, path: str) -> Any:
    """Return what stands at a path of a body: fields, and places in lists, with dots between them; or `MISSING`.

    A field may be named in snake_case where the vendor writes camelCase. A field with a dot in its name is not found.
    """
    found = body
    for part in path.split("."):
        if isinstance(found, dict):
            found = found.get(part if part in found else _camel_case(part), MISSING)
        elif isinstance(found, list) and part.isascii() and part.isdigit() and len(part) < 10:
            found = found[int(part)] if int(part) < len(found) else MISSING
        else:
            return MISSING
    return found


@dataclass
class _Group:
    """The waits for one trigger."""

    trigger: Trigger[Any]
    by_paths: dict[tuple[str, ...], dict[tuple[_Value, ...], dict[RegisteredWait, None]]] = field(default_factory=dict)


class WaitIndex:
    """Waits, to be found by deliveries.

    Args:
        waits: the first ones.
    """

    def __init__(self, waits: Iterable[RegisteredWait] = ()) -> None:
        self._groups: dict[str, _Group] = {}
        self._waits: set[RegisteredWait] = set()
        for wait in waits:
            self.add(wait)

    def __len__(self) -> int:
        return len(self._waits)

    def __iter__(self) -> Iterator[RegisteredWait]:
        return iter(self._waits)

    def add(self, wait: RegisteredWait) -> None:
        """Take in a wait."""
        self._waits.add(wait)
        group = self._groups.setdefault(wait.trigger_text, _Group(wait.trigger))
        paths, values = _place(wait)
        group.by_paths.setdefault(paths, {}).setdefault(values, {})[wait] = None

    def remove(self, wait: RegisteredWait) -> None:
        """Leave out a wait, if it is there."""
        if wait not in self._waits:
            return
        self._waits.remove(wait)
        group = self._groups[wait.trigger_text]
        paths, values = _place(wait)
        table = group.by_paths[paths]
        del table[values][wait]
        if not table[values]:
            del table[values]
        if not table:
            del group.by_paths[paths]
        if not group.by_paths:
            del self._groups[wait.trigger_text]

    def find(self, delivery: Delivery) -> list[RegisteredWait]:
        """Return the waits that take a delivery, in the order in which they were opened."""
        found: list[RegisteredWait] = []
        for group in self._groups.values():
            if not group.trigger.accepts(delivery):
                continue
            for paths, table in group.by_paths.items():
                values = tuple(_comparable(value_at(delivery.body, path)) for path in paths)
                found += table.get(values, ())
        return sorted((each for each in found if each.takes(delivery)), key=lambda each: (each.n, each.number))


def _place(wait: RegisteredWait) -> tuple[tuple[str, ...], tuple[_Value, ...]]:
    paths = tuple(sorted(wait.match))
    return paths, tuple(_comparable(wait.match[path]) for path in paths)


def _comparable(value: Any) -> _Value:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return (type(value).__name__, value)
    # Not of an integer: one of 400 digits is JSON, and no float.
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return ("number", value)
    return ("other", None)


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(each[:1].upper() + each[1:] for each in others)
