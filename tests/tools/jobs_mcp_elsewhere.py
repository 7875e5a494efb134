"""A job that calls what another module mounts, which is not loaded with its worker."""

from __future__ import annotations

from typing import Any

from terse_temporal import Event, create_job, toolbox
from terse_temporal.errors import UnknownToolError


@create_job(name="mcp-elsewhere", durable=True)
async def elsewhere(event: Event) -> Any:
    messages = []
    for name in event["tools"]:
        try:
            await toolbox.call(name, {})
        except UnknownToolError as err:
            messages.append(str(err))
    return messages
