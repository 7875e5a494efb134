"""The tables of the spool, its file, and who may read it.

Deliveries, what is still to be done with them, and bodies are tables of their own: what is asked all the time (is this
one known, what waits, which body may go) is answered from a few narrow pages, and a body that goes takes nothing else
along. `user_version` says which version of this schema a file has.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Final
from urllib.parse import quote

from ...diagnostics.places import shown_path
from ...errors import SpoolError

__all__ = [
    "FILE",
    "VERSION",
    "file_identity",
    "make_directory",
    "open_to_read",
    "open_to_write",
    "said_by",
    "sqlite_code",
]

#: The database's name in the directory of the spool.
FILE: Final = "spool.db"

#: Of the tables below. A gateway opens files of this version and, once there are others, of those before it.
VERSION: Final = 1

#: Milliseconds to wait for another process, which is a command that asks for a delivery to be started again.
_BUSY: Final = 5_000

# Of a delivery, `address` is the job whose address it came to, or nothing; `body` says what its body is there for:
# `needed` by what is still to be done, `refused` by who mends it, `spare` for a closer look; or it is `gone`; and
# `settled_at` since when. `offered` is 1 when it was offered to the runs that wait. Times are microseconds since 1970,
# in UTC.
_TABLES: Final = """
CREATE TABLE deliveries (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL,
    address TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    method TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    size INTEGER NOT NULL,
    body TEXT NOT NULL,
    settled_at INTEGER NOT NULL,
    offered INTEGER NOT NULL,
    UNIQUE (source, address, id)
);
CREATE INDEX deliveries_by_body ON deliveries (body, settled_at);
CREATE INDEX deliveries_by_time ON deliveries (source, received_at);
CREATE INDEX deliveries_to_offer ON deliveries (source, number) WHERE offered = 0;
CREATE TABLE bodies (
    delivery INTEGER PRIMARY KEY REFERENCES deliveries (number),
    headers TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE targets (
    delivery INTEGER NOT NULL REFERENCES deliveries (number),
    job TEXT NOT NULL,
    position INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    retry_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (delivery, job)
) WITHOUT ROWID;
CREATE INDEX targets_waiting ON targets (delivery, job) WHERE state = 'waiting';
CREATE INDEX targets_refused ON targets (delivery, job) WHERE state = 'refused';
CREATE TABLE offers (
    delivery INTEGER NOT NULL REFERENCES deliveries (number),
    run TEXT NOT NULL,
    PRIMARY KEY (delivery, run)
) WITHOUT ROWID;
CREATE TABLE checks (number INTEGER PRIMARY KEY, at INTEGER NOT NULL, padding BLOB NOT NULL);
"""


def make_directory(directory: Path) -> None:
    """Make the directory of a spool, for this user alone: bodies of deliveries are private.

    One that is there and holds something else keeps its mode; the files of the spool are private in any case.

    Raises:
        SpoolError: it cannot be made, or is none.
    """
    try:
        if not directory.exists():
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            _sync(directory.parent)
        if (directory / FILE).exists() or not any(directory.iterdir()):
            with contextlib.suppress(PermissionError):  # of another user, as a volume may be
                directory.chmod(0o700)
    except OSError as error:
        raise SpoolError(
            f"the spool directory {shown_path(str(directory))!r} cannot be used: {error.strerror}. Give another with"
            " `--spool DIR`, on a disk that stays"
        ) from error


def _sync(directory: Path) -> None:
    """Have what was made in a directory outlive a loss of power. SQLite does so with what it makes in its own."""
    if os.name == "posix":
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def open_to_write(directory: Path) -> sqlite3.Connection:
    """Open the spool's database; make it, if it is not there.

    Raises:
        SpoolError: it is no spool, is of a newer version, or cannot be opened.
        sqlite3.Error: it is damaged, or there is no room for it.
    """
    file = directory / FILE
    try:
        # SQLite gives its other files the mode of this one.
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600))
    except OSError as error:
        raise SpoolError(f"the spool {shown_path(str(file))!r} cannot be opened: {error.strerror}") from error
    with contextlib.suppress(PermissionError):
        file.chmod(0o600)
    # Transactions are begun and ended by hand.
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=_BUSY / 1000)
    try:
        connection.execute("PRAGMA synchronous = FULL")
        # Only one that is ours is changed.
        if _version(connection, file) < VERSION:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(f"BEGIN IMMEDIATE;{_TABLES}PRAGMA user_version = {VERSION};COMMIT;")
    except BaseException:
        connection.close()
        raise
    return connection


def open_to_read(directory: Path) -> sqlite3.Connection:
    """Open the spool's database beside whoever writes it.

    Raises:
        SpoolError: there is none, or it is of a newer version.
        sqlite3.Error: it is damaged.
    """
    file = directory / FILE
    if not file.exists():
        raise SpoolError(
            f"there is no spool in {shown_path(str(directory))!r}: give the directory that the gateway was started with"
            " as `--spool DIR`"
        )
    connection = sqlite3.connect(
        f"file:{quote(str(file))}?mode=ro",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=_BUSY / 1000,
    )
    try:
        if _version(connection, file) < VERSION:
            raise SpoolError(f"{shown_path(str(file))!r} is an empty file, and no spool")
    except BaseException:
        connection.close()
        raise
    return connection


def file_identity(directory: Path) -> tuple[int, int] | None:
    """Return which file the database is, to tell one that was replaced; `None` where there is none."""
    try:
        found = (directory / FILE).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def said_by(error: sqlite3.Error) -> str:
    """Return what SQLite says of a file, in brackets, and what to do where it is damaged."""
    is_damaged = sqlite_code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    advice = (
        f": move the directory away, and a new one is made. `sqlite3 {FILE} .recover` may tell what waited in it"
        if is_damaged
        else ""
    )
    return f"({error}){advice}"


def sqlite_code(error: sqlite3.Error) -> int:
    """Return SQLite's own code of an error, without what its upper bits add."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF


def _version(connection: sqlite3.Connection, file: Path) -> int:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > VERSION:
        raise SpoolError(
            f"the spool {shown_path(str(file))!r} was written by a newer release of terse-temporal (its version is"
            f" {version}, and this release reads {VERSION}): start that release, or give another directory with"
            " `--spool DIR`"
        )
    if version == 0 and connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None:
        raise SpoolError(
            f"{shown_path(str(file))!r} is a database of something else, and no spool: give another directory with"
            " `--spool DIR`"
        )
    return version
