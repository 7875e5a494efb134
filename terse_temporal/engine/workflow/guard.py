"""Refusing, in a durable handler, what would happen again on every replay.

Python announces to audit hooks what has side effects: files, sockets, processes, the environment, threads. While a
workflow of ours is being activated, on the thread that does it, such an announcement raises. That reaches code that the
job calls in other modules too, needs no list of functions to wrap, and costs the rest of the process one thread-local
look-up per announcement.

Some of it is no doing of the job's: an import opens files, so does a traceback that shows source lines, a log handler,
a finalizer that the garbage collector happens to run. Those are recognised by what stands on the stack between the
announcement and the job. And reading a file that came with Python or with a package is none at all: it is what was
installed, and a library that is refused its own data in the middle of setting itself up is broken for the process.

Python does not announce what is sent over a connection that is open already, so the methods of sockets do it here, on
that thread alone. Not noticed are writes to a file that was opened elsewhere, `os.write`, and what C code does itself.
"""

from __future__ import annotations

import functools
import mimetypes
import os
import signal
import site
import socket
import ssl
import sys
import threading
import weakref
import zoneinfo
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

from ...diagnostics.places import LIBRARIES, is_users, place
from ...diagnostics.python_private import replace_start_of_threads
from ...errors import SideEffectError

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

#: Modules of Python's, or of packages, that do such things on Python's behalf, or are a debugger.
_ALLOWED_MODULES: Final = frozenset(
    [
        "bdb",
        "cmd",
        "code",
        "encodings",
        "importlib",
        "linecache",
        "logging",
        "pdb",
        "platform",
        "readline",
        "rlcompleter",
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

_DESCRIPTIONS: Final = {
    "_thread.start_joinable_thread": "starting a thread",  # from 3.13 on
    "_thread.start_new_thread": "starting a thread",
    "builtins.input": "input()",
    "os.putenv": "writing os.environ",
    "os.unsetenv": "writing os.environ",
    "signal.alarm": "setting an alarm",
    "signal.setitimer": "setting an alarm",
    "socket.__new__": "opening a socket",
    "socket.received": "reading from an open connection",
    "socket.sent": "sending over an open connection",
}

#: What Python announces that only looks at a directory; its argument is a path, as that of `open` is.
_LOOKS: Final = frozenset({"glob.glob", "os.listdir", "os.scandir"})

_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

#: What opens a file for reading, as a mode of `open`. Python gives none for `os.open`.
_READING: Final = frozenset("rbtU")

#: The other cure for a file of the user's own: a template, or what else goes with the code.
_READ_BEFORE: Final = (
    " Or read it once, at the top of a module: a template with `TEMPLATE = env.get_template(…)`, data of a package"
    " with `TEXT = files(…).joinpath(…).read_text()`."
)

#: Names of databases that are in memory. What is announced when one is there needs no look of its own.
_IN_MEMORY: Final = (":memory:", b":memory:")


@functools.cache
def install() -> None:
    """Put the hook in place, once for the process. Python has no way to take one out again."""
    sys.addaudithook(_hook)
    if sys.version_info < (3, 12):
        _announce_threads()
    for socket_class in (socket.socket, ssl.SSLSocket):
        for name in ("send", "sendall", "sendto", "sendmsg", "sendfile", "write"):
            _announce(socket_class, name, "socket.sent")
        for name in ("recv", "recv_into", "recvfrom", "recvfrom_into", "recvmsg", "read"):
            _announce(socket_class, name, "socket.received")
    for name in ("alarm", "setitimer"):
        _announce(signal, name, f"signal.{name}")
    _installed()


def _announce(owner: Any, name: str, event: str) -> None:
    """Announce calls of a function, or method, on guarded threads. On others it costs a thread-local look-up."""
    original = getattr(owner, name, None)
    if original is None:
        return

    @functools.wraps(original)
    def announced(*args: Any, **kwargs: Any) -> Any:
        if getattr(_state, "on", False):
            sys.audit(event)
        return original(*args, **kwargs)

    setattr(owner, name, announced)


def _announce_threads() -> None:
    """Announce threads as Python does from 3.12 on."""

    def announcing(start: Callable[..., Any]) -> Callable[..., Any]:
        def announced(*args: Any) -> Any:
            sys.audit("_thread.start_new_thread", *args)
            return start(*args)

        return announced

    replace_start_of_threads(announcing)


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
    if _touches_nothing(event, args):
        return
    frame = _calling_line(sys._getframe(1))
    if frame is not None:
        # What builds the message must not set the hook off again.
        _state.on = False
        try:
            where = place(frame.f_code.co_filename, frame.f_lineno)
            raise SideEffectError(
                f"{_describe(event, args)} at {where}, in the handler of a durable job. The handler is replayed from"
                " the top whenever the run goes on, and it would happen again: move it into a step, await"
                " job_step(run=…)."
                f"{_READ_BEFORE if event == 'open' and _reads(args) else ''}"
            )
        finally:
            _state.on = True


def _touches_nothing(event: str, args: tuple[Any, ...]) -> bool:
    """Return whether it is a look at what is installed, or a database in memory."""
    if event == "open":
        return _reads(args) and _is_installed(args[0])
    if event in _LOOKS:
        return _is_installed(args[0])
    return event == "sqlite3.connect/handle" or (event == "sqlite3.connect" and args[0] in _IN_MEMORY)


def _reads(args: tuple[Any, ...]) -> bool:
    """Return whether what is announced opens a file for nothing but reading."""
    _, mode, flags = args
    return (mode is None or _READING.issuperset(mode)) and not (flags or 0) & _WRITING


def _is_installed(path: Any) -> bool:
    if not isinstance(path, str | bytes | os.PathLike):
        return False  # a file descriptor, or the working directory
    # Without the `..` in it, and with the separator at the end of a directory: its neighbour may begin like it.
    whole = os.path.abspath(os.fsdecode(path))  # noqa: PTH100  # links are not followed: that touches the disk
    directories, files = _installed()
    return whole in files or (whole + os.sep).startswith(directories)


@functools.cache
def _installed() -> tuple[tuple[str, ...], frozenset[str]]:
    """Return where Python, the packages, and the data of timezones and types of files are."""
    found = {*LIBRARIES, site.getusersitepackages(), *zoneinfo.TZPATH}
    found |= {each for each in sys.path if each.endswith(("site-packages", "dist-packages"))}
    directories = tuple(os.path.abspath(each) + os.sep for each in found if each)  # noqa: PTH100  # as above
    return directories, frozenset(os.fspath(each) for each in mimetypes.knownfiles)


def _calling_line(frame: FrameType | None) -> FrameType | None:
    """Return the line of the user's that leads here, or `None` where none does."""
    found: FrameType | None = None
    if frame is not None and frame.f_globals is globals():
        frame = frame.f_back
    while frame is not None:
        module = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if (module in _ALLOWED_MODULES and not is_users(frame)) or _is_finalizer(frame):
            return None
        # Threads are started by way of `threading`, whose frames come before the job's.
        if module in _ENGINE and not (module == "threading" and found is None):
            break
        if found is None or not is_users(found):
            found = frame
        frame = frame.f_back
    return found


def _is_finalizer(frame: FrameType) -> bool:
    """Return whether it is run when an object goes, which may be one of a step, and at any time."""
    return frame.f_code.co_name == "__del__" or frame.f_code is weakref.finalize.__call__.__code__


def _describe(event: str, args: tuple[Any, ...]) -> str:
    if event == "open":
        return f"open({args[0]!r})"
    return _DESCRIPTIONS.get(event, f"{event}()")
