"""The one thread that writes the spool, many writes with one fsync.

An answer waits for the disk, and a disk makes some hundred to some thousand writes lasting in a second, each with as
much in it as one likes. So whatever has come while one was under way goes into the next, in one transaction. What one
of them cannot do (no room for it) it says before it writes anything; any other error undoes the transaction, and then
each is done by itself, so that one which fails takes no other along.

What goes wrong with the disk is raised to who asked for the write, and nothing is remembered of it: the next write
finds out by itself whether there is room again. A file that is damaged or gone is opened anew for it.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from ...diagnostics.logs import logger_of
from ...diagnostics.places import shown_path
from ...errors import SpoolError, SpoolFullError
from .room import Room
from .schema import FILE, file_identity, open_to_write, said_by, sqlite_code

__all__ = ["Writer"]

_T = TypeVar("_T")

_logger = logger_of("gateway")

#: Writes of one transaction, and bytes of them. More take no longer each, but the first then waits for the last.
_MOST: Final = 256
_MOST_BYTES: Final = 8 * 2**20

#: Seconds between two looks for what was kept long enough.
_TIDY_EVERY: Final = 60.0

#: What SQLite says of a file that is fine, and cannot be written now.
_NO_ROOM: Final = frozenset({sqlite3.SQLITE_FULL})
_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


class _Write:
    """One write that somebody waits for."""

    __slots__ = ("do", "future", "loop", "outcome", "size")

    def __init__(self, do: Callable[[sqlite3.Connection, Room], Any], size: int) -> None:
        self.do = do
        self.size = size
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()
        self.outcome: tuple[Any, BaseException | None] = (None, None)


class Writer:
    """Writes the spool of a directory that this process has the lock of, from `start` to `stop`."""

    def __init__(self, directory: Path, room: Room) -> None:
        self._directory = directory
        self._room = room
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="terse-spool", daemon=True)
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._stopped = False
        self._gate = threading.Lock()

    def start(self) -> None:
        """Open the file, and begin.

        Raises:
            SpoolError: it cannot be opened.
        """
        try:
            self._open()
        except sqlite3.Error as error:
            self._close()
            raise self._error(error) from error
        self._thread.start()

    def stop(self) -> None:
        """Write what was asked for, and end. It blocks until then."""
        with self._gate:  # nothing comes behind the end
            self._stopped = True
            self._queue.put(None)
        self._thread.join()
        self._close()

    async def write(self, do: Callable[[sqlite3.Connection, Room], _T], size: int = 0) -> _T:
        """Call a function within a transaction, and return what it returns when that is on the disk.

        Args:
            do: what raises `SpoolError` before it has written, or writes.
            size: about how many bytes it writes.

        Raises:
            SpoolError: there is no room, or the file cannot be written.
        """
        write = _Write(do, size)
        with self._gate:
            if self._stopped:
                raise SpoolError("the spool is closed")
            self._queue.put(write)
        result: _T = await write.future
        return result

    def _run(self) -> None:
        tidy = True
        while True:
            try:
                first = self._queue.get(timeout=0 if tidy else _TIDY_EVERY)
            except queue.Empty:
                tidy = self._tidy()
                continue
            if first is None:
                return
            group, ends = self._rest_of(first)
            self._perform(group)
            _tell(group)
            if ends:
                return

    def _rest_of(self, first: _Write) -> tuple[list[_Write], bool]:
        group, size = [first], first.size
        while len(group) < _MOST and size < _MOST_BYTES:
            try:
                write = self._queue.get_nowait()
            except queue.Empty:
                break
            if write is None:
                return group, True
            group.append(write)
            size += write.size
        return group, False

    def _perform(self, group: Sequence[_Write]) -> None:
        try:
            self._transaction(group)
        except Exception as error:
            if len(group) > 1:
                for write in group:
                    self._perform([write])
            else:
                group[0].outcome = (None, self._error(error) if isinstance(error, sqlite3.Error) else error)

    def _transaction(self, group: Sequence[_Write]) -> None:
        connection = self._open()
        try:
            self._room.shrink_log(connection)
            connection.execute("BEGIN IMMEDIATE")
            for write in group:
                try:
                    write.outcome = (write.do(connection, self._room), None)
                except SpoolError as error:  # it has written nothing
                    write.outcome = (None, error)
            connection.execute("COMMIT")
        except BaseException as error:
            with suppress(sqlite3.Error):
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                # What is in the log may fit into the database, and the log then begins anew in the room that it has.
                with suppress(sqlite3.Error):
                    connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
                if sqlite_code(error) not in _NO_ROOM | _BUSY:
                    self._close()
            raise

    def _open(self) -> sqlite3.Connection:
        """Return the connection; a new one, where the file was replaced or the last one has failed."""
        if self._connection is not None:
            found = file_identity(self._directory)
            if found is not None and found == self._file:
                return self._connection
            self._close()
            if found is None:
                file = shown_path(str(self._directory / FILE))
                raise SpoolError(f"the spool {file!r} was removed; what waited in it is lost")
        connection = open_to_write(self._directory)
        try:
            self._room.limit(connection)
            self._file = file_identity(self._directory)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def _tidy(self) -> bool:
        try:
            connection = self._open()
            connection.execute("BEGIN IMMEDIATE")
            try:
                more = self._room.tidy(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except (sqlite3.Error, SpoolError):  # the next who writes is told
            return False
        except Exception:  # this thread must not end
            _logger.exception("the spool is not tidied")
            return False
        return more

    def _error(self, error: sqlite3.Error) -> SpoolError:
        file = shown_path(str(self._directory / FILE))
        if sqlite_code(error) in _NO_ROOM:
            return SpoolFullError(f"there is no room on the disk for the spool {file!r} ({error}): make some")
        return SpoolError(f"the spool {file!r} cannot be written {said_by(error)}")


def _tell(group: Sequence[_Write]) -> None:
    for loop in {write.loop for write in group}:
        mine = [write for write in group if write.loop is loop]
        with suppress(RuntimeError):  # it has ended, and with it whoever waited
            loop.call_soon_threadsafe(_settle, mine)


def _settle(writes: Sequence[_Write]) -> None:
    for write in writes:
        if write.future.done():  # who waited was cancelled
            continue
        result, error = write.outcome
        if error is None:
            write.future.set_result(result)
        else:
            write.future.set_exception(error)
