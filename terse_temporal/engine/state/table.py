"""What the state workflow of a job holds: its values, and which writes have been applied.

Plain data and no Temporal, so that the workflow, and whoever reads its history, do the same with it.

The version of a value is the key of the write that made it: no two writes share one, also not across a state that was
lost and begun anew. An update says which version it was computed from, and is refused when that is not the one there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ...serialization.json_text import encoded_size

__all__ = ["MAX_STATE_BYTES", "TABLE_VERSION", "StateTable", "size_of_entry"]

#: Raised when a field changes its meaning.
TABLE_VERSION: Final = 1

#: All values of a job's state and their keys, as JSON. They are the input of the next run of the workflow, with the two
#: below, and the server takes 2 MiB.
MAX_STATE_BYTES: Final = 1024 * 1024

#: The keys of the last writes: about 3,500 of them, where a write that is repeated is so within seconds as a rule.
MAX_APPLIED_BYTES: Final = 256 * 1024

#: What updates gave whose value has been replaced since. A repeated one whose result is gone gives the value there is.
MAX_RESULTS_BYTES: Final = 256 * 1024


class StateTable:
    """The state of one job.

    Args:
        kept: what `to_wire` gave.

    A write is `{"op": "set" | "delete" | "update", "write": its key, "key": …, "value": …, "base": …}`, where `base` is
    the version that an update was computed from, `None` for a key that is not set. No version is empty: an update with
    the base `""` asks whether it has been made.
    """

    def __init__(self, kept: Mapping[str, Any] | None = None) -> None:
        kept = kept or {}
        self._values: dict[str, tuple[str, Any]] = {
            str(key): (str(entry[0]), entry[1]) for key, entry in (kept.get("values") or {}).items()
        }
        #: The key of an update's value; `None` for a set or delete, whose result the caller has.
        self._applied: dict[str, str | None] = {str(write): key for write, key in kept.get("applied") or ()}
        self._results: dict[str, Any] = {str(write): value for write, value in kept.get("results") or ()}
        self._sizes = {key: size_of_entry(key, value) for key, (_, value) in self._values.items()}
        self._applied_bytes = sum(size_of_entry(write, key) for write, key in self._applied.items())
        self._results_bytes = sum(size_of_entry(write, value) for write, value in self._results.items())

    def write(self, write: Any) -> dict[str, Any]:
        """Make a write, unless it has been made: the answer is the same.

        Returns:
            The new value of an update, as `"value"`. Or why the write cannot be made, as `"refused"`: `"conflict"`,
            another came between; `"size"`, with the bytes that the state would have; `"version"`, it is of a newer
            package; `"malformed"`, it is no write: anybody can send one.
        """
        if not isinstance(write, Mapping):
            return {"refused": "malformed"}
        if write.get("v") != TABLE_VERSION:
            return {"refused": "version"}
        if not _is_write(write):
            return {"refused": "malformed"}
        op, name, key = write["op"], write["write"], write["key"]
        if name not in self._applied:
            if op == "update" and write.get("base") != self._version(key):
                return {"refused": "conflict"}
            if op != "delete" and (size := self._size_with(key, write["value"])) > MAX_STATE_BYTES:
                return {"refused": "size", "bytes": size}
            self._keep_result(key)
            if op == "delete":
                self._values.pop(key, None)
                self._sizes.pop(key, None)
            else:
                self._values[key] = (name, write["value"])
                self._sizes[key] = size_of_entry(key, write["value"])
            self._remember(name, key if op == "update" else None)
        return {"value": self._result(name, key)} if op == "update" else {}

    def read(self, keys: Iterable[str] | None = None) -> dict[str, list[Any]]:
        """Version and value of the keys that are set, of all or of those given."""
        wanted = self._values if keys is None else [key for key in keys if key in self._values]
        return {key: list(self._values[key]) for key in wanted}

    def to_wire(self) -> dict[str, Any]:
        """Return all of it, as JSON. Under 1.6 MiB."""
        return {
            "v": TABLE_VERSION,
            "values": {key: list(entry) for key, entry in self._values.items()},
            # Lists, because their order counts, and not every converter keeps that of an object.
            "applied": [[write, key] for write, key in self._applied.items()],
            "results": [[write, value] for write, value in self._results.items()],
        }

    def _size_with(self, key: str, value: Any) -> int:
        return sum(self._sizes.values()) - self._sizes.get(key, 0) + size_of_entry(key, value)

    def _version(self, key: str) -> str | None:
        return self._values[key][0] if key in self._values else None

    def _result(self, write: str, key: str) -> Any:
        """Return what an update gave: what is still there, or was kept when it was replaced."""
        if write in self._results:
            return self._results[write]
        return self._values[key][1] if key in self._values else None

    def _keep_result(self, key: str) -> None:
        """Keep what the update gave whose value is about to be replaced."""
        if key not in self._values:
            return
        write, value = self._values[key]
        if self._applied.get(write) is None:
            return
        self._results[write] = value
        self._results_bytes += size_of_entry(write, value)
        while self._results_bytes > MAX_RESULTS_BYTES:
            oldest = next(iter(self._results))
            self._results_bytes -= size_of_entry(oldest, self._results.pop(oldest))

    def _remember(self, write: str, key: str | None) -> None:
        self._applied[write] = key
        self._applied_bytes += size_of_entry(write, key)
        while self._applied_bytes > MAX_APPLIED_BYTES:
            oldest = next(iter(self._applied))
            self._applied_bytes -= size_of_entry(oldest, self._applied.pop(oldest))
            if oldest in self._results:
                self._results_bytes -= size_of_entry(oldest, self._results.pop(oldest))


def _is_write(write: Mapping[str, Any]) -> bool:
    names = (write.get("write"), write.get("key"))
    return (
        write.get("op") in ("set", "update", "delete")
        and all(isinstance(name, str) and name for name in names)
        and (write["op"] == "delete" or "value" in write)
    )


def size_of_entry(key: str, value: Any) -> int:
    """Bytes of an entry, with the brackets, commas and the version around it."""
    return encoded_size(key) + encoded_size(value) + 42
