"""A table of a database, through SQLAlchemy.

A thing is stored in parts, because databases and their protocols have limits for one value that are lower than ours. It
is read and written in one transaction, so that there is all of it or nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError

from ...diagnostics.redaction import Secrets
from ...errors import MissingExtraError, StorageError
from .place import ACCEPTED, StoredEntry

__all__ = ["Database"]

#: Bytes of a part. MySQL takes 16 MiB in one message, PostgreSQL 1 GB of which a value is twice as long as text.
_PART: Final = 4 * 1024 * 1024

#: Seconds that SQLite waits for another process's write.
_BUSY: Final = 20

#: Drivers that come with the extra, where the URL names none.
_DRIVERS: Final = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}

_metadata: Final = MetaData()

_stored: Final = Table(
    "terse_stored",
    _metadata,
    Column("key", String(64), primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("data", LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb"), nullable=False),
    Column("stored_at", BigInteger, nullable=False),
)


class Database:
    """What is stored in a database, in the table `terse_stored`, which is made on first use.

    Args:
        url: as SQLAlchemy has them.

    Raises:
        StorageError: it is no such URL.
        MissingExtraError: there is no driver for it.
    """

    def __init__(self, url: str) -> None:
        self._url = _parse(url)
        self.name = Secrets().redact(self._url.render_as_string(hide_password=True))
        self._making = threading.Lock()
        _ = self._dialect()

    def _dialect(self) -> Any:
        try:
            dialect = self._url.get_dialect()
            dialect.import_dbapi()
            return dialect
        except NoSuchModuleError:
            raise StorageError(
                f"TERSE_STORAGE names {self._url.drivername!r}, which is no storage that is known here: {ACCEPTED}"
            ) from None
        except ImportError as err:
            raise MissingExtraError(
                f"storing data in {self.name} needs a driver: {err}. `pip install 'terse-temporal[sql]'` has that of"
                " PostgreSQL; SQLite needs none"
            ) from None

    @cached_property
    def _engine(self) -> Engine:
        arguments = {"timeout": _BUSY} if self._url.get_backend_name() == "sqlite" else {}
        return create_engine(self._url, connect_args=arguments, pool_pre_ping=True)

    def _begin(self) -> Any:
        with self._making:
            if not self._is_made:
                # Workers that start at once may both make it.
                try:
                    _metadata.create_all(self._engine)
                except Exception:
                    _metadata.create_all(self._engine)
                self._is_made = True
        return self._engine.begin()

    _is_made = False

    def write(self, key: str, data: bytes) -> None:
        try:
            with self._begin() as connection:
                self._write(connection, key, data)
        except IntegrityError:  # another process has stored it meanwhile
            with self._begin() as connection:
                self._write(connection, key, data)

    def _write(self, connection: Connection, key: str, data: bytes) -> None:
        now = int(datetime.now(UTC).timestamp())
        if self._size(connection, key) == len(data):
            connection.execute(update(_stored).where(_stored.c.key == key).values(stored_at=now))
            return
        connection.execute(delete(_stored).where(_stored.c.key == key))
        for part, start in enumerate(range(0, len(data), _PART)):
            row = {"key": key, "part": part, "data": data[start : start + _PART], "stored_at": now}
            connection.execute(insert(_stored).values(row))

    def _size(self, connection: Connection, key: str) -> int | None:
        size = connection.execute(
            select(func.sum(func.length(_stored.c.data))).where(_stored.c.key == key)
        ).scalar_one_or_none()
        return None if size is None else int(size)

    def read(self, key: str, most: int) -> bytes:
        with self._begin() as connection:
            size = self._size(connection, key)
            if size is None:
                raise KeyError(key)
            if size > most:
                raise ValueError(f"{size:,} bytes")
            parts = select(_stored.c.data).where(_stored.c.key == key).order_by(_stored.c.part)
            return b"".join(connection.execute(parts).scalars())

    def entries(self) -> Iterator[StoredEntry]:
        sizes = select(_stored.c.key, func.sum(func.length(_stored.c.data)), func.max(_stored.c.stored_at))
        with self._begin() as connection:
            for key, size, stored_at in connection.execute(sizes.group_by(_stored.c.key)):
                yield StoredEntry(key, int(size), datetime.fromtimestamp(stored_at, UTC))

    def delete(self, key: str) -> None:
        with self._begin() as connection:
            connection.execute(delete(_stored).where(_stored.c.key == key))


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # the second of a port that is no number
        # Without the URL, whose password stands anywhere in one that is not well formed.
        raise StorageError(f"TERSE_STORAGE is no URL: {ACCEPTED}") from None
    return parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))
