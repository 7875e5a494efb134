"""A function as a tool of an MCP server, with the schema that the server would list.

A worker process that is to crash connects no such server either, so it is told what the server would have listed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from pydantic import PydanticUserError, TypeAdapter

from ..errors import TestDoubleError
from ..tools.mcp.mount import Mount, canonical
from ..tools.mcp.mounted import MountedTool
from ..tools.mcp.mounts import mounts

__all__ = ["list_again", "listings", "served_tool"]


def served_tool(mount: Mount, function: Callable[..., Any]) -> MountedTool:
    """Return the tool that a function is.

    Raises:
        TestDoubleError: what it takes cannot be said as a JSON schema.
    """
    name = function.__name__
    try:
        schema = TypeAdapter(function).json_schema()  # type: ignore[arg-type]  # it takes functions too
    except (PydanticUserError, NameError) as err:
        raise TestDoubleError(
            f"{name!r} cannot be the test double of a tool of the MCP server {mount.name!r}: {str(err).splitlines()[0]}"
        ) from None
    return mount.make_tool(
        canonical(name),
        server_name=name,
        description=inspect.getdoc(function) or "",
        schema=schema,
        validator=_validator(schema),
    )


def listings(servers: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    """Return what servers that have test doubles would list, by the names that they are mounted under,
    for another process.
    """
    return {
        mount.name: [
            {"server_name": tool.server_name, "description": tool.description, "schema": tool.schema}
            for tool in (mount.tools or {}).values()
        ]
        for mount in mounts
        if mount.name in servers
    }


def list_again(listings: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Have the servers of this process list what they would in the one that made the listings."""
    for mount in mounts:
        if mount.name in listings:
            names = [canonical(each["server_name"]) for each in listings[mount.name]]
            mount.tools = {
                name: mount.make_tool(name, **each, validator=_validator(each["schema"]))
                for name, each in zip(names, listings[mount.name], strict=True)
            }


def _validator(schema: dict[str, Any]) -> Any:
    try:
        from ..tools.mcp.bounded_schemas import BoundedValidator  # noqa: PLC0415  it needs the extra `mcp`
    except ImportError:
        return None
    return BoundedValidator(schema)
