"""What the environment says about storing large data."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Final

from ..errors import StorageError
from ..serialization.payload_limits import LARGEST_RECORDED, STORAGE_VARIABLE

__all__ = ["DEFAULT_OVER", "OVER_VARIABLE", "StorageSettings", "settings_from_environment"]

#: The environment variable that says from which size on data are stored there.
OVER_VARIABLE: Final = "TERSE_STORAGE_OVER"

#: Bytes from which on data are stored, where it is not set. A history of 50 MiB has room for 400 that are just smaller.
DEFAULT_OVER: Final = 128 * 1024

_SIZE: Final = re.compile(r"(\d{1,12})\s*(|B|kB|KB|MB|KiB|MiB)", re.ASCII)
_UNITS: Final = {"": 1, "B": 1, "kB": 1000, "KB": 1000, "MB": 1000**2, "KiB": 1024, "MiB": 1024**2}


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """Where large data are stored, and which are large.

    Attributes:
        url: of the storage, perhaps with a password.
        over: bytes from which on data are stored.
    """

    url: str
    over: int


def settings_from_environment() -> StorageSettings | None:
    """Return what TERSE_STORAGE and TERSE_STORAGE_OVER say; `None` where the first is not set.

    Raises:
        StorageError: the second is no size.
    """
    url = os.environ.get(STORAGE_VARIABLE, "").strip()
    return StorageSettings(url, _over(os.environ.get(OVER_VARIABLE, "").strip())) if url else None


def _over(text: str) -> int:
    if not text:
        return DEFAULT_OVER
    found = _SIZE.fullmatch(text)
    size = int(found[1]) * _UNITS[found[2]] if found else None
    if size is None or size > LARGEST_RECORDED:
        raise StorageError(
            f"{OVER_VARIABLE}={text[:100]!r} is no size from which on data are stored: a whole number of bytes, kB, KB,"
            f' MB, KiB or MiB, such as "64KiB", and at most {LARGEST_RECORDED:,} bytes, which a history can hold.'
        )
    return size
