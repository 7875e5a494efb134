"""The sessions of this process with MCP servers, and who holds them."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from ...diagnostics.logs import Block, logger_of
from ...diagnostics.text import list_names
from ...errors import MountError, TerseError, TransientError
from .http_transport import Broken
from .mount import Mount
from .session import Session
from .stdio import LAST_WORDS

__all__ = ["Sessions", "sessions"]

_logger = logger_of("mcp")


class Sessions:
    """The sessions of this process, one for each mount, and who holds them."""

    def __init__(self) -> None:
        self._open: dict[Mount, Session] = {}
        self._held: Counter[Mount] = Counter()
        # Workers may run in several threads, each with a loop.
        self._lock = threading.Lock()

    async def call(self, mount: Mount, name: str, arguments: Mapping[str, Any], key: str) -> Any:
        """Call a tool by its canonical name, wherever the session lives.

        Raises:
            UnknownToolError, StepInputError: the server has no such tool, or it does not take these arguments.
            ToolError, TransientError: as `Session.call`.
        """
        for last in (False, True):
            session = await self._opened(mount)
            tool = mount.tool(name)
            try:
                # Checked when it was made, by what was listed then, if anything was.
                return await _on(session.loop, session.call(tool, tool.checked(arguments), key))
            except Broken as broken:
                # A server over HTTP that was started anew: nothing has happened, and it wants another session.
                await _on(session.loop, session.close())
                if last:
                    raise TransientError(f"{mount}: {broken}", sent=False) from None
        raise AssertionError  # not reached

    @asynccontextmanager
    async def holding(self, wanted: Iterable[Mount]) -> AsyncIterator[None]:
        """Within the block these are connected; what nobody holds any more is closed at its end.

        Raises:
            MountError: servers cannot be started or reached; the message has each of them.
        """
        held = list(wanted)
        self._held.update(held)
        try:
            outcomes = await asyncio.gather(*map(self._session, held), return_exceptions=True)
            failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
            if len(failures) == 1 or any(not isinstance(each, TerseError) for each in failures):
                raise next((each for each in failures if not isinstance(each, TerseError)), failures[0])
            if failures:
                raise MountError("\n".join(map(str, failures)))
            for mount in held:
                _logger.info("mcp   %s  connected: %s", mount.name, list_names(mount.tools or ()) or "no tools")
            yield
        finally:
            self._held.subtract(held)
            free = [mount for mount in held if not self._held[mount]]
            await asyncio.gather(*map(self.close, free))

    async def close(self, mount: Mount) -> None:
        """End the session of a mount, if there is one."""
        with self._lock:
            session = self._open.pop(mount, None)
        mount.tools = mount.clashes = None
        if session is not None and session.loop.is_running():
            await _on(session.loop, session.close())

    async def connect(self, mount: Mount) -> None:
        """Open the session of a mount, if it is not.

        Raises:
            MountError: the server cannot be started or reached.
        """
        await self._session(mount)

    def ended(self, session: Session) -> None:
        """Told by a session that it is over."""
        with self._lock:
            if self._open.get(session.mount) is session:
                del self._open[session.mount]
            # While a worker runs, what was listed still says what there is: the server is started again.
            if not self._held[session.mount] and session.mount not in self._open:
                session.mount.tools = session.mount.clashes = None

    async def _opened(self, mount: Mount) -> Session:
        try:
            return await self._session(mount)
        except MountError as err:
            # Tried again by the rule of the call, whose attempts are counted: a server may take its time to come back.
            why, heading, said = str(err).partition(LAST_WORDS)
            if said:
                _logger.warning("mcp   %s  %s", mount.name, Block(f"{heading}{said}".strip()))
            raise TransientError(why, sent=False) from None

    async def _session(self, mount: Mount) -> Session:
        with self._lock:
            session = self._open.get(mount)
            if session is None or session.has_ended or not session.loop.is_running():
                session = self._open[mount] = Session(mount, self.ended)
        await _on(session.loop, session.opened())
        return session


async def _on(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any]) -> Any:
    """Run it where the session lives: a `def` that runs on a thread may have a loop of its own."""
    if loop is asyncio.get_running_loop():
        return await work
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))


sessions: Final = Sessions()
