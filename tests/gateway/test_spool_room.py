"""A spool stays within its bound and its disk: bodies that nothing waits for go first, then deliveries are refused, and
when there is room again they are taken in without anybody's help.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from terse_temporal.errors import SpoolError, SpoolFullError
from terse_temporal.gateway.spool import Spool, SpoolFile, Target, room
from terse_temporal.gateway.spool.room import KNOWN_FOR
from terse_temporal.gateway.spool.schema import FILE
from terse_temporal.triggers.deliveries import Delivery

from ..waiting import until
from .deliveries import delivery, raw, targets

MIB = 2**20


def large(id: str, **more: Any) -> Delivery:
    """A delivery of 20 KB."""
    return delivery(id, body={"text": "x" * 20_000}, **more)


async def fill(spool: Spool, prefix: str) -> int:
    """Put deliveries that wait until there is no room, and return how many there was room for."""
    for number in range(10_000):
        each = large(f"{prefix}{number}")
        try:
            await spool.put(each, raw(each), targets(each, "build"))
        except SpoolFullError:
            return number
    raise AssertionError("the spool has no bound")


async def hand_on(spool: Spool) -> None:
    """Do what is to be done with all that waits."""
    while waiting := await spool.waiting(50):
        for each in waiting:
            assert each.target is not None
            await spool.started(each.number, each.target.job)
    for source in spool.sources:
        while to_offer := await spool.to_offer(source, 50):
            await spool.offered_to_all([each.number for each in to_offer])


def on_disk(directory: Path) -> int:
    """Bytes of the files."""
    return sum(file.stat().st_size for file in directory.iterdir() if not file.name.endswith("-shm"))


async def test_full_of_what_waits(tmp_path: Path) -> None:
    """What waits is never dropped: another delivery is refused, until something was handed on."""
    async with Spool(tmp_path, max_bytes=4 * MIB) as spool:
        count = await fill(spool, "a")
        assert 100 < count < 200  # 4 MiB, a quarter of which is the log's, by 20 KB
        assert on_disk(tmp_path) <= 4 * MIB
        with pytest.raises(SpoolFullError, match=r"4,194,304 bytes.*wait for Temporal"):
            await spool.check()
        await hand_on(spool)
        await spool.check()
        others = await fill(spool, "b")
        assert count - 5 < others <= count  # what is known of the first takes room too
        assert on_disk(tmp_path) <= 4 * MIB
        rows = SpoolFile(tmp_path).deliveries()
        assert [row.has_body for row in rows] == [True] * others + [False] * count
        # And is known all the same.
        again = await spool.put(large("a0"), raw(large("a0")), targets(large("a0"), "build"))
        assert (again.is_new, [each.run_id for each in again.targets]) == (False, ["build/github:a0"])


async def test_what_goes_first(tmp_path: Path) -> None:
    """Bodies go that are kept for a closer look, the oldest first, then those of deliveries that were refused."""
    async with Spool(tmp_path, max_bytes=4 * MIB) as spool:
        for name, problem in (("refused", "no such field"), ("first", None), ("second", None)):
            each = large(name)
            await spool.put(each, raw(each), [Target("build", f"build/{name}", problem)])
        await hand_on(spool)

        def kept() -> set[str]:
            return {row.id for row in SpoolFile(tmp_path).deliveries() if row.has_body and row.id.isalpha()}

        seen = [kept()]
        for number in range(200):
            each = large(f"{number}-")
            try:
                await spool.put(each, raw(each), targets(each, "build"))
            except SpoolFullError:
                break
            if kept() != seen[-1]:
                seen.append(kept())
        # The two go together, for a batch of what is spare goes at once.
        assert seen == [{"refused", "first", "second"}, {"refused"}, set()]


async def test_one_that_is_too_large(tmp_path: Path) -> None:
    """A delivery for which there can never be room is refused, and those beside it are taken in."""
    async with Spool(tmp_path, max_bytes=2 * MIB) as spool:
        huge = delivery("huge", body={"text": "x" * MIB})
        small = delivery("small")
        results = await asyncio.gather(
            spool.put(huge, raw(huge), []), spool.put(small, raw(small), []), return_exceptions=True
        )
        assert isinstance(results[0], SpoolFullError)
        assert not isinstance(results[1], BaseException)


async def test_kept_and_known_for(tmp_path: Path) -> None:
    """A body goes when it was kept long enough since the delivery was done with, and what is known of it after four
    days, however long it had waited.
    """
    ancient = datetime.now(UTC) - KNOWN_FOR - timedelta(hours=1)
    ages = {"new": timedelta(), "old": timedelta(hours=3), "ancient": KNOWN_FOR + timedelta(hours=1)}
    async with Spool(tmp_path, keep=timedelta(hours=2)) as spool:
        for name in ages:
            for kind, problem in (("done", None), ("refused", "no")):
                each = delivery(f"{name}-{kind}", received_at=ancient)
                await spool.put(each, raw(each), [Target("build", f"build/{each.id}", problem)])
        waits = delivery("ancient-waits", received_at=ancient)
        await hand_on(spool)
        await spool.put(waits, raw(waits), targets(waits, "build"))
    with closing(sqlite3.connect(tmp_path / FILE)) as connection, connection:
        for name, age in ages.items():
            moved = (age // timedelta(microseconds=1), f"{name}-%")
            connection.execute("UPDATE deliveries SET settled_at = settled_at - ? WHERE id LIKE ?", moved)
    async with Spool(tmp_path, keep=timedelta(hours=2)):  # which looks when it begins
        file = SpoolFile(tmp_path)
        await until(lambda: len(file.deliveries()) == 5, "what is ancient is forgotten")
        assert {row.id: row.has_body for row in file.deliveries()} == {
            "new-done": True,
            "new-refused": True,
            "old-done": False,
            "old-refused": True,
            "ancient-waits": True,
        }


async def test_the_last_of_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk is nearly full deliveries are refused, what becomes of those that are there is still written, and
    the room that those had is used again.
    """
    async with Spool(tmp_path) as spool:
        for number in range(10):
            await spool.put(large(f"{number}"), raw(large(f"{number}")), targets(large(f"{number}"), "build"))
        with monkeypatch.context() as nearly_full:
            nearly_full.setattr(room, "DISK_RESERVE", 2**60)
            with pytest.raises(SpoolFullError, match="the disk of the spool is full"):
                await spool.put(large("a"), raw(large("a")), [])
            with pytest.raises(SpoolFullError):
                await spool.check()
            await hand_on(spool)
            assert not (await spool.put(large("1"), raw(large("1")), [])).is_new
            assert (await spool.put(large("a"), raw(large("a")), [])).is_new
        assert (await spool.put(large("b"), raw(large("b")), [])).is_new


def _in_a_small_disk(directory: str) -> None:
    """Fill a spool while the process may write no file beyond 1 MiB, and then may again."""

    async def run() -> None:
        async with Spool(directory) as spool:
            resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, resource.RLIM_INFINITY))
            stored: set[str] = set()
            refused = 0
            for number in range(200):
                each = large(str(number))
                try:
                    await spool.put(each, raw(each), targets(each, "build"))
                    stored.add(each.id)
                except SpoolError:
                    refused += 1
            assert 10 < len(stored) < 100
            assert refused > 100
            # There may be room for less, which is not what deliveries need.
            with mock.patch("terse_temporal.gateway.spool.spool._SCARCE", 2**60), pytest.raises(SpoolError):
                await spool.check()
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            await spool.check()
            each = large("after")
            assert (await spool.put(each, raw(each), targets(each, "build"))).is_new
            # What was refused may be there all the same; what was answered has to be.
            ids = {row.id for row in SpoolFile(Path(directory)).deliveries()}
            assert ids >= stored | {"after"}

    try:
        asyncio.run(run())
    except BaseException as error:
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
        os._exit(1)
    os._exit(0)


@pytest.mark.server
def test_the_disk_is_full(tmp_path: Path) -> None:
    """Where the disk takes no more, deliveries are refused, what was taken in stays, and with room it goes on."""
    process = multiprocessing.get_context("fork").Process(target=_in_a_small_disk, args=(str(tmp_path),))
    process.start()
    process.join(60)
    assert process.exitcode == 0


async def test_no_more_pages(tmp_path: Path) -> None:
    """SQLite's own refusal is one of room as well: its file is never larger than its share."""
    async with Spool(tmp_path, max_bytes=2 * MIB) as spool:
        await spool.put(delivery("1"), raw(delivery("1")), [])
        # Deliveries that nobody counts: as if the count were wrong.
        spool._room.make = lambda *_: None  # type: ignore[method-assign]
        with pytest.raises(SpoolFullError, match="no room on the disk"):
            await fill_without_counting(spool)
        assert (tmp_path / FILE).stat().st_size <= 2 * MIB
        await spool.offered_to_all([1])


async def fill_without_counting(spool: Spool) -> None:
    """Put them in, whether there is room or not."""
    for number in range(1_000):
        each = large(f"a{number}")
        await spool.put(each, raw(each), [])


async def test_removed(tmp_path: Path) -> None:
    """A file that somebody has removed is told once, and made anew."""
    async with Spool(tmp_path) as spool:
        await spool.put(delivery("1"), raw(delivery("1")), [])
        for end in ("", "-wal", "-shm"):
            (tmp_path / f"{FILE}{end}").unlink()
        with pytest.raises(SpoolError, match="was removed"):
            await spool.put(delivery("2"), raw(delivery("2")), [])
        await spool.put(delivery("3"), raw(delivery("3")), targets(delivery("3"), "build"))
        assert [each.delivery.id for each in await spool.waiting(10)] == ["3"]
    assert [row.id for row in SpoolFile(tmp_path).deliveries()] == ["3"]


async def test_damaged(tmp_path: Path) -> None:
    """A file that is damaged is told as such; one that is put in its place serves, also while the gateway runs."""
    file, damaged, sound = tmp_path / FILE, tmp_path / "damaged", tmp_path / "sound"
    async with Spool(tmp_path) as spool:
        await spool.put(delivery("1"), raw(delivery("1")), [])
    data = file.read_bytes()
    sound.write_bytes(data)
    damaged.write_bytes(data[:4096] + bytes(len(data) - 4096))
    async with Spool(tmp_path) as spool:
        damaged.replace(file)
        with pytest.raises(SpoolError, match=r"cannot be written \(.*malformed\): move the directory away"):
            await spool.put(delivery("2"), raw(delivery("2")), [])
        sound.replace(file)
        assert (await spool.put(delivery("2"), raw(delivery("2")), [])).is_new
        assert not (await spool.put(delivery("1"), raw(delivery("1")), [])).is_new
    for content, said in ((data[:4096] + bytes(len(data) - 4096), "malformed"), (b"no" * 10_000, "not a database")):
        file.write_bytes(content)
        with pytest.raises(SpoolError, match=said):
            await Spool(tmp_path).open()


async def test_another_reads_for_long(tmp_path: Path) -> None:
    """Somebody who reads for long holds the log, which then comes to its bound; afterwards it goes on."""
    async with Spool(tmp_path, max_bytes=4 * MIB) as spool:
        await spool.put(large("first"), raw(large("first")), [])
        with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM deliveries").fetchone()
            with pytest.raises(SpoolFullError, match="another process has been reading"):
                await fill_without_counting(spool)
            assert on_disk(tmp_path) <= 4 * MIB
        await spool.check()
        await spool.put(large("last"), raw(large("last")), [])
