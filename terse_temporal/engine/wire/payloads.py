"""Plain JSON as a payload whose objects keep the order of their keys.

The SDK's converter sorts keys, so that rows, prompts and columns that are made from a result would be in another order
than the function gave. What it would write as sorted JSON is written here in the same encoding, unsorted. A converter
of another kind (one that encodes as something else, or keeps the order by itself) has the word as before, and a payload
codec, such as one that encrypts, sees every payload anyway.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.common import RawValue
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    ExternalStorage,
    PayloadConverter,
    WithSerializationContext,
)

from ...serialization.json_text import Json, read_json
from ...serialization.large import paused_collector
from ...serialization.serializer import remember

__all__ = [
    "event_arguments",
    "in_json",
    "in_order",
    "json_text",
    "payload_in_order",
    "read_payload",
    "takes_context",
]

#: Whose order says whether a converter sorts.
_PROBE: Final = {"b": 0, "a": 0}
_SORTED: Final = b'{"a":0,"b":0}'

#: What objects, lists and texts begin with. The last would be the same, and are not encoded a second time.
_WRITTEN_HERE: Final = '{["'

_NOTHING: Final[Mapping[str, bytes]] = {}


def in_json(data: Any) -> Json:
    """Return JSON data that came from outside with its text, whatever is in it: NaN too, as an error would stop the
    workflow that holds it.
    """
    return Json(data, json.dumps(data, separators=(",", ":")))


def payload_in_order(value: Json, converter: PayloadConverter) -> Payload:
    """Return JSON as a payload, with its keys in their order where the converter would have sorted them."""
    if value.text[0] not in _WRITTEN_HERE or not _sorts(converter):
        return converter.to_payload(value.data)
    return Payload(metadata={"encoding": b"json/plain"}, data=value.text.encode())


def in_order(value: Json, converter: PayloadConverter, metadata: Mapping[str, bytes] = _NOTHING) -> Any:
    """Return the same for the SDK, which passes a payload on as it is; with metadata beside it, if any is given."""
    if not metadata and not _sorts(converter):
        return value.data
    payload = payload_in_order(value, converter)
    payload.metadata.update(metadata)
    return RawValue(payload)


def event_arguments(event: Json | None, client: Client) -> list[Any]:
    """Return the arguments with which a client starts a run for an event."""
    return [] if event is None else [in_order(event, client.data_converter.payload_converter)]


def json_text(payload: Payload, converter: PayloadConverter) -> bytes | None:
    """Return the JSON in a payload as it is written there; `None` where only the converter knows what is in it."""
    is_json = payload.metadata.get("encoding") == b"json/plain" and _sorts(converter)
    return payload.data if is_json else None


def read_payload(payload: Payload, converter: PayloadConverter) -> Any:
    """Return what a payload holds."""
    text = json_text(payload, converter)
    if text is not None:
        return read_json(text)  # not through three layers of the SDK's, for each step
    with paused_collector():
        return converter.from_payload(payload)


def takes_context(converter: DataConverter) -> bool:
    """Return whether a data converter, or a part of it, converts by what a payload belongs to."""
    parts = (
        converter.payload_converter_class(),
        converter.payload_codec,
        converter.failure_converter,
        converter.external_storage,
    )
    return type(converter).with_context is not DataConverter.with_context or any(map(_part_takes_context, parts))


def _part_takes_context(part: Any) -> bool:
    # The SDK's own converters hand a context on to those that they are made of, which as a rule take none.
    is_made_of = isinstance(part, CompositePayloadConverter)
    if is_made_of and type(part).with_context is CompositePayloadConverter.with_context:
        return any(isinstance(each, WithSerializationContext) for each in part.converters.values())
    # A storage is told with each payload which run or activity that is of.
    return isinstance(part, WithSerializationContext | ExternalStorage)


def _is_sorting(converter: PayloadConverter) -> bool:
    probe = converter.to_payload(_PROBE)
    if probe.data != _SORTED or dict(probe.metadata) != {"encoding": b"json/plain"}:
        return False
    # One that is not the SDK's own need not know what a RawValue is.
    try:
        return list(converter.to_payloads([RawValue(probe)])) == [probe]
    except Exception:
        return False


_sorts: Final = remember(_is_sorting, 16)
