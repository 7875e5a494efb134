"""What calls of a run have come to, found again by the hash of it.

What a history holds once need not be written to it a second time. A turn of a model is told the conversation before by
the hash of what the turn before has come to, and what a tool has returned by the hash of that; a worker that has not
got these at hand reads them from the history of the run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from typing import Any, Final, Protocol

__all__ = ["SHORTEST_REFERRED", "RecordedResults", "ResultsUnreadableError", "long_hash", "result_hash"]

#: Bytes from which on something is referred to; a hash and what is around it have some eighty.
SHORTEST_REFERRED: Final = 1024

#: In one order of keys, whichever that is in which a result comes back.
_sorted_text: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def result_hash(data: Any) -> str:
    """Return the hash of a result: the SHA-256 of its JSON without spaces, keys sorted, in ASCII. It is a format."""
    return _hash(_sorted_text(data))


def long_hash(data: Any) -> str | None:
    """Return the hash of a result that is long enough to be referred to, else `None`."""
    text = _sorted_text(data)
    return _hash(text) if len(text) >= SHORTEST_REFERRED else None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class RecordedResults(Protocol):
    """What calls of one run have come to."""

    async def find(self, hashes: Collection[str]) -> dict[str, Any]:
        """Return results, as JSON, by their hashes. Those that the history does not have are missing.

        Raises:
            ResultsUnreadableError: the history cannot be read now.
        """


class ResultsUnreadableError(Exception):
    """The history of a run cannot be read now. The call has not begun, and is tried again."""
