"""Lines that are typed at the terminal of this process, while its event loop goes on."""

from __future__ import annotations

import asyncio
import codecs
import os
import sys
from collections import deque
from typing import Final

__all__ = ["TypedLines", "has_terminal"]

#: Seconds after which a process in the background looks whether it is in the foreground: it may not read before.
_LOOK_AGAIN: Final = 1.0

_READ: Final = 4096


def has_terminal() -> bool:
    """Return whether somebody can type something to this process."""
    try:
        return sys.stdin.isatty() and os.name == "posix"
    except (AttributeError, ValueError):  # none, or closed
        return False


class TypedLines:
    """What is typed, line by line.

    Not by a thread: one that waits for a line cannot be told to stop.

    Args:
        descriptor: of the terminal.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._begun = ""
        self._lines: deque[str] = deque()
        self._some = asyncio.Event()
        self._is_over = False
        self._listen()

    async def next(self) -> str | None:
        """Wait for the next line, and return it; `None` when there will be none."""
        while not self._lines:
            if self._is_over:
                return None
            self._some.clear()
            await self._some.wait()
        return self._lines.popleft()

    def forget(self) -> None:
        """Forget what was typed before anything was asked."""
        self._lines.clear()

    def end(self) -> None:
        """Read no more."""
        self._is_over = True
        asyncio.get_running_loop().remove_reader(self._descriptor)
        self._some.set()

    def _listen(self) -> None:
        if not self._is_over:
            asyncio.get_running_loop().add_reader(self._descriptor, self._readable)

    def _is_in_foreground(self) -> bool:
        try:
            return os.tcgetpgrp(self._descriptor) == os.getpgrp()
        except OSError:  # the terminal is not that of its session, which has no say in it then
            return True

    def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        if not self._is_in_foreground():  # it would be stopped for reading
            loop.remove_reader(self._descriptor)
            loop.call_later(_LOOK_AGAIN, self._listen)
            return
        try:
            read = os.read(self._descriptor, _READ)
        except OSError:  # the terminal is gone
            read = b""
        if not read:
            self.end()
            return
        *lines, self._begun = (self._begun + self._decoder.decode(read)).split("\n")
        self._lines.extend(line.rstrip("\r") for line in lines)
        if lines:
            self._some.set()
