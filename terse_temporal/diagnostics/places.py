"""Where things stand in the user's code, for messages."""

from __future__ import annotations

import functools
import inspect
import os
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any, Final

__all__ = [
    "NOT_THE_USERS",
    "caller_frame",
    "is_users",
    "is_users_file",
    "only_users_traceback",
    "place",
    "place_of",
    "shown_path",
    "users_traceback",
]

_PACKAGE: Final = str(Path(__file__).parents[1]) + os.sep

#: Where code stands that is not the user's: this package, Python's own, and what is installed.
NOT_THE_USERS: Final = (
    _PACKAGE,
    "<frozen",
    *{sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")},
)


def shown_path(file: str) -> str:
    """The path as a person would type it: relative to the working directory where it is below that."""
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
    """Where a function is written, or its type where that is not known."""
    if (made := getattr(function, "__where__", None)) is not None:
        return str(made)  # one that stands for something of the user's, as the tools of a mounted server do
    code: CodeType | None = getattr(inspect.unwrap(function), "__code__", None)
    return place(code.co_filename, code.co_firstlineno) if code else type(function).__name__


def caller_frame() -> FrameType:
    """The nearest frame outside this package: the user's own line."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return frame


def users_traceback(traceback: TracebackType | None) -> TracebackType | None:
    """A traceback from the user's first line on, without lines of this package; whole, if the user has none in it."""
    lines = list(_lines(traceback))
    first = next((number for number, line in enumerate(lines) if is_users(line.tb_frame)), None)
    if first is None:
        return traceback
    return _joined(line for line in lines[first:] if not line.tb_frame.f_code.co_filename.startswith(_PACKAGE))


def only_users_traceback(traceback: TracebackType | None) -> TracebackType | None:
    """A traceback of the user's lines alone, for an error of ours, whose own lines say nothing to anybody else."""
    return _joined(line for line in _lines(traceback) if is_users(line.tb_frame))


def _lines(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _joined(lines: Iterable[TracebackType]) -> TracebackType | None:
    joined = None
    for line in reversed(list(lines)):
        joined = TracebackType(joined, line.tb_frame, line.tb_lasti, line.tb_lineno)
    return joined


def is_users(frame: FrameType) -> bool:
    """Whether a line is the user's own, and not of Python, of this package or of an installed one."""
    return is_users_file(frame.f_code.co_filename)


def is_users_file(file: str) -> bool:
    """Whether a file is the user's own."""
    return not file.startswith(NOT_THE_USERS)
