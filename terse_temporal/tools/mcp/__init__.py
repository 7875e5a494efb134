"""MCP servers as toolboxes."""
