"""The spool: deliveries that were answered, until Temporal has them.

A vendor that never delivers again loses nothing while Temporal is away, and one that waits three seconds is answered in
milliseconds. What `put` has returned for is on the disk, and stays there until a run was started for it; a process that
is killed at any moment goes on from there.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final, Self, TypeVar

from ...diagnostics.places import shown_path
from ...errors import SpoolError, SpoolFullError
from ...triggers.deliveries import Delivery
from . import changes, reading
from .arrivals import Arrival
from .lock import SpoolLock
from .records import Pending, Put, Target
from .room import Room
from .schema import FILE, file_identity, make_directory, open_to_read, said_by
from .times import from_microseconds, now_in_microseconds, to_microseconds
from .writer import Writer

__all__ = ["DEFAULT_KEEP", "DEFAULT_MAX_BYTES", "Spool"]

_T = TypeVar("_T")

DEFAULT_MAX_BYTES: Final = 2**30
DEFAULT_KEEP: Final = timedelta(days=1)

#: Bytes of an ordinary delivery, for which there has to be room.
_ORDINARY: Final = 64 * 1024

#: Bytes that are free on a disk that is almost full.
_SCARCE: Final = 4 * 2**20

#: Deliveries that `recent` reads at once.
_PAGE: Final = 50


class Spool:
    """A directory of one gateway's, opened by `open` or `async with`.

    A delivery is known by its source, the job whose address it came to, and its id, for four days; so that one that is
    sent again starts nothing.

    Args:
        directory: made if it is not there, for this user alone.
        max_bytes: what its files may take on the disk together. Where they would take more, bodies of deliveries go
            that everything is done with, the oldest first; where there are none, deliveries are no longer taken in.
        keep: how long such a body is kept for a closer look, and for waits that begin later. Those of deliveries that
            were refused are kept for four days.

    Attributes:
        directory: where it is.
        sources: those of which deliveries have come.
    """

    def __init__(
        self, directory: Path | str, *, max_bytes: int = DEFAULT_MAX_BYTES, keep: timedelta = DEFAULT_KEEP
    ) -> None:
        self.directory = Path(directory)
        self.sources: set[str] = set()
        self._watching: list[asyncio.Event] = []
        self._room = Room(self.directory, max_bytes, keep)
        self._writer = Writer(self.directory, self._room)
        self._lock: SpoolLock | None = None
        self._reads = ThreadPoolExecutor(1, thread_name_prefix="terse-spool-reads")
        self._reader: sqlite3.Connection | None = None
        self._read_file: tuple[int, int] | None = None

    async def open(self) -> None:
        """Take the directory, and open its file. It is opened once.

        What has failed is due at once: a gateway that is begun anew may have other code.

        Raises:
            SpoolError: another process has it, a newer release has written it, or it cannot be written.
        """
        await asyncio.to_thread(self._open)
        try:
            self.sources |= await self._read(reading.sources)
            with suppress(SpoolFullError):  # then it is due when it is
                await self._writer.write(lambda connection, _: changes.try_all(connection))
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Write what is under way, and let go of the directory."""
        await asyncio.to_thread(self._close)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def put(self, delivery: Delivery, raw_body: bytes, targets: Sequence[Target]) -> Put:
        """Store a delivery, and return when it is on the disk: some milliseconds, shared by all that come meanwhile.

        Of one that is known nothing is changed, but that jobs which have refused it are asked anew.

        Args:
            delivery: it.
            raw_body: its body as it came.
            targets: the jobs that it is for.

        Raises:
            SpoolFullError: there is no room for it, here or on the disk.
            SpoolError: it cannot be stored otherwise.
        """
        arrival = Arrival(delivery, raw_body, targets)
        put = await self._writer.write(arrival.put, arrival.size)
        if put.is_new:
            self.sources.add(delivery.source)
        for changed in self._watching:
            changed.set()
        return put

    @contextmanager
    def watch(self) -> Iterator[asyncio.Event]:
        """Yield an event that is set with each delivery that comes, for the one who clears it."""
        changed = asyncio.Event()
        self._watching.append(changed)
        try:
            yield changed
        finally:
            self._watching.remove(changed)

    async def waiting(self, limit: int, *, without: Collection[tuple[int, str]] = ()) -> list[Pending]:
        """Return starts that are due, in the order in which their deliveries came.

        Args:
            limit: how many at most; large bodies make it fewer.
            without: what is under way, by the delivery's number and the job.
        """
        now = now_in_microseconds()
        return await self._read(lambda connection: reading.to_start(connection, limit, now, without))

    async def started(self, number: int, job: str) -> None:
        """Record that the run of a delivery was started, or was there."""
        await self._writer.write(lambda connection, _: changes.mark(connection, number, job, "started"))

    async def failed(self, number: int, job: str, reason: str, *, retry_at: datetime) -> None:
        """Record that the run of a delivery could not be started now, why, and when it is tried again."""
        at = to_microseconds(retry_at)
        await self._writer.write(
            lambda connection, _: changes.mark(connection, number, job, "waiting", reason=reason, retry_at=at)
        )

    async def refused(self, number: int, job: str, reason: str) -> None:
        """Record that the run of a delivery can never be started, and why."""
        await self._writer.write(lambda connection, _: changes.mark(connection, number, job, "refused", reason=reason))

    async def to_offer(self, source: str, limit: int) -> list[Pending]:
        """Return deliveries of a source that are still to be offered, in the order in which they came."""
        return await self._read(lambda connection: reading.to_offer(connection, source, limit))

    async def offered_to_all(self, numbers: Sequence[int]) -> None:
        """Record that deliveries were offered to all runs that wait."""
        if numbers:
            await self._writer.write(lambda connection, _: changes.mark_offered(connection, numbers))

    async def is_empty(self) -> bool:
        """Return whether there is nothing to be done: no run to be started, nobody to be offered anything."""
        return await self._read(reading.is_empty)

    async def recent(self, source: str, since: datetime) -> AsyncIterator[Delivery]:
        """Yield the deliveries of a source that came since a moment and whose bodies are kept, in their order."""
        read = partial(reading.recent, source=source, since=to_microseconds(since), limit=_PAGE)
        after = 0
        while page := await self._read(partial(read, after=after)):
            after = page[-1][0]
            for _, delivery in page:
                yield delivery

    async def received_at(self, source: str, id: str, *, job: str | None = None) -> datetime | None:
        """Return when a delivery came, to the address of a job or to that of all; `None` of one that is not known."""
        at = await self._read(lambda connection: reading.received_at(connection, source, job or "", id))
        return None if at is None else from_microseconds(at)

    async def offered(self, delivery: Delivery, run: str) -> None:
        """Record that a run was given a delivery."""
        await self._writer.write(lambda connection, _: changes.offer(connection, delivery, run))

    async def is_offered(self, delivery: Delivery, run: str) -> bool:
        """Return whether a run was given a delivery."""
        return await self._read(lambda connection: reading.is_offered(connection, delivery, run))

    async def check(self) -> None:
        """Write something, to find out whether deliveries can be stored: one fsync. Where the disk is almost full it is
        as much as a delivery, for which there may be no room where there is some for less.

        Raises:
            SpoolError: they cannot.
        """

        def write(connection: sqlite3.Connection, room: Room) -> None:
            room.make(connection, _ORDINARY)
            is_scarce = shutil.disk_usage(self.directory).free < _SCARCE
            changes.check(connection, _ORDINARY if is_scarce else 0)

        await self._writer.write(write)

    def _open(self) -> None:
        make_directory(self.directory)
        self._lock = SpoolLock(self.directory)
        try:
            self._writer.start()
        except BaseException:
            self._lock.release()
            self._lock = None
            raise

    def _close(self) -> None:
        self._reads.shutdown()
        self._forget_reader()
        if self._lock is not None:
            self._writer.stop()
            self._lock.release()
            self._lock = None

    async def _read(self, read: Callable[[sqlite3.Connection], _T]) -> _T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._reads, self._read_now, read)
        except RuntimeError as error:  # how the executor says that it has ended
            raise SpoolError("the spool is closed") from error

    def _read_now(self, read: Callable[[sqlite3.Connection], _T]) -> _T:
        try:
            found = file_identity(self.directory)
            if self._reader is None or found != self._read_file:
                self._forget_reader()
                self._reader, self._read_file = open_to_read(self.directory), found
            # One state of the file for all that is read.
            self._reader.execute("BEGIN")
            try:
                return read(self._reader)
            finally:
                self._reader.execute("COMMIT")
        except sqlite3.Error as error:
            self._forget_reader()
            file = shown_path(str(self.directory / FILE))
            raise SpoolError(f"the spool {file!r} cannot be read {said_by(error)}") from error

    def _forget_reader(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            with suppress(sqlite3.Error):
                reader.close()
