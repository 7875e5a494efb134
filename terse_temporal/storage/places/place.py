"""What every kind of storage can do: keep bytes under the hash of their content, and forget them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

__all__ = ["ACCEPTED", "REFRESHED_AFTER", "Place", "StoredEntry"]

#: What TERSE_STORAGE may be, for errors.
ACCEPTED: Final = (
    "it begins with file://, s3:// or gs://, or is the URL of a database as SQLAlchemy has them, such as"
    " postgresql://user:password@host/database"
)

#: How old what is stored already may be, before writing it again counts. So the age of a thing says how long nobody has
#: stored it, to this exactness, and a rule of a bucket that deletes by age does not take what is in use again.
REFRESHED_AFTER: Final = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """One thing that is stored.

    Attributes:
        key: the SHA-256 of its content, in hexadecimal.
        size: bytes.
        stored_at: when it was stored last.
    """

    key: str
    size: int
    stored_at: datetime


class Place(Protocol):
    """A storage. Its methods block, and may be called on several threads at once.

    Whatever they raise beyond what is told here is a failure of the place.

    Attributes:
        name: its URL as it may be shown, without a password.
    """

    name: str

    def write(self, key: str, data: bytes) -> None:
        """Store data under a key, whole or not at all; where it is there already, only its age is made new."""

    def read(self, key: str, most: int) -> bytes:
        """Return what is stored under a key.

        Raises:
            KeyError: nothing is.
            ValueError: it is larger than `most` bytes, which are not read.
        """

    def entries(self) -> Iterator[StoredEntry]:
        """Return all that is stored; things that are not of this package are passed over."""

    def delete(self, key: str) -> None:
        """Forget what is stored under a key; nothing where nothing is."""
