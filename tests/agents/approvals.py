"""Calls that wait for an approval, and the commands that give one."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from ..bench import Run
from ..in_process import Ended, run_command
from ..waiting import SOON

__all__ = ["command", "waiting"]


async def waiting(run: Run, number: str = "1") -> dict[str, Any]:
    """What a run waits for, as its memo says it, once it waits for that."""
    async with asyncio.timeout(SOON):
        while True:
            described = await run.describe()
            open_ = (await described.memo()).get("terse.waiting.v1") or {}
            if number in open_:
                return dict(open_)
            await asyncio.sleep(0.05)


async def command(cwd: Path, *arguments: str) -> Ended:
    """Run a command, while the loop goes on."""
    return await asyncio.to_thread(run_command, *arguments, cwd=cwd)
