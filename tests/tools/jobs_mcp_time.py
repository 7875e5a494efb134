"""A job that calls an MCP server which others wrote: the reference implementation for the time of day."""

from __future__ import annotations

from typing import Any

from terse_temporal import Event, create_job, toolbox

toolbox.mount("clock", command=["mcp-server-time", "--local-timezone", "Europe/Berlin"])


@create_job(name="mcp-clock", durable=True)
async def clock(event: Event) -> Any:
    now = await toolbox.clock.get_current_time(timezone="Asia/Tokyo")
    then = await toolbox.clock.convertTime(source_timezone="UTC", time="12:00", targetTimezone="Asia/Tokyo")
    return [now, then["target"]["datetime"]]
