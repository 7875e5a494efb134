"""The tools that there are: those that are registered, those of mounted MCP servers, and those that are built in."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from ..diagnostics.text import did_you_mean, list_names
from ..errors import JobDefinitionError, UnknownToolError
from ..jobs.registry import is_collecting
from .mcp.mounts import mounts
from .tool import ORIGIN_BUILT_IN, Tool, fold_name

__all__ = ["BUILT_IN", "find_tool", "is_built_in", "list_tools", "register_tool", "toolbox_names"]

_MODULES: Final = f"{__package__}.builtin"

#: Toolboxes that are built in, each a module of that name.
BUILT_IN: Final = ("email", "http", "slack")

_tools: dict[str, Tool] = {}
_built_in: dict[str, Tool] = {}


def is_built_in(function: Callable[..., Any]) -> bool:
    """Return whether a tool's function is of this package."""
    return function.__module__.startswith(f"{_MODULES}.")


def register_tool(tool: Tool) -> None:
    """Register a tool. One written in the same place replaces it, as a module is executed more than once.

    Raises:
        JobDefinitionError: the name is another's.
    """
    if is_built_in(tool.function):
        _built_in[tool.name] = replace(tool, origin=ORIGIN_BUILT_IN)
        return
    if is_collecting():
        return
    before = _tools.get(tool.name)
    if before is not None and _identity(before) != _identity(tool):
        raise JobDefinitionError(
            f"the tool {tool.name!r} is registered twice: at {before.where} and at {tool.where}. Give one of them"
            " another name."
        )
    _tools[tool.name] = tool


def find_tool(name: str) -> Tool:
    """Return the tool of a name, in either spelling.

    One that is registered comes before one of a server that is mounted, and that before one that is built in.

    Raises:
        UnknownToolError: there is none; the message has the nearest names.
    """
    if (found := _find_spelling(name, _tools) or mounts.find(name)) is not None:
        return found
    _load_built_in(name.partition(".")[0])
    if (found := _find_spelling(name, _built_in)) is not None:
        return found
    raise UnknownToolError(_unknown(name))


def list_tools() -> list[Tool]:
    """Return every tool that can be called, in the order of their names.

    Those that are registered or built in, and those of the MCP servers that are connected: all of them in a worker,
    and those that have been called outside one.
    """
    for name in BUILT_IN:
        if mounts.get(name) is None:
            _load_built_in(name)
    built_in = {name: tool for name, tool in _built_in.items() if mounts.get(tool.toolbox) is None}
    tools = {**built_in, **{tool.name: tool for tool in mounts.tools()}, **_tools}
    return [tools[name] for name in sorted(tools)]


def toolbox_names() -> set[str]:
    """Return the names of all toolboxes that there are, whether their tools are known yet or not."""
    return {*BUILT_IN, *(tool.toolbox for tool in _tools.values()), *(mount.name for mount in mounts)}


def _load_built_in(toolbox: str) -> None:
    """Import the built-in tools of a toolbox, whose modules import nothing that is an extra."""
    if toolbox in BUILT_IN:
        importlib.import_module(f"{_MODULES}.{toolbox}")


def _unknown(name: str) -> str:
    toolbox, _, _ = name.rpartition(".")
    if not toolbox:
        return (
            f"there is no tool {name!r}: the name of one is that of its toolbox, a dot and its own, such as"
            ' "slack.send_message"'
        )
    tools = list_tools()
    inside = {tool.name for tool in tools if tool.toolbox == toolbox}
    if inside:
        return (
            f"there is no tool {name!r}{did_you_mean(name, inside)} (the toolbox {toolbox!r} has {list_names(inside)})"
        )
    boxes = toolbox_names()
    return (
        f"there is no toolbox {toolbox!r} for the tool {name!r}{did_you_mean(toolbox, boxes)} (there are"
        f" {list_names(boxes) or 'none'}). Register a tool with @toolbox.tool({name!r}) and import its module, or"
        f" mount an MCP server with toolbox.mount({toolbox!r}, …)."
    )


def _find_spelling(name: str, tools: Mapping[str, Tool]) -> Tool | None:
    """Return the tool of a name as it is, or of one that differs as `sendMessage` and `send_message` do."""
    if (found := tools.get(name)) is not None:
        return found
    wanted = fold_name(name)
    folded = [tool for tool in tools.values() if tool.folded == wanted]
    return folded[0] if len(folded) == 1 else None


def _identity(tool: Tool) -> tuple[str, str]:
    return tool.origin, getattr(tool.function, "__qualname__", "")
