"""An MCP server with a tool that does nothing."""

from __future__ import annotations

from mcp.server.mcpserver import MCPServer

server = MCPServer("bench", log_level="ERROR")


@server.tool()
async def nothing() -> None:
    """Do nothing."""


if __name__ == "__main__":
    server.run()
