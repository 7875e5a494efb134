"""What the MCP library leaves open about a server that is started here: its end, and what it says on standard error."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TextIO

from ...diagnostics.foreign_logs import ForeignLogFilter
from ...diagnostics.logs import logger_of
from ...diagnostics.text import shorten

__all__ = ["LAST_WORDS", "WITHOUT_CONTENT", "StderrTail", "WatchedTransport", "find_program"]

LAST_WORDS: Final = "\nThe last it said:"

#: Lines of a server's standard error that an error message repeats.
_TAIL: Final = 15

_logger = logger_of("mcp")


class _WithoutContent(logging.Filter):
    """Makes one line of each line that is no message of the protocol, without what was in it."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info:
            record.exc_info = None
            record.msg, record.args = f"an MCP server: {record.getMessage()} (a line on its standard output)", None
        return True


#: While a session lives. What is no message may be anything, a secret too.
WITHOUT_CONTENT: Final = ForeignLogFilter(_WithoutContent(), ["mcp.client.stdio"])


def find_program(name: str) -> str:
    """Return the program as it is found from here. One that is installed beside this Python need not be on the path."""
    if os.path.dirname(name):  # noqa: PTH120  a path, which is relative to `cwd`
        return name
    return shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent)) or name


class WatchedTransport:
    """A transport that tells when the other side has ended: the library notices, and says so to nobody."""

    def __init__(self, inner: AbstractAsyncContextManager[Any], on_end: Any, on_start: Any) -> None:
        self._inner = inner
        self._on_end = on_end
        self._on_start = on_start

    async def __aenter__(self) -> tuple[Any, Any]:
        read, write = await self._inner.__aenter__()
        self._on_start()
        return _WatchedStream(read, self._on_end), write

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        return await self._inner.__aexit__(kind, error, traceback)


class _WatchedStream:
    def __init__(self, inner: Any, on_end: Any) -> None:
        self._inner = inner
        self._on_end = on_end

    @property
    def last_context(self) -> Any:
        return getattr(self._inner, "last_context", None)

    async def receive(self) -> Any:
        return await self._inner.receive()

    async def aclose(self) -> None:
        await self._inner.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        try:
            return await self._inner.__anext__()
        except BaseException:  # StopAsyncIteration, or that it is closed
            self._on_end()
            raise

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> Any:
        return await self._inner.__aexit__(*error)


class StderrTail:
    """The last lines of a server's standard error, which a thread reads.

    Args:
        name: of the mount.
        redact: takes secrets out of a line.
    """

    def __init__(self, name: str, redact: Callable[[str], str]) -> None:
        self._name = name
        self._redact = redact
        self._lines: deque[str] = deque(maxlen=_TAIL)
        self._ours: TextIO | None = None
        self._thread: threading.Thread | None = None

    def open(self) -> TextIO:
        """Return the end that the server writes to."""
        read, write = os.pipe()
        self._ours = os.fdopen(write, "w")
        self._thread = threading.Thread(target=self._read, args=[read], daemon=True, name="terse-mcp-stderr")
        self._thread.start()
        return self._ours

    def server_has_started(self) -> None:
        """Close our own copy of that end, so that the server's end is the last."""
        if self._ours is not None:
            self._ours.close()

    def close(self) -> None:
        """Read what is left."""
        self.server_has_started()
        if self._thread is not None:
            self._thread.join(0.5)  # longer only if the server has left a process behind that has it open

    def shown(self) -> str:
        """Return the lines, for the end of a message."""
        return "".join([LAST_WORDS, *(f"\n  {line}" for line in self._lines)]) if self._lines else ""

    def _read(self, descriptor: int) -> None:
        with os.fdopen(descriptor, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                said = self._redact(line.rstrip())
                self._lines.append(shorten(said, 500))
                _logger.debug("%s: %s", self._name, said)
