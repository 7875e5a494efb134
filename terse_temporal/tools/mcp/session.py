"""A session with an MCP server: one for each mount of a process, shared by all that runs in it.

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
from collections.abc import Callable, Mapping
from typing import Any, Final

import mcp_types
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from ..._version import __version__
from ...diagnostics.foreign_logs import ForeignLogFilter
from ...diagnostics.logs import Block, logger_of
from ...diagnostics.redaction import Secrets
from ...durations import format_duration
from ...errors import MountError, TerseError, ToolError, TransientError
from ...serialization.wire_names import IDEMPOTENCY_KEY_META
from .http_transport import broken_of, http_transport
from .listing import list_tools, tools_by_name
from .mount import Mount
from .mounted import MountedTool
from .results import tool_result
from .secrets import expanded, named_secrets
from .stdio import LAST_WORDS, WITHOUT_CONTENT, StderrTail, WatchedTransport, find_program

__all__ = ["Session"]

_logger = logger_of("mcp")

#: The library stops a server in three steps of two seconds each, and this is a little more.
_CLOSING: Final = 10.0

_CLIENT: Final = mcp_types.Implementation(name="terse-temporal", version=__version__)


class _WarningsOnly(logging.Filter):
    """Drops what a library says below a warning, unless somebody has set a level for its logger."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING or logging.getLogger(record.name).level != logging.NOTSET


#: While a session lives: at INFO is each request, and the id of the session, with which one could join it.
_WITHOUT_REQUESTS: Final = ForeignLogFilter(_WarningsOnly(), ["httpx2", "mcp.client.streamable_http"])


class Session:
    """One session with the server of a mount, in a task of its own.

    Args:
        mount: the mount.
        on_end: called with the session when it is over.

    Attributes:
        loop: the event loop that it belongs to.
    """

    def __init__(self, mount: Mount, on_end: Callable[[Session], None]) -> None:
        self.mount = mount
        self._on_end = on_end
        self.loop = asyncio.get_running_loop()
        self._secrets = Secrets()
        self._stderr = StderrTail(mount.name, self.redact)
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
        meta: Any = {IDEMPOTENCY_KEY_META: key}  # a mapping with keys of one's own, which its type has no room for
        try:
            result = await self._client.call_tool(tool.server_name, dict(arguments), meta=meta)
        except MCPError as err:
            raise await self._call_error(err, tool) from None
        except (RuntimeError, ValidationError) as err:
            if self.has_ended:
                raise TransientError(self.redact(f"{self.mount} broke off during a call of {tool.name!r}")) from None
            # An answer that does not fit its own schema, or that asks for a person, say.
            raise ToolError(self.redact(f"the tool {tool.name!r}: {err}"), tool=tool.name) from None
        if result.is_error:
            said = tool_result(result.model_copy(update={"structured_content": None}), None)
            text = said if isinstance(said, str) else "no more than that" if said is None else str(said)
            raise ToolError(
                self.redact(f"the tool {tool.name!r} of {self.mount} says that it failed: {text}"), tool=tool.name
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
            raise ToolError(self.redact(text), tool=tool.name)

    async def _call_error(self, err: MCPError, tool: MountedTool) -> Exception:
        if (broken := broken_of(err)) is not None:
            if broken.session_gone:
                return broken
            text = self.redact(f"{self.mount}: {broken}")
            if broken.final:
                return ToolError(text, tool=tool.name)
            return TransientError(text, retry_after=broken.retry_after, sent=broken.sent)
        # The library's own word for a connection that has ended, which servers use for errors of theirs too.
        if err.code == mcp_types.CONNECTION_CLOSED:
            await asyncio.sleep(0)
            if self.has_ended or err.message.startswith(("Connection closed", "SSE stream")):
                return TransientError(
                    self.redact(
                        f"{self.mount} broke off during a call of {tool.name!r}, which may have happened or not"
                    )
                )
        return ToolError(
            self.redact(f"{self.mount} refuses the call of {tool.name!r}: {err.message} (JSON-RPC error {err.code})"),
            tool=tool.name,
        )

    async def _live(self) -> None:
        mount = self.mount
        limit = self.loop.call_later(mount.start_timeout.total_seconds(), self._give_up)
        try:
            async with contextlib.AsyncExitStack() as stack:
                stack.enter_context(WITHOUT_CONTENT)
                stack.enter_context(_WITHOUT_REQUESTS)
                transport = WatchedTransport(
                    await self._transport(stack), self._stop.set, self._stderr.server_has_started
                )
                client = await stack.enter_async_context(Client(transport, client_info=_CLIENT, cache=None))
                mount.tools, mount.clashes = tools_by_name(mount, await list_tools(mount, client))
                # It would apply the server's own schema to each result, on the worker's loop and without bounds.
                client.session.validate_tool_result = _skip_check  # type: ignore[method-assign]  # there is no option
                self._client = client
                limit.cancel()
                self._ready.set()
                await self._stop.wait()
            if not self._closing:
                # Here and not in the error of a call, which is recorded: who knows what a server says.
                self._stderr.close()
                last = self._stderr.shown()
                heading = LAST_WORDS if last else ""
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
            self._on_end(self)

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
        parameters = StdioServerParameters(command=find_program(program), args=arguments, env=env, cwd=mount.cwd)
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
            self.redact(f"{mount}{program} {started}: {why}. {advice}, or take the mount away.{self._stderr.shown()}")
        )

    def redact(self, text: str) -> str:
        """Return the text without what is secret: a server may well repeat it."""
        return self._secrets.redact(text)


async def _skip_check(name: str, result: mcp_types.CallToolResult) -> None:
    pass


def _innermost(error: BaseException | None) -> BaseException | None:
    """Return the first thing that went wrong, out of the groups that task groups make."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
