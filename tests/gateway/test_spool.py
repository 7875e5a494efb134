"""What was put into the spool is there until it is done with, once, also for the next process; others are refused."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from terse_temporal.errors import SpoolError
from terse_temporal.gateway.spool import Put, Spool, SpoolFile, Target
from terse_temporal.gateway.spool.schema import FILE, VERSION

from .deliveries import delivery, raw, targets


async def test_what_waits_is_there_after_a_restart(tmp_path: Path) -> None:
    """A delivery is given out until its run was started, also by the process that comes next."""
    push = delivery("1", body={"ref": "é", "sizes": [1, 2.5, None]})
    async with Spool(tmp_path / "spool") as spool:
        assert await spool.put(push, raw(push), targets(push, "build")) == Put(
            True, (Target("build", "build/github:1"),)
        )
    async with Spool(tmp_path / "spool") as spool:
        [waiting] = await spool.waiting(10)
        assert waiting.delivery == push
        assert waiting.target == Target("build", "build/github:1")
        await spool.started(waiting.number, "build")
        assert await spool.waiting(10) == []
    async with Spool(tmp_path / "spool") as spool:
        assert await spool.waiting(10) == []


async def test_ten_at_once_are_one(tmp_path: Path) -> None:
    """The same delivery ten times at once is new once; to a job's own address, or of another vendor, it is another."""
    async with Spool(tmp_path) as spool:
        same = [delivery("1") for _ in range(10)]
        puts = await asyncio.gather(*(spool.put(each, raw(each), targets(each, "build")) for each in same))
        assert sorted(put.is_new for put in puts) == [False] * 9 + [True]
        assert {put.targets for put in puts} == {(Target("build", "build/github:1"),)}
        for other in (delivery("1", source="stripe"), delivery("1", source="webhook", job="build")):
            assert (await spool.put(other, raw(other), targets(other, "build"))).is_new
        assert len(await spool.waiting(10)) == 3


async def test_asked_anew_once_refused(tmp_path: Path) -> None:
    """A delivery that comes again is read anew by the jobs that have refused it, and by no others."""
    push = delivery("1")
    async with Spool(tmp_path) as spool:
        await spool.put(push, raw(push), [*targets(push, "build"), Target("report", "report/github:1", "no field `a`")])
        [waiting] = await spool.waiting(10)
        await spool.started(waiting.number, "build")
        again = await spool.put(push, raw(push), targets(push, "build", "report", "another"))
        assert again == Put(False, (Target("build", "build/github:1"), Target("report", "report/github:1")))
        assert [each.target for each in await spool.waiting(10)] == [Target("report", "report/github:1")]


async def test_one_that_has_started_nothing_is_read_anew_by_all(tmp_path: Path) -> None:
    """A delivery of a job that was called otherwise meanwhile starts it when it is sent again, and others do not."""
    push = delivery("1")
    async with Spool(tmp_path) as spool:
        await spool.put(push, raw(push), targets(push, "build"))
        [waiting] = await spool.waiting(10)
        await spool.refused(waiting.number, "build", "there is no such job any more")
        again = await spool.put(push, raw(push), targets(push, "make"))
        assert again == Put(
            False, (Target("build", "build/github:1", "there is no such job any more"), Target("make", "make/github:1"))
        )
        assert [each.target for each in await spool.waiting(10)] == [Target("make", "make/github:1")]
        assert (await spool.put(push, raw(push), targets(push, "test"))).targets == again.targets


async def test_back_off(tmp_path: Path) -> None:
    """What failed is given out when it is due again, before what came later, with the number of its attempts."""
    async with Spool(tmp_path) as spool:
        for name in "12":
            await spool.put(delivery(name), raw(delivery(name)), targets(delivery(name), "build"))
        first, second = await spool.waiting(10)
        await spool.failed(first.number, "build", "busy", retry_at=datetime.now(UTC) + timedelta(milliseconds=50))
        assert [each.number for each in await spool.waiting(10)] == [second.number]
        await asyncio.sleep(0.06)
        waiting = await spool.waiting(10)
        assert [(each.number, each.attempts) for each in waiting] == [(first.number, 1), (second.number, 0)]
        assert await spool.waiting(1, without={(first.number, "build")}) == [second]
        # The clock was put back by a day since: no wait is that long.
        await spool.failed(second.number, "build", "busy", retry_at=datetime.now(UTC) + timedelta(days=1))
        assert [each.number for each in await spool.waiting(10)] == [first.number, second.number]
        await spool.refused(first.number, "build", "the job is gone")
        assert [each.number for each in await spool.waiting(10)] == [second.number]


async def test_a_form_is_kept_as_the_json_in_it(tmp_path: Path) -> None:
    """The body that comes out is that of the delivery, also where it came as a field of a form."""
    click = delivery("1", source="slack", body={"type": "block_actions"})
    async with Spool(tmp_path) as spool:
        await spool.put(click, b"payload=%7B%22type%22%3A%22block_actions%22%7D", targets(click, "build"))
        assert [each.delivery for each in await spool.waiting(1)] == [click]


async def test_a_body_that_is_damaged(tmp_path: Path) -> None:
    """A body that is no JSON any more holds up nothing: its delivery comes out without one, and others behind it."""
    async with Spool(tmp_path) as spool:
        for name in "12":
            await spool.put(delivery(name), raw(delivery(name)), targets(delivery(name), "build"))
        with closing(sqlite3.connect(tmp_path / FILE)) as database, database:
            database.execute("UPDATE bodies SET body = ? WHERE delivery = 1", (b'{"half":',))
        assert [each.delivery.body for each in await spool.waiting(10)] == [None, {"ref": "2"}]


async def test_closed(tmp_path: Path) -> None:
    """What was asked for before the end is done, and what comes after it is refused."""
    spool = Spool(tmp_path)
    await spool.open()
    puts = [asyncio.ensure_future(spool.put(delivery(f"{each}"), b"{}", [])) for each in range(100)]
    await asyncio.sleep(0)
    await spool.close()
    assert all(put.is_new for put in await asyncio.gather(*puts))
    with pytest.raises(SpoolError, match="closed"):
        await spool.put(delivery("late"), b"{}", [])
    with pytest.raises(SpoolError, match="closed"):
        await spool.waiting(1)
    assert len(SpoolFile(tmp_path).deliveries()) == 100


async def test_private(tmp_path: Path) -> None:
    """Nobody else may enter the directory, or read the files: bodies are private."""
    async with Spool(tmp_path / "a" / "spool") as spool:
        await spool.put(delivery("1"), raw(delivery("1")), [])
        await spool.waiting(1)
        files = list(spool.directory.iterdir())
        assert stat.S_IMODE(spool.directory.stat().st_mode) == 0o700
        assert {file.name for file in files} == {FILE, f"{FILE}-wal", f"{FILE}-shm", "gateway.lock"}
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


async def test_one_gateway_at_a_time(tmp_path: Path) -> None:
    """A second gateway is told which process has the spool, and may have it afterwards."""
    async with Spool(tmp_path):
        with pytest.raises(SpoolError, match=r"in use by process \d+ on .*--spool DIR"):
            await Spool(tmp_path).open()
    async with Spool(tmp_path):
        pass


async def test_of_a_newer_release(tmp_path: Path) -> None:
    """A spool that a newer release has written is left alone."""
    async with Spool(tmp_path):
        pass
    with sqlite3.connect(tmp_path / FILE) as database:
        database.execute(f"PRAGMA user_version = {VERSION + 1}")
    database.close()
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(SpoolError, match="newer release"):
        await Spool(tmp_path).open()
    assert (tmp_path / FILE).read_bytes() == before


async def test_a_text_that_cannot_be_stored(tmp_path: Path) -> None:
    """Half of a surrogate pair in an id is refused, and takes nothing else of its moment along."""
    bad, good = delivery("\ud800"), delivery("1")
    async with Spool(tmp_path) as spool:
        results = await asyncio.gather(
            spool.put(bad, b"{}", []), spool.put(good, raw(good), targets(good, "build")), return_exceptions=True
        )
        assert isinstance(results[0], SpoolError)
        assert isinstance(results[1], Put)
