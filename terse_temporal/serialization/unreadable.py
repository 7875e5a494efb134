"""Why data of a history cannot be read in this process, in words of ours."""

from __future__ import annotations

from typing import Final

from ..errors import EncryptionKeyError, StorageError
from .payload_limits import STORAGE_VARIABLE

__all__ = ["unreadable_text"]

#: The number of the SDK's error where data are in a storage, and the client or worker has none.
_NO_STORAGE: Final = "[TMPRL1105]"


def unreadable_text(error: BaseException) -> str | None:
    """Return what is missing here: a key, a storage, or what should be in it; `None` where the error says neither."""
    if isinstance(error, EncryptionKeyError | StorageError):
        return str(error)
    if isinstance(error, RuntimeError) and _NO_STORAGE in str(error):
        return f"they are in a storage, and {STORAGE_VARIABLE} is not set here: set it to what others have"
    return None
