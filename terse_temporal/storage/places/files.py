"""A directory: one file for each thing that is stored, at `ab/abcdef…`."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ...errors import StorageError
from .place import StoredEntry

__all__ = ["Directory"]

_KEY: Final = re.compile(r"[0-9a-f]{64}")

#: In front of the name of a file that is still being written.
_UNFINISHED: Final = ".new-"

#: Seconds after which a file that was being written has been given up: its process is gone.
_GIVEN_UP: Final = 24 * 3600


class Directory:
    """A directory of this machine, or one that several machines have mounted.

    Args:
        url: `file:///…`, with an absolute path.

    Raises:
        StorageError: it is no such URL.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        path = Path(url2pathname(parts.path))
        if parts.netloc not in ("", "localhost") or parts.query or parts.fragment or not path.is_absolute():
            raise StorageError(
                f"TERSE_STORAGE={url!r} is no directory: write file:// and an absolute path, such as"
                " file:///var/lib/terse/storage, with %23 for a # in it, and %3F for a ?"
            )
        self.name = url
        self._root = path

    def write(self, key: str, data: bytes) -> None:
        file = self._file(key)
        with suppress(FileNotFoundError):
            if file.stat().st_size == len(data):
                os.utime(file)
                return
        mode = self._make_directories(file.parent)
        unfinished = file.with_name(f"{_UNFINISHED}{key}-{secrets.token_hex(8)}")
        try:
            with unfinished.open("xb") as opened:
                os.chmod(opened.fileno() if os.chmod in os.supports_fd else unfinished, mode & 0o666)  # noqa: PTH101
                opened.write(data)
                opened.flush()
                os.fsync(opened.fileno())
            unfinished.replace(file)
        except BaseException:
            with suppress(OSError):
                unfinished.unlink()
            raise
        _sync(file.parent)

    def read(self, key: str, most: int) -> bytes:
        try:
            with self._file(key).open("rb") as opened:
                if (size := os.fstat(opened.fileno()).st_size) > most:
                    raise ValueError(f"{size:,} bytes")
                return opened.read(most)
        except FileNotFoundError:
            # A directory that is not mounted has nothing in it, and that passes.
            if not self._root.is_dir():
                raise OSError(f"there is no directory {str(self._root)!r}") from None
            raise KeyError(key) from None

    def entries(self) -> Iterator[StoredEntry]:
        if not self._root.exists():
            # Nothing has been stored yet; or a disk is not mounted, and what is on it is not to be counted as nothing.
            if not self._root.parent.is_dir():
                raise OSError(f"there is no directory {str(self._root.parent)!r}")
            return
        for directory in sorted(each for each in self._root.iterdir() if re.fullmatch("[0-9a-f]{2}", each.name)):
            for file in sorted(directory.iterdir()):
                if _KEY.fullmatch(file.name):
                    with suppress(FileNotFoundError):  # deleted meanwhile
                        found = file.stat()
                        yield StoredEntry(file.name, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))
                elif file.name.startswith(_UNFINISHED):
                    _delete_given_up(file)

    def delete(self, key: str) -> None:
        with suppress(FileNotFoundError):
            self._file(key).unlink()

    def _file(self, key: str) -> Path:
        return self._root / key[:2] / key

    def _make_directories(self, directory: Path) -> int:
        """Make the directories of a file, and return the mode of the first, which the others get.

        Not what is above it: where a disk is not mounted, its place must not be taken by a directory on another one.
        """
        with suppress(FileExistsError):
            self._root.mkdir(mode=0o700)
            _sync(self._root.parent)
        mode = self._root.stat().st_mode & 0o7777
        with suppress(FileExistsError):
            directory.mkdir()
            directory.chmod(mode)
            _sync(self._root)
        return mode


def _sync(directory: Path) -> None:
    """Have the names in a directory written to the disk, where the system can do that."""
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _delete_given_up(file: Path) -> None:
    with suppress(FileNotFoundError):
        if datetime.now(UTC).timestamp() - file.stat().st_mtime > _GIVEN_UP:
            file.unlink()
