"""How large a value may be that is recorded.

Without a storage that is what the server takes into a history. With one (`TERSE_STORAGE`, or an external storage on the
client's data converter) a history has a reference in its place, and the limit is what a process can hold several times
over while it writes it.
"""

from __future__ import annotations

import os
from typing import Final

__all__ = ["LARGEST_RECORDED", "LARGEST_STORED", "STORAGE_VARIABLE", "largest_payload", "over_limit", "storage_found"]

#: The environment variable that says where large data are stored.
STORAGE_VARIABLE: Final = "TERSE_STORAGE"

#: The server refuses a value over 2 MiB (`limit.blobSize.error`). A little less, because codecs add to it.
LARGEST_RECORDED: Final = 2 * 1024 * 1024 - 4096

#: An eighth of what one message of protobuf may be. A worker holds up to six copies of it while a step hands it in.
LARGEST_STORED: Final = 256 * 1024 * 1024

_found = False


def storage_found() -> None:
    """Say that this process has a client with a storage of its own, which the environment knows nothing of."""
    global _found  # noqa: PLW0603  # of the process, as the environment is
    _found = True


def largest_payload() -> int:
    """Return how many bytes of JSON a value may have that is recorded.

    In a durable handler ask `may_record`, which on a replay says what it said at first.
    """
    return LARGEST_STORED if _found or os.environ.get(STORAGE_VARIABLE) else LARGEST_RECORDED


def over_limit(size: int, otherwise: str, most: int = LARGEST_RECORDED) -> str:
    """Return the end of a message: how many bytes it is, and are taken, and what to do.

    Args:
        size: bytes.
        otherwise: a sentence with the way that is there without a storage too.
        most: bytes that the server takes.
    """
    if largest_payload() > LARGEST_RECORDED:
        return f"{size:,} bytes, and {LARGEST_STORED:,} at most can be stored. {otherwise}"
    return (
        f"{size:,} bytes, and the server takes {most:,} at most. {otherwise} Or set {STORAGE_VARIABLE} for workers and"
        " clients, which keeps what is large outside of histories (`terse-temporal explain storage`)."
    )
