"""Refusing, in a durable handler, what would happen again on every replay.

Python announces to audit hooks what touches the world: files, sockets, processes, the environment, threads. While a
workflow of ours is being activated, on the thread that does it, such an announcement raises. That reaches code that the
job calls in other modules too, needs no list of functions to wrap, and costs the rest of the process one thread-local
look-up per announcement.

Some of it is no doing of the job's: an import opens files, so does a traceback that shows source lines, a timezone that
is looked up, a log handler. Those are recognised by the module on the stack between the announcement and the job.
"""

from __future__ import annotations

import functools
import sys
import threading
import zoneinfo
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

from ..errors import SideEffectError
from ..places import is_users, place

__all__ = ["guarded", "install"]

_state = threading.local()

#: First parts of the names of audit events (see the table in Python's documentation of `sys.audit`).
_FAMILIES: Final = frozenset(
    [
        "_thread",
        "fcntl",
        "ftplib",
        "glob",
        "http",
        "imaplib",
        "mmap",
        "nntplib",
        "open",
        "os",
        "pathlib",
        "poplib",
        "pty",
        "shutil",
        "signal",
        "smtplib",
        "socket",
        "sqlite3",
        "subprocess",
        "syslog",
        "telnetlib",
        "tempfile",
        "time",
        "urllib",
        "webbrowser",
    ]
)

#: Modules that do such things on Python's behalf.
_INNOCENT: Final = frozenset(
    [
        "encodings",
        "importlib",
        "linecache",
        "logging",
        "tokenize",
        "traceback",
        "tracemalloc",
        "tzdata",
        "warnings",
        "zipimport",
        "zoneinfo",
    ]
)

#: Where the engine begins: what is on the stack below it was not called by the job.
_ENGINE: Final = frozenset({"asyncio", "temporalio", "terse_temporal", "threading"})

_SPOKEN: Final = {
    "_thread.start_new_thread": "starting a thread",
    "builtins.input": "input()",
    "os.putenv": "writing os.environ",
    "os.unsetenv": "writing os.environ",
    "socket.__new__": "opening a socket",
}


@functools.cache
def install() -> None:
    """Put the hook in place, once for the process. Python has no way to take one out again."""
    sys.addaudithook(_hook)
    if sys.version_info < (3, 12):
        _announce_threads()


def _announce_threads() -> None:
    """Announce threads as Python does from 3.12 on."""
    start: Callable[..., int] = vars(threading)["_start_new_thread"]

    def announced(*args: Any) -> int:
        sys.audit("_thread.start_new_thread", *args)
        return start(*args)

    vars(threading)["_start_new_thread"] = announced


@contextmanager
def guarded() -> Iterator[None]:
    """Refuse side effects on this thread within the block."""
    before = getattr(_state, "on", False)
    _state.on = True
    try:
        yield
    finally:
        _state.on = before


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if not getattr(_state, "on", False):
        return
    if event.partition(".")[0] not in _FAMILIES and event != "builtins.input":
        return
    # What a timezone is read from; it is opened without a line of Python's own in between.
    if event == "open" and str(args[0]).startswith(zoneinfo.TZPATH):
        return
    frame = _culprit(sys._getframe(1))
    if frame is not None:
        # What builds the message must not set the hook off again.
        _state.on = False
        try:
            where = place(frame.f_code.co_filename, frame.f_lineno)
            raise SideEffectError(
                f"{_spoken(event, args)} at {where}, in the handler of a durable job. The handler is replayed from the"
                " top whenever the run goes on, and it would happen again: move it into a step, await job_step(run=…)."
            )
        finally:
            _state.on = True


def _culprit(frame: FrameType | None) -> FrameType | None:
    """The line of the user's that leads here, or `None` where none does."""
    found: FrameType | None = None
    if frame is not None and frame.f_globals is globals():
        frame = frame.f_back
    while frame is not None:
        module = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if module in _INNOCENT:
            return None
        # Threads are started by way of `threading`, whose frames come before the job's.
        if module in _ENGINE and not (module == "threading" and found is None):
            break
        if found is None or not is_users(found):
            found = frame
        frame = frame.f_back
    return found


def _spoken(event: str, args: tuple[Any, ...]) -> str:
    if event == "open":
        return f"open({args[0]!r})"
    return _SPOKEN.get(event, f"{event}()")
