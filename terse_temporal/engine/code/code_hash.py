"""What counts as the code of a job: where nothing of it has changed, a replay has to ask for the same.

That is what a process reads when it starts: the files of the code, text files beside them and environment variables, as
far as the code names them, and the versions of Python and of what is installed. Whatever else changes what a step is
given, such as data from elsewhere, is no change of the code, and the run waits.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import platform
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Final, TypeAlias

from ...diagnostics.places import NO_SOURCES
from ...diagnostics.redaction import names_secret, redact

__all__ = ["CodeReader", "installed_packages"]

_LENGTH: Final = 12

#: The entries of a directory by name, and the paths of the directories in it that are looked into.
_Listed: TypeAlias = tuple[list[os.DirEntry[str]], list[str]]
_List: TypeAlias = Callable[[str], _Listed]

#: Code, which counts where it is imported, and what is written rather than read.
_NO_DATA: Final = frozenset([".py", ".pyc", ".pyi", ".log", ".tmp", ".lock"])

#: Directories of what is installed.

#: Text files that are read, and how large each may be, in bytes; entries of directories that are looked at for them. A
#: module may lie in somebody's home directory.
_MOST_FILES: Final = 1_000
_LARGEST: Final = 256 * 1024
_MOST_ENTRIES: Final = 10_000


class CodeReader:
    """Makes hashes of what several modules of jobs use, and reads each file and directory once."""

    def __init__(self) -> None:
        self._digest = functools.cache(_digest)
        self._listed = functools.cache(_listed)

    def code_hash(
        self, files: Iterable[str | None], words: Collection[str] = (), directories: Iterable[Path] = ()
    ) -> str:
        """Return a hash of the code, which is the same in every process that has the same; empty if a file of it cannot
        be read.

        Args:
            files: of code.
            words: the text constants in it.
            directories: where the text files lie that it may read.
        """
        try:
            contents = [self._digest(str(file)) for file in files]
        except OSError:
            return ""
        contents += _texts(directories, words, self._listed)
        around = json.dumps([sys.implementation.name, sys.version_info[:3], installed_packages(), _variables(words)])
        # Not by name: a file that is run as a script has another.
        return hashlib.sha256(b"".join(sorted(contents)) + around.encode()).hexdigest()[:_LENGTH]


def _digest(file: str) -> bytes:
    return hashlib.sha256(Path(file).read_bytes()).digest()


def _variables(words: Collection[str]) -> list[tuple[str, str]]:
    """Return the environment variables of these names, but for what differs from one process of a deploy to the next.

    That is the name of the machine, or pod. And secrets change without a deploy, are no input, and are put into no hash
    that others can read.
    """
    is_named = _names_of_variables(words)
    named = [(name, value) for name, value in os.environ.items() if is_named(name)]
    return sorted((name, redact(value)) for name, value in named if value != platform.node())


@functools.cache
def installed_packages() -> list[str]:
    """Return what is installed, with versions: `httpx-0.28.1.dist-info`.

    As directories are called. `importlib.metadata` reads a file in each, which takes a millisecond.
    """
    found: set[str] = set()
    for place in sys.path:
        with contextlib.suppress(OSError):
            found |= {each.name for each in Path(place).iterdir() if each.suffix in (".dist-info", ".egg-info")}
    return sorted(found)


def _names_of_variables(words: Collection[str]) -> Callable[[str], bool]:
    """Return whether an environment variable is named by the text constants, in one piece or as a prefix and the rest.

    The settings of pydantic are named after the fields of a class, which are constants of its body.
    """
    plain = "pydantic_settings" not in sys.modules
    parts = {word if plain else word.lower() for word in words}
    parts = {word.strip("_") for word in parts} - {""}

    def is_named(name: str) -> bool:
        name = name if plain else name.lower()
        pairs = ((name[:at].strip("_"), name[at + 1 :]) for at, letter in enumerate(name) if letter == "_")
        return name in parts or any(prefix in parts and rest in parts for prefix, rest in pairs)

    return is_named


def _texts(directories: Iterable[Path], words: Collection[str], listed: _List) -> Iterator[bytes]:
    """Hashes of the text files whose names end as the text constants do; of hidden ones (`.env`), that are named."""
    endings = {_ending(word) for word in words} - _NO_DATA
    hidden = {name for word in words if (name := word.rpartition("/")[2])[:1] == "."}
    found = 0
    for entry in _entries(directories, listed, hidden):
        if found == _MOST_FILES:
            return
        try:
            if _ending(entry.name) in endings and entry.is_file() and entry.stat().st_size <= _LARGEST:
                content = Path(entry.path).read_bytes()
                text = content.decode()
                if entry.name in hidden:
                    content = _without_secrets(text).encode()
                yield hashlib.sha256(content).digest()
                found += 1
        except (OSError, UnicodeDecodeError):  # not to be read, or no text
            pass


def _without_secrets(text: str) -> str:
    """Return a file of environment variables without those that are secret."""
    return redact("\n".join(line for line in text.splitlines() if not names_secret(line.partition("=")[0])))


def _entries(directories: Iterable[Path], listed: _List, hidden: Collection[str] = ()) -> Iterator[os.DirEntry[str]]:
    """Yield what lies in directories and below them, in the same order everywhere."""
    pending = sorted(map(str, directories), reverse=True)
    left = _MOST_ENTRIES
    while pending and left > 0:
        found, inner = listed(pending.pop())
        entries = [each for each in found if each.name[:1] != "." or each.name in hidden]
        yield from entries[:left]
        left -= len(entries)
        pending += reversed(inner)


def _listed(directory: str) -> _Listed:
    """Return what lies in a directory, and the directories of it that may hold code or what that reads."""
    try:
        with os.scandir(directory) as found:
            entries = sorted(found, key=lambda each: each.name)
        inner = [
            each.path
            for each in entries
            if each.name not in NO_SOURCES and each.name[:1] != "." and each.is_dir(follow_symlinks=False)
        ]
    except OSError:
        return [], []
    return ([], []) if any(each.name == "pyvenv.cfg" for each in entries) else (entries, inner)


def _ending(name: str) -> str:
    """Return the suffix of a file, and the name of one that has none: of `prompts/brief.md`, `*.md` and `.md` alike."""
    name = name.rpartition("/")[2]
    return name[dot:] if (dot := name.rfind(".")) >= 0 else name
