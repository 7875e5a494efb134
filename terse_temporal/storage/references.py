"""What stands in a history in the place of what is stored."""

from __future__ import annotations

from typing import Final

from temporalio.api.common.v1 import Payload

__all__ = ["is_reference"]

#: What a payload is known by that stands for another one, as the SDKs write it.
_REFERENCES: Final = (
    ("messageType", b"temporal.api.sdk.v1.ExternalStorageReference"),
    ("encoding", b"json/external-storage-reference"),
)


def is_reference(payload: Payload) -> bool:
    """Return whether a payload stands for another one in a storage."""
    return any(payload.metadata.get(name) == value for name, value in _REFERENCES)
