"""Sessions with MCP servers: one for each mount of a process, shared by all that runs in it.

The hard part is who opens and closes. The library's streams belong to the task that opened them, so a session lives in
an asyncio task of its own, and steps, which come and go in theirs, only send requests through it. When the server dies
the task ends; the next call starts another. A worker holds the sessions of its mounts while it runs. Where none does,
in a script, a session stays open until its event loop ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import os
import shutil
import sys
import threading
from collections import Counter, deque
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TextIO

import mcp_types
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from ..._version import __version__
from ...diagnostics.logs import Block, logger_of
from ...diagnostics.redaction import Secrets, redacted
from ...durations import format_duration
from ...errors import MountError, TerseError, ToolError, TransientError
from ..tool import listed
from .bounded_schemas import BoundedValidator
from .http_transport import Broken, broken_of, http_transport
from .mounted import MountedTool
from .mounts import Mount, canonical
from .results import tool_result
from .secrets import expanded, named_secrets

__all__ = ["IDEMPOTENCY_KEY", "Session", "Sessions", "sessions"]

#: The name under which the idempotency key stands in a request's `_meta`.
IDEMPOTENCY_KEY: Final = "terse.dev/idempotency-key"

_logger = logger_of("mcp")

_SAID: Final = "\nThe last it said:"

#: Lines of a server's standard error that an error message repeats.
_TAIL: Final = 15

#: The library stops a server in three steps of two seconds each, and this is a little more.
_CLOSING: Final = 10.0

_PAGES: Final = 1000

_CLIENT: Final = mcp_types.Implementation(name="terse-temporal", version=__version__)

# They say at INFO each request, and the id of a session, with which one could join it.
for _name in ("httpx2", "mcp.client.streamable_http"):
    if logging.getLogger(_name).level == logging.NOTSET:
        logging.getLogger(_name).setLevel(logging.WARNING)


class _WithoutContent(logging.Filter):
    """Makes one line of each line that is no message of the protocol, without what was in it."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info:
            record.exc_info = None
            record.msg, record.args = f"an MCP server: {record.getMessage()} (a line on its standard output)", None
        return True


logging.getLogger("mcp.client.stdio").addFilter(_WithoutContent())


class Session:
    """One session with the server of a mount, in a task of its own.

    Attributes:
        loop: the event loop that it belongs to.
    """

    def __init__(self, mount: Mount) -> None:
        self.mount = mount
        self.loop = asyncio.get_running_loop()
        self._secrets = Secrets()
        self._stderr = _Tail(self)
        self._client: Client | None = None
        self._ready = asyncio.Event()
        self._stop = asyncio.Event()
        self._failure: BaseException | None = None
        self._timed_out = False
        self._closing = False
        # Of no step: what is current for the one that happens to be the first would be current in the session for ever.
        self._task = self.loop.create_task(self._live(), name=f"terse-mcp-{mount.name}", context=contextvars.Context())

    @property
    def has_ended(self) -> bool:
        """Whether it is over, so that a call needs another."""
        return self._stop.is_set() or self._task.done()

    async def opened(self) -> None:
        """Wait until the server has listed its tools.

        Raises:
            MountError: it cannot be started or reached.
        """
        await self._ready.wait()
        if self._client is None:
            raise self._error()

    async def close(self) -> None:
        """End it, and wait until nothing of it is left."""
        self._closing = True
        self._stop.set()
        if not self._ready.is_set():
            self._task.cancel()  # it waits for the server, and not for this
        await asyncio.wait([self._task], timeout=_CLOSING)

    async def call(self, tool: MountedTool, arguments: Mapping[str, Any], key: str) -> Any:
        """Call a tool. A call that is cancelled is cancelled at the server too.

        Raises:
            ToolError: the tool says that it failed, or the server refuses the call.
            TransientError: the server died or broke off.
            Broken: it does not know the session any more; another one may be opened.
        """
        assert self._client is not None
        assert tool.server_name is not None
        meta: Any = {IDEMPOTENCY_KEY: key}  # a mapping with keys of one's own, which its type has no room for
        try:
            result = await self._client.call_tool(tool.server_name, dict(arguments), meta=meta)
        except MCPError as err:
            raise await self._call_error(err, tool) from None
        except (RuntimeError, ValidationError) as err:
            if self.has_ended:
                raise TransientError(self.redacted(f"{self.mount} broke off during a call of {tool.name!r}")) from None
            # An answer that does not fit its own schema, or that asks for a person, say.
            raise ToolError(self.redacted(f"the tool {tool.name!r}: {err}"), tool=tool.name) from None
        if result.is_error:
            said = tool_result(result.model_copy(update={"structured_content": None}), None)
            text = said if isinstance(said, str) else "no more than that" if said is None else str(said)
            raise ToolError(
                self.redacted(f"the tool {tool.name!r} of {self.mount} says that it failed: {text}"), tool=tool.name
            )
        self._check_result(result, tool)
        return tool_result(result, tool.output_schema)

    def _check_result(self, result: mcp_types.CallToolResult, tool: MountedTool) -> None:
        """Refuse an answer that does not fit the schema that the server lists for it."""
        if tool.result_validator is None:
            return
        problem = None
        try:
            if "structured_content" not in result.model_fields_set:
                problem = "there is none"
            else:
                errors = tool.result_validator.iter_errors(result.structured_content)
                problem = next((f"{each.json_path}: {each.message}" for each in errors), None)
        except Exception as err:
            problem = f"the schema cannot be applied: {err}"
        if problem is not None:
            text = f"the tool {tool.name!r}: its structured content does not fit the server's own schema: {problem}"
            raise ToolError(self.redacted(text), tool=tool.name)

    async def _call_error(self, err: MCPError, tool: MountedTool) -> Exception:
        if (broken := broken_of(err)) is not None:
            if broken.session_gone:
                return broken
            text = self.redacted(f"{self.mount}: {broken}")
            if broken.final:
                return ToolError(text, tool=tool.name)
            return TransientError(text, retry_after=broken.retry_after, sent=broken.sent)
        # The library's own word for a connection that has ended, which servers use for errors of theirs too.
        if err.code == mcp_types.CONNECTION_CLOSED:
            await asyncio.sleep(0)
            if self.has_ended or err.message.startswith(("Connection closed", "SSE stream")):
                return TransientError(
                    self.redacted(
                        f"{self.mount} broke off during a call of {tool.name!r}, which may have happened or not"
                    )
                )
        return ToolError(
            self.redacted(f"{self.mount} refuses the call of {tool.name!r}: {err.message} (JSON-RPC error {err.code})"),
            tool=tool.name,
        )

    async def _live(self) -> None:
        mount = self.mount
        limit = self.loop.call_later(mount.start_timeout.total_seconds(), self._give_up)
        try:
            async with contextlib.AsyncExitStack() as stack:
                transport = _Watched(await self._transport(stack), self._stop.set, self._stderr.server_has_started)
                client = await stack.enter_async_context(Client(transport, client_info=_CLIENT, cache=None))
                mount.tools, mount.clashes = _tools(mount, await _listed(client))
                # It would apply the server's own schema to each result, on the worker's loop and without bounds.
                client.session.validate_tool_result = _unchecked  # type: ignore[method-assign]  # there is no option
                self._client = client
                limit.cancel()
                self._ready.set()
                await self._stop.wait()
            if not self._closing:
                # Here and not in the error of a call, which is recorded: who knows what a server says.
                last = self._stderr.shown()
                heading = _SAID if last else ""
                _logger.warning(
                    f"mcp   %s  has ended, and is started again by the next call.{heading}%s",
                    mount.name,
                    Block(last.removeprefix(heading)),
                )
        except asyncio.CancelledError as err:
            # By the timeout, or because the loop ends; neither is anybody's to be told by a cancelled task.
            self._failure = err
        except BaseException as err:  # often a group of them
            self._failure = err
        finally:
            limit.cancel()
            self._stop.set()
            self._stderr.close()
            self._ready.set()
            sessions.ended(self)

    def _give_up(self) -> None:
        self._timed_out = True
        self._task.cancel()

    async def _transport(self, stack: contextlib.AsyncExitStack) -> Any:
        mount = self.mount
        if mount.url is not None:
            # Asked once here, so that a missing variable is told as such.
            expanded(mount, "url", {"url": mount.url})
            headers = expanded(mount, "headers", mount.headers)
            self._secrets = named_secrets([mount.url, *mount.headers.values()], headers, all_of_them=True)
            return await http_transport(mount, stack)
        env = expanded(mount, "env", mount.env)
        self._secrets = named_secrets(mount.env.values(), env, all_of_them=False)
        assert mount.command is not None
        program, *arguments = mount.command
        parameters = StdioServerParameters(command=_program(program), args=arguments, env=env, cwd=mount.cwd)
        return stdio_client(parameters, errlog=self._stderr.open())

    def _error(self) -> TerseError:
        cause = _innermost(self._failure)
        if isinstance(cause, TerseError):
            return cause
        mount = self.mount
        self._stderr.close()
        if self._closing:
            why, advice = "it was given up while it was being started", "Call it again"
        elif self._timed_out:
            why = f"it has not listed its tools within {format_duration(mount.start_timeout)}"
            advice = 'Give it longer with start_timeout="5m"'
        elif isinstance(cause, FileNotFoundError | NotADirectoryError | PermissionError):
            why = str(cause.strerror) + (f": {str(cause.filename)!r}" if cause.filename else "")
            advice = "Install it, or correct command= (and cwd=)"
        elif isinstance(cause, MCPError) and (broken := broken_of(cause)) is not None:
            why, advice = str(broken), "Correct url= and headers=" if broken.final else "See that it runs"
        elif mount.command is not None and isinstance(cause, MCPError) and cause.code == mcp_types.CONNECTION_CLOSED:
            why, advice = "it has ended before it listed its tools", "Run its command by hand to see why"
        else:
            why, advice = f"{type(cause).__name__}: {cause}", "See that it is an MCP server, and runs by itself"
        started = "cannot be started" if mount.command is not None else "cannot be reached"
        program = f" (program {mount.command[0]!r})" if mount.command is not None else ""
        return MountError(
            self.redacted(f"{mount}{program} {started}: {why}. {advice}, or take the mount away.{self._stderr.shown()}")
        )

    def redacted(self, text: str) -> str:
        """The text without what is secret: a server may well repeat it."""
        return redacted(self._secrets.hide(text))


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
                _logger.info("mcp   %s  connected: %s", mount.name, listed(mount.tools or ()) or "no tools")
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
            why, heading, said = str(err).partition(_SAID)
            if said:
                _logger.warning("mcp   %s  %s", mount.name, Block(f"{heading}{said}".strip()))
            raise TransientError(why, sent=False) from None

    async def _session(self, mount: Mount) -> Session:
        with self._lock:
            session = self._open.get(mount)
            if session is None or session.has_ended or not session.loop.is_running():
                session = self._open[mount] = Session(mount)
        await _on(session.loop, session.opened())
        return session


async def _on(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any]) -> Any:
    """Run it where the session lives: a `def` that runs on a thread may have a loop of its own."""
    if loop is asyncio.get_running_loop():
        return await work
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))


async def _unchecked(name: str, result: mcp_types.CallToolResult) -> None:
    pass


async def _listed(client: Client) -> list[mcp_types.Tool]:
    found: list[mcp_types.Tool] = []
    cursor: str | None = None
    for _ in range(_PAGES):
        page = await client.list_tools(cursor=cursor)
        found += page.tools
        cursor = page.next_cursor
        if cursor is None:
            return found
    raise RuntimeError(f"its list of tools has no end: {_PAGES} pages, and another one to come")


def _tools(mount: Mount, found: Iterable[mcp_types.Tool]) -> tuple[dict[str, MountedTool], dict[str, list[str]]]:
    by_name: dict[str, list[mcp_types.Tool]] = {}
    for each in found:
        by_name.setdefault(canonical(each.name), []).append(each)
    tools = {name: _tool(mount, name, several[0]) for name, several in sorted(by_name.items()) if len(several) == 1}
    return tools, {name: [each.name for each in several] for name, several in by_name.items() if len(several) > 1}


def _tool(mount: Mount, name: str, found: mcp_types.Tool) -> MountedTool:
    hints = found.annotations or mcp_types.ToolAnnotations()
    return mount.make_tool(
        name,
        server_name=found.name,
        description=found.description or found.title or "",
        read_only=bool(hints.read_only_hint),
        idempotent=bool(hints.idempotent_hint),
        schema=found.input_schema,
        output_schema=found.output_schema,
        validator=BoundedValidator(found.input_schema),
        result_validator=None if found.output_schema is None else BoundedValidator(found.output_schema),
    )


def _program(name: str) -> str:
    """The program as it is found from here. One that is installed beside this Python need not be on the path."""
    if os.path.dirname(name):  # noqa: PTH120  a path, which is relative to `cwd`
        return name
    return shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent)) or name


def _innermost(error: BaseException | None) -> BaseException | None:
    """The first thing that went wrong, out of the groups that task groups make."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


class _Watched:
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


class _Tail:
    """The last lines of a server's standard error, which a thread reads."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lines: deque[str] = deque(maxlen=_TAIL)
        self._ours: TextIO | None = None
        self._thread: threading.Thread | None = None

    def open(self) -> TextIO:
        """The end that the server writes to."""
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
        """The lines, for the end of a message."""
        if self._thread is not None and self._session.has_ended:
            self.close()
        return "".join([_SAID, *(f"\n  {line}" for line in self._lines)]) if self._lines else ""

    def _read(self, descriptor: int) -> None:
        with os.fdopen(descriptor, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                said = self._session.redacted(line.rstrip())
                self._lines.append(said[:500])
                _logger.debug("%s: %s", self._session.mount.name, said)


sessions: Final = Sessions()
