"""A function as a tool of an MCP server, with the schema that the server would list."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from pydantic import PydanticUserError, TypeAdapter

from ..errors import StandInError
from ..tools.mounted import MountedTool
from ..tools.mounts import Mount, canonical

__all__ = ["served_tool"]


def served_tool(mount: Mount, function: Callable[..., Any]) -> MountedTool:
    """The tool that a function is.

    Raises:
        StandInError: what it takes cannot be said as a JSON schema.
    """
    name = function.__name__
    try:
        schema = TypeAdapter[Any](function).json_schema()
    except (PydanticUserError, NameError) as err:
        raise StandInError(
            f"{name!r} cannot stand in for a tool of the MCP server {mount.name!r}: {str(err).splitlines()[0]}"
        ) from None
    return mount.make_tool(
        canonical(name),
        server_name=name,
        description=inspect.getdoc(function) or "",
        schema=schema,
        validator=_validator(schema),
    )


def _validator(schema: dict[str, Any]) -> Any:
    try:
        from jsonschema import Draft202012Validator  # noqa: PLC0415  it comes with the extra `mcp`
    except ImportError:
        return None
    return Draft202012Validator(schema)
