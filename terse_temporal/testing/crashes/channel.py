"""Questions and answers between a test and its worker process, over a pair of sockets.

Either side asks, and either may take a question back. The hard story is the end of the other side in the middle of it:
a process that is killed answers nothing, and asks no more. So what was asked of it is cancelled, and what it asked too,
as if whoever was at it had been in the process that died.
"""

from __future__ import annotations

import asyncio
import itertools
import struct
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from typing import Any, Final, TypeAlias

from ...errors import CrashTestError
from .pickling import pickle_value, unpickle_value

__all__ = ["HEADER", "Channel", "Handler"]

Handler: TypeAlias = Callable[..., Awaitable[Any]]

#: Before each message, its length.
HEADER: Final = struct.Struct("!Q")


class Channel:
    """One side.

    Args:
        write: sends bytes. It may be called on any thread that asks.
        handlers: what answers the questions of the other side, by name. Each runs in a task of its own.
        loop: where they run.
    """

    def __init__(
        self, write: Callable[[bytes], None], handlers: Mapping[str, Handler], loop: asyncio.AbstractEventLoop
    ) -> None:
        self._write = write
        self._handlers = handlers
        self._loop = loop
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._asked: dict[int, Future[Any]] = {}
        self._answering: dict[int, asyncio.Task[None]] = {}
        self._closed = False

    async def ask(self, what: str, *data: Any) -> Any:
        """Ask, and wait for the answer. Cancelled, the question is taken back."""
        number, answer = self._send_question(what, data)
        try:
            return await asyncio.wrap_future(answer)
        except asyncio.CancelledError:
            if self._asked.pop(number, None) is not None:
                self._send("cancel", number, None)
            raise

    def ask_and_block(self, what: str, *data: Any) -> Any:
        """Ask from code that cannot wait otherwise. Not on a thread that `received` is called on."""
        return self._send_question(what, data)[1].result()

    def tell(self, what: str, *data: Any) -> None:
        """Say something that needs no answer."""
        self._send("tell", -1, (what, data))

    def receive(self, message: bytes) -> None:
        """Take in what the other side has sent. Called on one thread, which may be another than the loop's."""
        kind, number, content = unpickle_value(message)
        if kind in ("answer", "error"):
            answer = self._asked.pop(number, None)
            if answer is None or not answer.set_running_or_notify_cancel():
                return
            if kind == "answer":
                answer.set_result(content)
            else:
                answer.set_exception(content)
        else:
            self._loop.call_soon_threadsafe(self._take, kind, number, content)

    async def close(self) -> None:
        """Give up on the other side. Called on the loop."""
        self._closed = True
        for answer in self._asked.values():
            answer.cancel()
        self._asked.clear()
        answering = list(self._answering.values())
        for task in answering:
            task.cancel()
        if answering:
            await asyncio.wait(answering)

    def _send_question(self, what: str, data: tuple[Any, ...]) -> tuple[int, Future[Any]]:
        number = next(self._numbers)
        answer = self._asked[number] = Future()
        if self._closed:
            answer.cancel()
        else:
            try:
                self._send("ask", number, (what, data))
            except BaseException:
                del self._asked[number]
                raise
        return number, answer

    def _send(self, kind: str, number: int, content: Any) -> None:
        message = pickle_value((kind, number, content))
        with self._lock:
            if not self._closed:
                self._write(HEADER.pack(len(message)) + message)

    def _take(self, kind: str, number: int, content: Any) -> None:
        if kind == "cancel":
            if (answering := self._answering.get(number)) is not None:
                answering.cancel()
        elif not self._closed:
            what, data = content
            task = self._loop.create_task(self._answer(number, what, data))
            # What is only told is kept too: a task that nobody holds may be thrown away.
            key = number if kind == "ask" else -1 - next(self._numbers)
            self._answering[key] = task
            task.add_done_callback(lambda _: self._answering.pop(key, None))

    async def _answer(self, number: int, what: str, data: tuple[Any, ...]) -> None:
        try:
            kind, content = "answer", await self._handlers[what](*data)
        except (asyncio.CancelledError, KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as err:  # a test that fails in a test double raises no Exception
            kind, content = "error", err
        if number < 0:
            if isinstance(content, BaseException):
                raise content
            return
        try:
            self._send(kind, number, content)
        except Exception as err:
            failed = CrashTestError(f"the answer to {what!r} cannot be pickled for the other process: {err}")
            self._send("error", number, failed)
