"""Every kind of storage keeps bytes under their hash, tells what it has and since when, and forgets what it is told."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from terse_temporal.storage.opening import open_place
from terse_temporal.storage.places import sql
from terse_temporal.storage.places.files import Directory
from terse_temporal.storage.places.place import Place

from .places import KINDS, cloud_servers, postgresql_server, url_of

MOST = 1_000_000
DATA = os.urandom(5000)


@pytest.fixture(scope="module")
def servers() -> Iterator[None]:
    with cloud_servers():
        yield


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    # Not within pytest's own directory, which only its user may enter.
    with tempfile.TemporaryDirectory() as directory, postgresql_server(Path(directory)) as url:
        yield url


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "postgresql":
        found = open_place(request.getfixturevalue("postgresql"))
        assert isinstance(found, sql.Database)
        for entry in found.entries():
            found.delete(entry.key)
        yield found
        found._engine.dispose()
        return
    if request.param in ("s3", "gs"):
        request.getfixturevalue("servers")
    yield open_place(url_of(request.param, tmp_path))


def key(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_what_was_written_is_read(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte for byte, written once or twice, also in parts; and one that is overwritten by force is as it was again."""
    monkeypatch.setattr(sql, "_PART", 1024)
    other = b"other"
    for data in (DATA, DATA, other, b""):
        place.write(key(data), data)
    assert place.read(key(DATA), MOST) == DATA
    assert place.read(key(other), MOST) == other
    found = {each.key: each for each in place.entries()}
    assert {each.key: each.size for each in found.values()}.items() >= {key(DATA): 5000, key(other): 5}.items()
    assert all(abs(datetime.now(UTC) - each.stored_at) < timedelta(minutes=5) for each in found.values())


def test_what_is_not_there(place: Place) -> None:
    """It is told from a storage that fails; to delete it is no error."""
    place.write(key(DATA), DATA)
    place.delete(key(DATA))
    place.delete(key(DATA))
    with pytest.raises(KeyError):
        place.read(key(DATA), MOST)
    assert list(place.entries()) == []


def test_what_is_too_large(place: Place) -> None:
    """It is not read, whoever put it there."""
    place.write(key(DATA), DATA)
    with pytest.raises(ValueError, match="5,000 bytes"):
        place.read(key(DATA), 4999)


def test_many_at_once(place: Place) -> None:
    """The same and others, written on several threads: each is there once."""
    every = [bytes([number % 7]) * 3000 for number in range(28)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda data: place.write(key(data), data), every))
    assert sorted(each.key for each in place.entries()) == sorted({key(data) for data in every})
    assert all(place.read(key(data), MOST) == data for data in every)


def test_what_is_stored_again_is_young(tmp_path: Path) -> None:
    """So that what is deleted for its age is what nobody has stored for that long."""
    directory = Directory(url_of("file", tmp_path))
    directory.write(key(DATA), DATA)
    [file] = (each for each in (tmp_path / "store").rglob("*") if each.is_file())
    os.utime(file, (0, 0))
    directory.write(key(DATA), DATA)
    [found] = directory.entries()
    assert datetime.now(UTC) - found.stored_at < timedelta(minutes=1)


def test_a_write_that_did_not_end(tmp_path: Path) -> None:
    """What a process left behind that died while it wrote is not read, not listed, and deleted after a day."""
    directory = Directory(url_of("file", tmp_path))
    directory.write(key(DATA), DATA)
    [file] = (each for each in (tmp_path / "store").rglob("*") if each.is_file())
    left = file.with_name(f".new-{file.name}-0123")
    left.write_bytes(DATA[:100])
    assert [each.key for each in directory.entries()] == [key(DATA)]
    assert left.exists()
    os.utime(left, (0, 0))
    assert [each.key for each in directory.entries()] == [key(DATA)]
    assert not left.exists()


def test_a_file_that_was_cut_short(tmp_path: Path) -> None:
    """It is written again by whoever stores the same."""
    directory = Directory(url_of("file", tmp_path))
    directory.write(key(DATA), DATA)
    [file] = (each for each in (tmp_path / "store").rglob("*") if each.is_file())
    file.write_bytes(DATA[:100])
    directory.write(key(DATA), DATA)
    assert directory.read(key(DATA), MOST) == DATA


def test_only_the_last_directory_is_made(tmp_path: Path) -> None:
    """Where the disk is not mounted there is an error, no directory in its place, and nothing counts as deleted."""
    directory = Directory((tmp_path / "mount" / "store").as_uri())
    with pytest.raises(OSError, match="No such file"):
        directory.write(key(DATA), DATA)
    with pytest.raises(OSError, match="no directory"):
        directory.read(key(DATA), MOST)
    assert list(tmp_path.iterdir()) == []


def test_nobody_else_reads_a_directory(tmp_path: Path) -> None:
    """One that is made here is its owner's; in one that was there, files are readable to whom the directory is."""
    Directory((tmp_path / "ours").as_uri()).write(key(DATA), DATA)
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o770)
    Directory(shared.as_uri()).write(key(DATA), DATA)
    assert {each.stat().st_mode & 0o777 for each in (tmp_path / "ours").rglob("*")} == {0o700, 0o600}
    assert {each.stat().st_mode & 0o777 for each in shared.rglob("*")} == {0o770, 0o660}
