"""Jobs that call the tools of an MCP server over HTTP."""

from __future__ import annotations

from typing import Any

from terse_temporal import Event, create_job, toolbox

toolbox.mount(
    "remote",
    url="http://127.0.0.1:${REMOTE_PORT}/mcp?key=${REMOTE_KEY}",
    headers={"Authorization": "Bearer ${TRACKER_TOKEN}", "X-Key": lambda: "from a function"},
)


@create_job(name="mcp-http", durable=True)
async def over_http(event: Event) -> Any:
    return await toolbox.call(event["tool"], event.get("arguments"))
