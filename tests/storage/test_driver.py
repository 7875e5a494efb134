"""What comes out of a storage is what went in, or there is an error that names it and the place."""

from __future__ import annotations

import asyncio
import pickle
from pathlib import Path

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    DataConverter,
    ExternalStorage,
    StorageDriverClaim,
    StorageDriverRetrieveContext,
    StorageDriverStoreContext,
)

from terse_temporal.converter import is_of_environment, with_environment
from terse_temporal.errors import MissingExtraError, StorageError, StorageUnavailableError, StoredDataError
from terse_temporal.serialization import payload_limits
from terse_temporal.storage import driver as module
from terse_temporal.storage import opening
from terse_temporal.storage.driver import StoreByHash

LARGE = "x" * 200_000


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory that the environment names."""
    monkeypatch.setenv("TERSE_STORAGE", (tmp_path / "store").as_uri())
    monkeypatch.setattr(payload_limits, "_found", False)  # and afterwards as it was
    return tmp_path / "store"


def files(root: Path) -> list[Path]:
    return [each for each in root.rglob("*") if each.is_file()]


async def test_only_what_is_large_is_stored(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From 128 KiB on, or the size that the environment says; and the same content once."""
    [small, *large] = await with_environment().encode(["small", LARGE, LARGE])
    assert small.data == b'"small"'
    assert large[0] == large[1]
    assert large[0].ByteSize() < 500
    assert len(files(root)) == 1
    assert await with_environment().decode([small, *large]) == ["small", LARGE, LARGE]
    monkeypatch.setenv("TERSE_STORAGE_OVER", "300 kB")
    assert (await with_environment().encode([LARGE]))[0].ByteSize() > 200_000
    # What was stored is read, whatever is large now.
    assert await with_environment().decode(large) == [LARGE, LARGE]


async def test_it_may_be_called_again(root: Path) -> None:
    """What it has returned stays as it is, goes to another process, and counts as that of the environment."""
    once = with_environment()
    assert with_environment(once) is once
    assert is_of_environment(once)
    again = pickle.loads(pickle.dumps(once.external_storage))
    assert again.drivers[0].url == root.as_uri()


async def test_a_storage_of_the_users(root: Path, tmp_path: Path) -> None:
    """It goes on storing; what is in ours is read too."""

    class Theirs(StoreByHash):
        def name(self) -> str:
            return "theirs"

    stored = await with_environment().encode([LARGE])
    theirs = Theirs((tmp_path / "theirs").as_uri())
    both = with_environment(DataConverter(external_storage=ExternalStorage(drivers=[theirs])))
    more = await both.encode([LARGE * 2])
    assert len(files(tmp_path / "theirs")) == 1
    assert await both.decode([*stored, *more]) == [LARGE, LARGE * 2]


async def test_what_is_missing(root: Path) -> None:
    """The error has the key and the place, and is none that passes by itself."""
    stored = await with_environment().encode([LARGE])
    [file] = files(root)
    file.unlink()
    with pytest.raises(StoredDataError, match="does not have") as caught:
        await with_environment().decode(stored)
    assert (caught.value.key, caught.value.place) == (file.name, root.as_uri())
    assert file.name in str(caught.value)
    assert root.as_uri() in str(caught.value)


async def test_what_was_changed(root: Path) -> None:
    """It is not read, also where it has the same length."""
    stored = await with_environment().encode([LARGE])
    [file] = files(root)
    file.write_bytes(file.read_bytes().replace(b"x", b"y"))
    with pytest.raises(StoredDataError, match="not what was stored") as caught:
        await with_environment().decode(stored)
    assert caught.value.key == file.name


@pytest.mark.parametrize("key", ["../../../etc/passwd", "", "A" * 64, "a" * 63, "a" * 64 + "\n"])
async def test_a_reference_that_is_no_hash(root: Path, key: str) -> None:
    """It is refused before anything is looked for."""
    with pytest.raises(StoredDataError, match="no SHA-256"):
        await StoreByHash(root.as_uri()).retrieve(StorageDriverRetrieveContext(), [StorageDriverClaim({"sha256": key})])
    assert not root.exists()  # noqa: ASYNC240


async def test_a_storage_that_is_away(tmp_path: Path) -> None:
    """The error says which, what the system said, and that it may pass."""
    away = StoreByHash((tmp_path / "mount" / "store").as_uri())
    payload = Payload(data=b"x")
    with pytest.raises(StorageUnavailableError, match=r"cannot store [0-9a-f]{64} in the storage file:.*No such file"):
        await away.store(StorageDriverStoreContext(), [payload])
    (tmp_path / "mount").mkdir()
    [claim] = await away.store(StorageDriverStoreContext(), [payload])
    (tmp_path / "mount").rename(tmp_path / "elsewhere")
    with pytest.raises(StorageUnavailableError, match="no directory"):
        await away.retrieve(StorageDriverRetrieveContext(), [claim])


async def test_more_than_can_be_stored(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused in both directions."""
    stored = await with_environment().encode([LARGE])
    monkeypatch.setattr(module, "_MOST", 100_000)
    with pytest.raises(StorageError, match="more than can be stored"):
        await with_environment().encode([LARGE])
    with pytest.raises(StoredDataError, match="100,000 are read at most"):
        await with_environment().decode(stored)


def test_from_several_event_loops(root: Path) -> None:
    """One data converter serves all that a process has, one after the other and at once."""
    converter = with_environment()
    stored = asyncio.run(converter.encode([LARGE]))
    assert asyncio.run(converter.decode(stored)) == [LARGE]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("relative/path", "TERSE_STORAGE is no URL"),
        ("file://host/path", "is no directory"),
        ("file:relative", "TERSE_STORAGE"),
        ("file:///tmp/a?b", "is no directory"),
        ("s3://", "no bucket"),
        ("s3://key:hunter22@bucket", "no bucket"),
        ("gs://bucket?project=x", "no bucket"),
        ("http://example.com/x", "no storage that is known"),
        ("postgresql://user:hunter22@host:not-a-port/x", "TERSE_STORAGE is no URL"),
    ],
)
def test_what_is_no_storage(url: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said when the data converter is made, and no password with it."""
    monkeypatch.setenv("TERSE_STORAGE", url)
    with pytest.raises(StorageError, match=message) as caught:
        with_environment()
    assert "hunter22" not in str(caught.value)


@pytest.mark.parametrize("size", ["much", "-1", "64 GiB", "3MiB", "1.5MB", "64kib"])
def test_what_is_no_size(size: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Likewise, and what is larger than a history takes."""
    monkeypatch.setenv("TERSE_STORAGE_OVER", size)
    with pytest.raises(StorageError, match="TERSE_STORAGE_OVER"):
        with_environment()


@pytest.mark.parametrize(("url", "extra"), [("s3://b", "s3"), ("gs://b", "gcs"), ("sqlite:////tmp/x", "sql")])
def test_an_extra_that_is_not_installed(url: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named."""
    monkeypatch.setattr(opening, "_is_installed", lambda _: False)
    monkeypatch.setenv("TERSE_STORAGE", url)
    with pytest.raises(MissingExtraError, match=rf"terse-temporal\[{extra}\]"):
        with_environment()
