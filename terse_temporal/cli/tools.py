"""`terse-temporal tools`: what tools there are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from ..tools import Tool
from ..tools.tool import ORIGIN_BUILT_IN
from .exiting import FAILED
from .mounted_tools import load_tools
from .options import Debug, Targets
from .output import console, print_error, print_json

__all__ = ["tools"]


def tools(
    targets: Targets,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array, for programs.")] = False,
    debug: Debug = False,
) -> int:
    """List the tools that jobs and models may call: what each takes, how it is retried, and where it comes from.

    The modules are imported, and the MCP servers that they mount are started or connected, as a worker does it, and
    asked for their tools. A server that cannot be had is reported, and the exit status is 1.
    """
    found, missing = load_tools(targets)
    if as_json:
        print_json([_row(tool) for tool in found])
    else:
        console.print(_table(found))
    for each in missing:
        print_error(str(each))
    return FAILED if missing else 0


def _row(tool: Tool) -> dict[str, object]:
    return {
        "name": tool.name,
        "signature": tool.shown_signature,
        "description": tool.description,
        "read_only": tool.read_only,
        "idempotent": tool.idempotent,
        "origin": tool.origin,
        "where": tool.where,
        "schema": None if tool.schema is None else dict(tool.schema),
    }


def _table(found: Iterable[Tool]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("tool", "arguments", "twice", "from"):
        table.add_column(column, overflow="fold")
    for tool in found:
        # Text, because in a plain string rich would read "[…]" as a style.
        table.add_row(Text(tool.name), Text(tool.shown_signature), _repeatable(tool), Text(_origin(tool)))
    return table


def _repeatable(tool: Tool) -> str:
    return "read-only" if tool.read_only else "idempotent" if tool.idempotent else "-"


def _origin(tool: Tool) -> str:
    return tool.origin if tool.origin == ORIGIN_BUILT_IN else f"{tool.origin}, {tool.where}"
