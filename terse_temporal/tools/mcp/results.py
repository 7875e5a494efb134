"""What a call of an MCP tool gives back, as plain JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mcp_types

__all__ = ["is_wrapped", "tool_result"]


def tool_result(result: mcp_types.CallToolResult, output_schema: Mapping[str, Any] | None) -> Any:
    """Return the result of a call: structured data if there is any, else a string, else what the content is.

    Text is text, also where it looks like JSON: whether it is would depend on what it happens to say.
    """
    data = result.structured_content
    if data is not None or ("structured_content" in result.model_fields_set and not result.content):
        if is_wrapped(output_schema) and isinstance(data, dict) and set(data) == {"result"}:
            return data["result"]
        return data
    blocks = [
        block.text
        if isinstance(block, mcp_types.TextContent)
        else block.model_dump(mode="json", by_alias=True, exclude_none=True)
        for block in result.content
    ]
    return None if not blocks else blocks[0] if len(blocks) == 1 else blocks


def is_wrapped(output_schema: Mapping[str, Any] | None) -> bool:
    """Return whether results are in `{"result": …}` because results had to be objects.

    The schema has that property alone.
    """
    return output_schema is not None and list(output_schema.get("properties") or ()) == ["result"]
