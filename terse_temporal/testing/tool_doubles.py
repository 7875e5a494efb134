"""`jobs.tools`: the test doubles of tools, by the names that `toolbox` has for them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from ..diagnostics.text import did_you_mean, list_names
from ..errors import TestDoubleError, UnknownToolError
from ..execution.test_doubles import FunctionCall
from ..tools import Tool, find_tool
from ..tools.mcp.mount import canonical
from ..tools.mcp.mounted import MountedTool
from ..tools.mcp.mounts import mounts
from .doubles import Double, Record
from .generated_values import complete
from .served import served_tool

__all__ = ["ToolDouble", "ToolDoubles"]


class ToolDoubles:
    """The tools of a test: `jobs.tools.slack.send_message`, or `jobs.tools["slack.send_message"]`."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}
        #: MCP servers that have test doubles, and what they had listed before.
        self._servers: dict[str, Mapping[str, MountedTool] | None] = {}

    def __getattr__(self, name: str) -> ToolDouble:
        if name.startswith("_"):
            raise AttributeError(name)
        return ToolDouble(self, name)

    def __getitem__(self, name: str) -> ToolDouble:
        return ToolDouble(self, name)

    def serve(self, toolbox: str, *functions: Callable[..., Any]) -> None:
        """Put functions in the place of an MCP server: its tools are those, and it is neither started nor reached.

        Args:
            toolbox: the name that it is mounted under.
            functions: each a tool of its own name. Calls are checked against their annotations, as they would be
                against what the server lists.

        Raises:
            TestDoubleError: nothing is mounted there, or a function has no annotations that say what it takes.

        Before the first run of a job that uses it.
        """
        mount = mounts.get(toolbox)
        if mount is None:
            known = [each.name for each in mounts]
            raise TestDoubleError(
                f"no MCP server is mounted as {toolbox!r}{did_you_mean(toolbox, known)} (there are"
                f" {list_names(known) or 'none'}). Tools of other kinds are replaced one by one: jobs.tools.slack.…"
            )
        if mount.name not in self._servers:
            self._servers[mount.name] = mount.tools
        tools = {canonical(each.__name__): served_tool(mount, each) for each in functions}
        mount.tools = tools
        for tool, function in zip(tools.values(), functions, strict=True):
            ToolDouble(self, tool.name).does(function)

    def _end(self) -> None:
        for name, tools in self._servers.items():
            if (mount := mounts.get(name)) is not None:
                mount.tools = tools

    def _record_of(self, tool: Tool) -> Record:
        return self._records.setdefault(tool.name, Record(tool.name))

    def _fresh(self) -> ToolDoubles:
        other = ToolDoubles()
        other._servers = self._servers
        other._records = {name: record.fresh() for name, record in self._records.items()}
        return other

    async def _answer(self, call: FunctionCall) -> Any:
        return await self._records.setdefault(call.name, Record(call.name)).answer(call)

    def _check(self) -> None:
        """Refuse test doubles of tools that are not there, now that servers have listed theirs."""
        for name, record in self._records.items():
            if not record.real:
                find_tool(name)


class ToolDouble(Double):
    """The test double of one tool; or a part of its name, on the way to it."""

    def __init__(self, doubles: ToolDoubles, name: str) -> None:
        self._doubles = doubles
        self._name = name

    def __getattr__(self, name: str) -> ToolDouble:
        if name.startswith("_"):
            raise AttributeError(name)
        return ToolDouble(self._doubles, f"{self._name}.{name}")

    def __call__(self, *positional: Any, **keywords: Any) -> None:
        name, _, method = self._name.rpartition(".")
        try:
            find_tool(name)
        except UnknownToolError:
            raise TestDoubleError(
                f"jobs.tools.{self._name}(…) calls nothing: it is there to say what the tool does in the test, as in"
                f" jobs.tools.{self._name}.returns(…)"
            ) from None
        known = [each for each in vars(Double) if not each.startswith("_")]
        raise TestDoubleError(
            f"jobs.tools.{name} has no {method!r}{did_you_mean(method, known) or '.'} There are {list_names(known)}"
        )

    def __repr__(self) -> str:
        return f"<jobs.tools.{self._name}>"

    @property
    def _tool(self) -> Tool:
        return find_tool(self._name)

    @property
    def _record(self) -> Record:
        return self._doubles._record_of(self._tool)

    def _check_value(self, value: Any) -> None:
        tool = self._tool
        complete(value, tool.function, {}, tool.name)

    def _check_function(self, function: Callable[..., Any]) -> None:
        tool = self._tool
        theirs = tool.signature.parameters
        if any(each.kind is each.VAR_KEYWORD for each in theirs.values()):
            return
        try:
            ours = inspect.signature(function).parameters
        except (TypeError, ValueError):
            return
        takes_any = any(each.kind is each.VAR_KEYWORD for each in ours.values())
        lacks = [name for name in theirs if name not in ours and not takes_any]
        extra = [
            name
            for name, each in ours.items()
            if name not in theirs
            and each.default is each.empty
            and each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)
        ]
        if extra or lacks:
            what = f"takes {extra[0]!r}, which the tool lacks" if extra else f"does not take {lacks[0]!r}"
            raise TestDoubleError(
                f"{getattr(function, '__name__', function)!r} cannot be the test double of {tool.name!r}: it {what}."
                f" The tool is {tool.name}{tool.shown_signature}"
            )

    def _expected(self, positional: tuple[Any, ...], keywords: dict[str, Any]) -> Mapping[str, Any]:
        tool = self._tool
        if positional:
            raise TestDoubleError(f"arguments of tools are given by name: {tool.name}{tool.shown_signature}")
        request = tool.request(keywords)
        return tool.shown(request.arguments or {})
