"""Saying the same thing once, without remembering for ever what was said."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final

__all__ = ["Once"]

_MOST: Final = 10_000


class Once:
    """Tells what is new from what was met before, among the last that were met. Safe on any thread.

    What names a thing comes from outside (an activity type, a run id, the text of an error), as long and as many as
    somebody likes. So only its hash is kept, and of those a bounded number: what was forgotten is said again.

    Args:
        most: how many are remembered.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._met: OrderedDict[int, None] = OrderedDict()
        self._lock = threading.Lock()

    def is_new(self, name: str) -> bool:
        """Return whether this is the first time, and remember it."""
        key = hash(name)
        with self._lock:
            known = key in self._met
            self._met[key] = None
            self._met.move_to_end(key)
            if len(self._met) > self._most:
                self._met.popitem(last=False)
        return not known

    def forget(self, name: str) -> None:
        """Take it for new the next time."""
        with self._lock:
            self._met.pop(hash(name), None)

    def __len__(self) -> int:
        return len(self._met)
