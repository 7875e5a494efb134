"""What runs, senders and the workflow of a key say to each other, and how large it may be.

All of it is JSON, in signals that anybody can send: it is read with every shape checked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeGuard

from temporalio.common import RawValue
from temporalio.converter import PayloadConverter

from ...execution.run_events import LONGEST_ID, EventToSend, is_name
from ...serialization.codec import Json, json_object, too_deep
from ...serialization.wire_names import EVENTS_ID_PREFIX
from ..wire.workflow_ids import escape_name

__all__ = ["MESSAGE_VERSION", "events_workflow_id", "message_data", "read_entry", "send_message"]

#: Raised when a field changes its meaning.
MESSAGE_VERSION: Final = 1

#: Bytes of a workflow id that is made of the names as they are. Some databases behind Temporal take 255.
_LONGEST_READABLE: Final = 200


def events_workflow_id(task_queue: str, name: str, key: str) -> str:
    """Return the id of the workflow of a name and key.

    It is `terse-events:<task queue>:<name>:<key>`, with `%` and `:` in them escaped. Where that is too long, a hash
    stands for the last three.
    """
    names = [escape_name(each) for each in (task_queue, name, key)]
    readable = ":".join([EVENTS_ID_PREFIX, *names])
    if len(readable.encode()) <= _LONGEST_READABLE:
        return readable
    return f"{EVENTS_ID_PREFIX}:#{hashlib.sha256(json.dumps(names).encode()).hexdigest()[:40]}"


def send_message(event: EventToSend) -> Json:
    """Return an event as it is sent to the workflow of its key."""
    fields: dict[str, Any] = {
        "v": MESSAGE_VERSION,
        "name": event.name,
        "key": event.key,
        "keep": event.keep.total_seconds(),
    }
    if event.id is not None:
        fields |= {"id": event.id, "remember": event.remember.total_seconds()}
    return json_object(fields, {"data": event.data})


def message_data(args: Sequence[RawValue], converter: PayloadConverter) -> list[Any] | None:
    """Return the arguments of a signal as JSON data; `None` where one is no JSON, or nested too deep."""
    try:
        data = [converter.from_payload(each.payload) for each in args]
        if too_deep(data) is not None or json.loads(json.dumps(data)) != data:
            return None
    except Exception:  # another program's, or encrypted for somebody else
        return None
    return data


def read_entry(given: Any) -> dict[str, Any] | None:
    """Return an event as the workflow of a key keeps it, or `None`.

    It has `id` (within that workflow), `data`, `at` and `until` (seconds since 1970), `n` (its place among those of one
    moment), and perhaps `only` (the run it is kept for) and `shared` (others were given it too).
    """
    if not isinstance(given, Mapping) or "data" not in given:
        return None
    if not all(is_number(given.get(field)) for field in ("at", "until", "n")):
        return None
    if not is_name(given.get("id"), LONGEST_ID + 80):
        return None
    only = given.get("only")
    entry = {field: given[field] for field in ("id", "data", "at", "until", "n")}
    if isinstance(only, str):
        entry["only"] = only
    if given.get("shared") is True:
        entry["shared"] = True
    return entry


def is_number(value: Any) -> TypeGuard[float]:
    """Return whether it is a number that a moment can be, or a place in an order."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e11
