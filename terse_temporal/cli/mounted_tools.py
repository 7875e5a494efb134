"""The tools of modules, with their MCP servers connected for as long as it takes to list them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ..errors import MountError
from ..jobs.loading import load_modules
from ..tools import Tool, list_tools
from ..tools.mcp.mounts import mounts, open_sessions

__all__ = ["load_tools"]


def load_tools(targets: Sequence[str]) -> tuple[list[Tool], list[MountError]]:
    """Return every tool that can be called when these modules are imported, and why servers did not list theirs.

    Raises:
        JobLoadError, JobDefinitionError: a module cannot be imported.
        MissingExtraError: there are servers, and the extra `mcp` is not installed.
    """
    load_modules(targets)
    return asyncio.run(_connect_and_list())


async def _connect_and_list() -> tuple[list[Tool], list[MountError]]:
    wanted = list(mounts)
    if not wanted:
        return list_tools(), []
    sessions = open_sessions()
    try:
        outcomes = await asyncio.gather(*map(sessions.connect, wanted), return_exceptions=True)
        missing: list[MountError] = []
        for outcome in outcomes:
            if isinstance(outcome, MountError):
                missing.append(outcome)
            elif isinstance(outcome, BaseException):
                raise outcome
        return list_tools(), missing
    finally:
        await asyncio.gather(*map(sessions.close, wanted))
