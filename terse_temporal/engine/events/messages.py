"""What runs, senders and the workflow of a key say to each other, and how large it may be.

All of it is JSON, in signals that anybody can send: it is read with every shape checked.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias, TypeGuard

from temporalio.common import RawValue
from temporalio.converter import PayloadConverter

from ...errors import EventError
from ...execution.run_events import LONGEST_ID, EventToSend, is_name
from ...serialization.json_text import Json, json_object
from ...serialization.value_problems import too_deep
from ...serialization.wire_names import EVENTS_ID_PREFIX, EVENTS_SEND_SIGNAL, EVENTS_WAIT_SIGNAL, WAITS_ID_PREFIX
from ..wire.workflow_ids import escape_name

__all__ = [
    "MESSAGE_VERSION",
    "WAITS_WORKFLOWS",
    "events_workflow_id",
    "is_number",
    "message_data",
    "read_entry",
    "read_input",
    "send_message",
    "source_of_waits",
    "waits_workflow_id",
]

_Inbox: TypeAlias = deque[tuple[str, Any]]

#: Raised when a field changes its meaning.
MESSAGE_VERSION: Final = 1

#: Workflows among which the waits for the deliveries of one source are spread.
WAITS_WORKFLOWS: Final = 4

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


def waits_workflow_id(task_queue: str, source: str, first_run_id: str) -> str:
    """Return the id of the workflow that knows the waits of a run for the deliveries of a source.

    It is `terse-waits:<task queue>:<source>:<number>`; a long name of a task queue is hashed. Runs are spread over a
    few, because what one holds has to fit into its input.
    """
    number = int(hashlib.sha256(first_run_id.encode()).hexdigest(), 16) % WAITS_WORKFLOWS
    return f"{_waits_prefix(task_queue)}{escape_name(source)}:{number}"


def source_of_waits(id: str, task_queue: str) -> str | None:
    """Return the source in the id of such a workflow of a task queue; `None` of any other id."""
    prefix = _waits_prefix(task_queue)
    source, _, number = id.removeprefix(prefix).partition(":")
    return source if id.startswith(prefix) and number.isdigit() else None


def _waits_prefix(task_queue: str) -> str:
    queue = escape_name(task_queue)
    if len(queue.encode()) > _LONGEST_READABLE:
        queue = f"#{hashlib.sha256(queue.encode()).hexdigest()[:40]}"
    return f"{WAITS_ID_PREFIX}:{queue}:"


def read_input(given: RawValue | None, converter: PayloadConverter, what: str) -> tuple[dict[str, Any], _Inbox]:
    """Return what a workflow of events is started with, and the messages in it.

    Args:
        given: its input, which may be anybody's.
        converter: what reads it.
        what: it holds, for a message.

    Raises:
        EventError: a newer version has written it. It fails the workflow task, not the run, which then waits for the
            worker that knows it.
    """
    found = message_data([given], converter) if given is not None else None
    kept: dict[str, Any] = found[0] if found and isinstance(found[0], dict) else {}
    version = kept.get("v")
    if isinstance(version, int) and version > MESSAGE_VERSION:
        raise EventError(
            f"these {what} are of version {version}, and this worker reads up to {MESSAGE_VERSION}: a newer one wrote"
            " them. They wait for a worker of that version."
        )
    inbox = kept.get("inbox")
    return kept, deque((each[0], each[1]) for each in (inbox if isinstance(inbox, list) else []) if _is_said(each))


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


def _is_said(given: Any) -> bool:
    return isinstance(given, list) and len(given) == 2 and given[0] in (EVENTS_SEND_SIGNAL, EVENTS_WAIT_SIGNAL)


def is_number(value: Any) -> TypeGuard[float]:
    """Return whether it is a number that a moment can be, or a place in an order."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e11
