"""How much room the spool takes, and what goes when there is none.

Counted is what lies on the disk: the pages of the database that are in use, and its log. Pages that are free again are
taken for what comes next, so the file does not grow beyond its most, and is never made smaller.
"""

from __future__ import annotations

import math
import shutil
import sqlite3
import time
from datetime import timedelta
from pathlib import Path
from typing import Final

from ...errors import SpoolFullError
from .schema import FILE

__all__ = ["DISK_RESERVE", "KNOWN_FOR", "Room"]

#: How long a delivery that is done with is known, so that it starts nothing when it comes again. Vendors send theirs
#: again for three days at most.
KNOWN_FOR: Final = timedelta(days=4)

#: The part of the room that is the log's, at most so many bytes: a large body and what is copied back into the
#: database at once have to fit in.
_LOG_SHARE: Final = 4
_LOG_MOST: Final = 64 * 2**20

#: Bytes of the disk that no delivery is stored in, so that what becomes of those that are there can still be written:
#: without that none would ever go. The log takes a quarter of it before it is copied back.
DISK_RESERVE: Final = 16 * 2**20

#: Bytes that a delivery takes beside its body, in tables and indexes, with some of each page unused.
_OVERHEAD: Final = 8 * 1024

#: Deliveries that are looked at together, so that the others wait for no more than some milliseconds.
_BATCH: Final = 200


class Room:
    """The bound of one spool. What changes something is called within a transaction, by the one thread that writes.

    Args:
        directory: of the spool.
        max_bytes: what it may take on the disk.
        keep: how long the body of a delivery is kept that everything is done with.
    """

    def __init__(self, directory: Path, max_bytes: int, keep: timedelta) -> None:
        self._log = directory / f"{FILE}-wal"
        self._log_most = min(max_bytes // _LOG_SHARE, _LOG_MOST)
        self._most = max_bytes - self._log_most
        self._max_bytes = max_bytes
        self._keep = keep
        self._waiting_bytes = 0
        self._counted_at = -math.inf

    def limit(self, connection: sqlite3.Connection) -> None:
        """Have SQLite itself refuse what would make the file larger."""
        page = _pragma(connection, "page_size")
        connection.execute(f"PRAGMA max_page_count = {self._most // page}")
        # The log is copied back into the database when it has so many pages.
        connection.execute(f"PRAGMA wal_autocheckpoint = {min(1000, self._log_most // 4 // page)}")
        connection.execute(f"PRAGMA journal_size_limit = {self._log_most // 2}")

    def shrink_log(self, connection: sqlite3.Connection) -> None:
        """Empty a log that has grown too long, if nobody reads it just now. Called outside of a transaction."""
        if self._log_bytes() > self._log_most:
            before = _pragma(connection, "busy_timeout")
            connection.execute("PRAGMA busy_timeout = 0")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute(f"PRAGMA busy_timeout = {before}")

    def make(self, connection: sqlite3.Connection, size: int) -> None:
        """Make room for a delivery; bodies that nothing waits for go first, the oldest of them first, then those of
        deliveries that were refused, then, if that is what takes the room, what is known of deliveries that are done
        with. The server knows their runs for as long as it keeps those.

        Raises:
            SpoolFullError: there is none. Nothing was written but what has gone.
        """
        needed = size + _OVERHEAD
        if needed > self._log_most:
            raise SpoolFullError(
                f"the spool takes {self._max_bytes:,} bytes, of which {self._log_most:,} for one delivery, and this one"
                f" has {size:,}: give it more room (`--spool-size`)"
            )
        if self._log_bytes() > self._log_most:
            raise SpoolFullError("the log of the spool is full: another process has been reading it for long")
        most, what = self._bound(connection)
        while self.used(connection) + needed > most:
            dropped = self._drop_bodies(connection, "spare") or self._drop_bodies(connection, "refused")
            if not dropped and not (self._is_full_of_ids(connection, most) and self._forget(connection, before=None)):
                raise SpoolFullError(f"{what}, with deliveries that wait for Temporal")

    def _bound(self, connection: sqlite3.Connection) -> tuple[int, str]:
        """Return how many bytes of the database may be in use, and what is said when they are."""
        # Pages that are free in the file can be used whatever the disk has.
        file = _pragma(connection, "page_count") * _pragma(connection, "page_size")
        left = max(0, shutil.disk_usage(self._log.parent).free - DISK_RESERVE)
        if file + left < self._most:
            return file + left, f"the disk of the spool is full but for {DISK_RESERVE:,} bytes"
        return self._most, f"the spool is full: {self._max_bytes:,} bytes"

    def used(self, connection: sqlite3.Connection) -> int:
        """Return how many bytes of the database are in use."""
        pages = _pragma(connection, "page_count") - _pragma(connection, "freelist_count")
        return pages * _pragma(connection, "page_size")

    def tidy(self, connection: sqlite3.Connection) -> bool:
        """Drop some of what was kept long enough, and return whether there is more of it."""
        now = time.time()
        until = _microseconds(now - self._keep.total_seconds())
        bodies = self._drop_bodies(connection, "spare", before=until)
        return self._forget(connection, before=_microseconds(now - KNOWN_FOR.total_seconds())) or bodies

    def _is_full_of_ids(self, connection: sqlite3.Connection, most: int) -> bool:
        """Return whether what waits takes less than half of the room. It is added up once a second."""
        now = time.monotonic()
        if now - self._counted_at > 1:
            sizes = connection.execute("SELECT COALESCE(SUM(size), 0) FROM deliveries WHERE body = 'needed'")
            self._waiting_bytes, self._counted_at = int(sizes.fetchone()[0]), now
        return self._waiting_bytes < most // 2

    def _log_bytes(self) -> int:
        try:
            return self._log.stat().st_size
        except OSError:
            return 0

    def _drop_bodies(self, connection: sqlite3.Connection, body: str, before: int | None = None) -> bool:
        rows = connection.execute(
            "SELECT number, settled_at FROM deliveries WHERE body = ? ORDER BY settled_at LIMIT ?", (body, _BATCH)
        ).fetchall()
        found = [(number,) for number, settled_at in rows if before is None or settled_at < before]
        connection.executemany("DELETE FROM bodies WHERE delivery = ?", found)
        connection.executemany("UPDATE deliveries SET body = 'gone' WHERE number = ?", found)
        return bool(found)

    def _forget(self, connection: sqlite3.Connection, before: int | None) -> bool:
        found = []
        for body in ("gone", "spare", "refused"):
            rows = connection.execute(
                "SELECT number, settled_at FROM deliveries WHERE body = ? ORDER BY settled_at LIMIT ?", (body, _BATCH)
            ).fetchall()
            found += [(number,) for number, settled_at in rows if before is None or settled_at < before]
        for table in ("bodies", "targets", "offers"):
            connection.executemany(f"DELETE FROM {table} WHERE delivery = ?", found)
        connection.executemany("DELETE FROM deliveries WHERE number = ?", found)
        return bool(found)


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _microseconds(seconds: float) -> int:
    return int(seconds * 1_000_000)
