"""What a server lists, as tools."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import mcp_types
from mcp.client.client import Client

from ...errors import MountError
from .bounded_schemas import BoundedValidator
from .mount import Mount, canonical
from .mounted import MountedTool

__all__ = ["list_tools", "tools_by_name"]

_PAGES: Final = 1000


async def list_tools(mount: Mount, client: Client) -> list[mcp_types.Tool]:
    """Return all pages of what a server lists."""
    found: list[mcp_types.Tool] = []
    cursor: str | None = None
    for _ in range(_PAGES):
        page = await client.list_tools(cursor=cursor)
        found += page.tools
        cursor = page.next_cursor
        if cursor is None:
            return found
    raise MountError(
        f"{mount} cannot be used: its list of tools has no end, {_PAGES} pages and another one to come. Have the server"
        " corrected, or take the mount away."
    )


def tools_by_name(mount: Mount, found: Iterable[mcp_types.Tool]) -> tuple[dict[str, MountedTool], dict[str, list[str]]]:
    """Return the tools by canonical name, and those of the server's names that would be one."""
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
