"""Where things stand in the user's code, for messages."""

from __future__ import annotations

import functools
import inspect
import os
import re
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import CodeType, FrameType, ModuleType, TracebackType
from typing import Any, Final

__all__ = [
    "BUILT_IN",
    "LIBRARIES",
    "NO_SOURCES",
    "caller_frame",
    "is_library_file",
    "is_package_file",
    "is_users",
    "is_users_file",
    "is_users_file_anywhere",
    "only_users_traceback",
    "place",
    "place_of",
    "shown_path",
    "users_places",
    "users_traceback",
]

_PACKAGE: Final = str(Path(__file__).parents[1])

#: The directories of Python's own modules and of installed ones, as they are called and as they are reached by links.
LIBRARIES: Final = frozenset(
    spelled
    for name in ("stdlib", "platstdlib", "purelib", "platlib")
    if (directory := sysconfig.get_path(name))
    for spelled in (directory, os.path.realpath(directory))
)

#: Directories within a project that hold nothing that the user has written.
NO_SOURCES: Final = frozenset({"__pycache__", "node_modules", "site-packages"})

#: A directory for installed packages, of whichever Python. Debian has more of them than `sysconfig` knows.
_INSTALLED: Final = re.compile(r"[\\/](?:site|dist)-packages(?:[\\/]|$)", re.IGNORECASE)

#: This package, and Python's own modules, on another machine: `lib/python3.12`, or `Python312\\Lib` on Windows.
_NOT_THE_USERS_ANYWHERE: Final = re.compile(
    r"[\\/](?:terse_temporal[\\/]|lib(?:64)?[\\/]python\d|python\d+[\\/]lib[\\/])", re.IGNORECASE
)

#: A line of a recorded traceback.
_FRAME: Final = re.compile(r'^  File "(?P<file>[^"]+)", line (?P<line>\d+)', re.MULTILINE)

#: Where a function of this package is.
BUILT_IN: Final = "built in"


def shown_path(file: str) -> str:
    """Return the path as a person would type it: relative to the working directory where it is below that."""
    try:
        relative = os.path.relpath(file)
    except ValueError:  # another drive on Windows
        return file
    return file if relative.startswith("..") else relative


@functools.lru_cache(maxsize=1024)  # asked for with every step, and paths are slow
def place(file: str, line: int) -> str:
    """`file:line`, which terminals and editors make a link of."""
    return f"{shown_path(file)}:{line}"


def place_of(function: Callable[..., Any]) -> str:
    """Return where a function is written, or its type where that is not known; of one of this package no more than
    that.

    What it is called in a message may stand in a history, and where something stands in this package changes.
    """
    if (made := getattr(function, "__where__", None)) is not None:
        return str(made)  # one that stands for something of the user's, as the tools of a mounted server do
    code: CodeType | None = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return type(function).__name__
    return BUILT_IN if is_package_file(code.co_filename) else place(code.co_filename, code.co_firstlineno)


def caller_frame() -> FrameType:
    """Return the nearest frame outside this package: the user's own line."""
    frame = sys._getframe(1)
    while frame.f_back is not None and is_package_file(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def users_traceback(traceback: TracebackType | None) -> TracebackType | None:
    """Return a traceback from the user's first line on, without lines of this package; whole, if the user has none in
    it.
    """
    lines = list(_lines(traceback))
    first = next((number for number, line in enumerate(lines) if is_users(line.tb_frame)), None)
    if first is None:
        return traceback
    return _join(line for line in lines[first:] if not is_package_file(line.tb_frame.f_code.co_filename))


def only_users_traceback(traceback: TracebackType | None) -> TracebackType | None:
    """Return a traceback of the user's lines alone, for an error of ours, whose own lines say nothing to others."""
    return _join(line for line in _lines(traceback) if is_users(line.tb_frame))


def _lines(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _join(lines: Iterable[TracebackType]) -> TracebackType | None:
    joined = None
    for line in reversed(list(lines)):
        joined = TracebackType(joined, line.tb_frame, line.tb_lasti, line.tb_lineno)
    return joined


def is_users(frame: FrameType) -> bool:
    """Return whether a line is the user's own, and not of Python, of this package or of an installed one."""
    return is_users_file(frame.f_code.co_filename)


@functools.lru_cache(maxsize=4096)  # asked for with every line of a stack
def is_users_file(file: str) -> bool:
    """Return whether a file, or a directory, is the user's own: not Python's, nor of this package, nor installed."""
    return not (is_package_file(file) or is_library_file(file, LIBRARIES))


@functools.lru_cache(maxsize=4096)
def is_package_file(file: str) -> bool:
    """Return whether a file is one of this package's."""
    return _is_below(file, _PACKAGE)


def is_users_file_anywhere(file: str) -> bool:
    """Return whether a file is the user's own, by its path on a machine that may not be this one, as a history names
    it.
    """
    return _NOT_THE_USERS_ANYWHERE.search(file) is None and is_users_file(file)


def users_places(stack_trace: str) -> list[str]:
    """Return the lines of a recorded traceback that are neither Python's, nor of a library, in its order."""
    frames = _FRAME.finditer(stack_trace)
    return [place(each["file"], int(each["line"])) for each in frames if is_users_file_anywhere(each["file"])]


def is_library_file(file: str, libraries: Iterable[str], path: ModuleType = os.path) -> bool:
    """Return whether a file is Python's own, or installed.

    Args:
        file: its path, or what stands for one, as `<frozen importlib._bootstrap>`.
        libraries: the directories of this Python.
        path: the rules for paths: `posixpath` or `ntpath`.
    """
    return (
        file.startswith("<frozen")
        or _INSTALLED.search(file) is not None
        or any(_is_below(file, each, path) for each in libraries)
    )


def _is_below(file: str, directory: str, path: ModuleType = os.path) -> bool:
    """Return whether a path is a directory's, or of something in it.

    Windows takes both separators, and letters of any case.

    Only by their text: links are not followed, and nothing is looked up on the disk.
    """
    whole, above = path.normcase(file), path.normcase(directory).rstrip(path.sep)
    return bool(whole == above or whole.startswith(above + path.sep))
