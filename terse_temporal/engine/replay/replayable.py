"""Which histories can be handed to the engine's replayer, and how much of them.

It was made for histories that a server has just written. Given one that is not whole (a file that was cut off or
edited, a run that no worker has begun) it aborts a thread of its own, or finds nothing to do, and says nothing: who
asked waits for ever.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.converter import DataConverter

from ...encryption.codec import EncryptionCodec, is_encrypted
from ...errors import EncryptionKeyError, StorageError
from ...serialization.payload_limits import STORAGE_VARIABLE
from ...storage.references import is_reference

__all__ = ["completed_events", "incomplete", "missing_data", "missing_key", "unknown_encoding"]

#: The encodings of the SDK's own converter.
_PLAIN: Final = frozenset([b"binary/null", b"binary/plain", b"json/protobuf", b"binary/protobuf", b"json/plain"])

_ENDS: Final = (EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED, EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT)
#: What of a workflow task may come before what.
_BEFORE: Final[Mapping[EventType.ValueType, Collection[EventType.ValueType | None]]] = {
    EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED: (EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED,),
    EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED: (EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED,),
}

_OF_TASKS: Final = (EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, *_BEFORE, *_ENDS)

#: What may come right after its start. Here the engine is particular: it aborts its thread, and is silent from then on.
_AFTER_STARTED: Final = (
    EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
    *_ENDS,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED,
)


def incomplete(events: Sequence[HistoryEvent]) -> str | None:
    """Return why a history cannot be replayed, or `None` if it can."""
    if not events:
        return "the history has no events"
    started = events[0]
    if not started.HasField("workflow_execution_started_event_attributes"):
        return "the history does not begin with the start of a run; what it begins with was cut off"
    if not started.workflow_execution_started_event_attributes.original_execution_run_id:
        return "the history's first event has no run id (originalExecutionRunId), without which it cannot be replayed"
    for before, event in pairwise(events):
        if event.event_id != before.event_id + 1:
            return f"the history has a gap: event {event.event_id} comes after event {before.event_id}"
    for before, event in pairwise(completed_events(events)):
        # The engine takes the next event for this, whatever it is.
        if before.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED and event.event_type not in _AFTER_STARTED:
            return _no_order(event.event_type, before.event_type)
    kinds = [event.event_type for event in events if event.event_type in _OF_TASKS]
    for was, is_ in pairwise([None, *kinds]):
        if is_ is not None and is_ in _BEFORE and was not in _BEFORE[is_]:
            return _no_order(is_, was)
    return None


def _no_order(kind: EventType.ValueType, before: EventType.ValueType | None) -> str:
    return f"the history is in an order that no server writes: {_name(kind)} comes after {_name(before)}"


def _name(kind: EventType.ValueType | None) -> str:
    return "nothing" if kind is None else EventType.Name(kind).removeprefix("EVENT_TYPE_")


def completed_events(events: Sequence[HistoryEvent]) -> Sequence[HistoryEvent]:
    """Return a history without the workflow task that is under way, whose commands nobody has recorded.

    The engine would take that one for new, and a handler's `log()` would print.
    """
    completed = [
        index for index, each in enumerate(events) if each.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    ]
    if not completed:
        return ()
    for index in range(completed[-1] + 1, len(events)):
        if events[index].event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED:
            return events[:index]
    return events


def missing_key(events: Iterable[HistoryEvent], converter: DataConverter) -> str | None:
    """Return a sentence about the key that the data of a history want, and that is not here."""
    codec = converter.payload_codec
    if not isinstance(codec, EncryptionCodec):
        return None
    for event in events:
        for payload in _payloads(event):
            try:
                codec.check_key(payload)
            except EncryptionKeyError as err:
                return str(err)
    return None


async def missing_data(events: Iterable[HistoryEvent], converter: DataConverter) -> str | None:
    """Return a sentence about data of a history that are in a storage, and cannot be read from here."""
    references = [each for event in events for each in _payloads(event) if is_reference(each)]
    if references and converter.external_storage is None:
        return (
            f"{len(references)} values of it are in a storage, and {STORAGE_VARIABLE} is not set here: set it to what"
            " their workers have"
        )
    for reference in references:
        try:
            await converter.decode([reference])
        except StorageError as err:
            return str(err)
        except Exception:  # what is wrong with it otherwise is another's to say
            continue
    return None


def unknown_encoding(events: Iterable[HistoryEvent], converter: DataConverter) -> str | None:
    """Return an encoding in the history that the converter does not know, if no codec is there to take it away."""
    codec = converter.payload_codec
    if codec is not None and not (isinstance(codec, EncryptionCodec) and codec.inner is None):
        return None
    others = (each for event in events for each in _payloads(event) if each.metadata.get("encoding", b"") not in _PLAIN)
    for payload in others:
        if is_encrypted(payload):
            continue
        try:
            converter.payload_converter.from_payload(payload)
        except Exception:
            return payload.metadata.get("encoding", b"").decode(errors="replace")
    return None


def _payloads(message: Message) -> Iterator[Payload]:
    if isinstance(message, Payload):
        yield message
        return
    for _, value in message.ListFields():
        if isinstance(value, Message):
            yield from _payloads(value)
        elif not isinstance(value, str | bytes | int | float):  # repeated, or a map
            inner = value.values() if hasattr(value, "values") else value
            for each in inner:
                if isinstance(each, Message):
                    yield from _payloads(each)
