"""Plain JSON as a payload whose objects keep the order of their keys.

The SDK's converter sorts keys, so that rows, prompts and columns that are made from a result would be in another order
than the function gave. What it would write as sorted JSON is written here in the same encoding, unsorted. A converter
of another kind (one that encodes as something else, or keeps the order by itself) has the word as before, and a payload
codec, such as one that encrypts, sees every payload anyway.
"""

from __future__ import annotations

import json
from typing import Any, Final

from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue
from temporalio.converter import PayloadConverter

__all__ = ["in_order", "payload_in_order"]

#: Whose order says whether a converter sorts.
_PROBE: Final = {"b": 0, "a": 0}
_SORTED: Final = b'{"a":0,"b":0}'


def payload_in_order(data: Any, converter: PayloadConverter) -> Payload:
    """JSON data as a payload, with its keys in their order where the converter would have sorted them."""
    if not isinstance(data, dict | list) or not _sorts(converter):
        return converter.to_payload(data)
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return Payload(metadata={"encoding": b"json/plain"}, data=text.encode())


def in_order(data: Any, converter: PayloadConverter) -> Any:
    """The same for the SDK, which passes a payload on as it is."""
    return RawValue(payload_in_order(data, converter)) if _sorts(converter) else data


def _sorts(converter: PayloadConverter) -> bool:
    probe = converter.to_payload(_PROBE)
    if probe.data != _SORTED or dict(probe.metadata) != {"encoding": b"json/plain"}:
        return False
    # One that is not the SDK's own need not know what a RawValue is.
    try:
        return list(converter.to_payloads([RawValue(probe)])) == [probe]
    except Exception:
        return False
