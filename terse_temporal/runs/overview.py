"""Runs in a list, each with what it waits for in a few words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from temporalio.client import Client
from temporalio.service import RPCError

from ..execution.run_operations import RunInfo
from .facts import Polls, gather_facts
from .finding_waits import find_waits
from .wait_column import column_text
from .waits import Wait

__all__ = ["RunRow", "info_json", "with_waits"]

#: Runs that are asked after at once.
_AT_ONCE: Final = 10


@dataclass(frozen=True)
class RunRow:
    """A run of a list.

    Attributes:
        info: what the server's list has of it.
        waits: what it waits for; nothing, where it has ended.
        now: its own time.
    """

    info: RunInfo
    waits: tuple[Wait, ...]
    now: datetime

    @property
    def waits_for(self) -> str:
        """What it waits for, in a few words."""
        return column_text(self.waits, self.now)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON; times as ISO 8601."""
        found = info_json(self.info)
        if self.waits:
            found |= {"why": self.waits_for, "waits_for": [each.to_json() for each in self.waits]}
        return found


def info_json(info: RunInfo) -> dict[str, Any]:
    """Return what the server's list has of a run as plain JSON."""
    return {
        "id": info.id,
        "run_id": info.run_id,
        "job": info.job,
        "status": info.status,
        "started_at": info.started_at.isoformat(),
        "ended_at": None if info.ended_at is None else info.ended_at.isoformat(),
        "tags": list(info.tags),
    }


async def with_waits(client: Client, infos: AsyncIterator[RunInfo]) -> list[RunRow]:
    """Return runs with what they wait for.

    For each that runs it costs a description, ten at a time, and for those that sleep one request for the last events
    of their histories; for the others nothing.

    Raises:
        RPCError: the server refuses.
    """
    polls, places = Polls(client), asyncio.Semaphore(_AT_ONCE)

    async def row(info: RunInfo) -> RunRow:
        if info.status != "running":
            return RunRow(info, (), datetime.now(UTC))
        async with places:
            try:
                facts = await gather_facts(client, info.id, info.run_id, polls, in_short=True)
            except RPCError:  # it has ended and is gone, or is not told of: the others are
                return RunRow(info, (), datetime.now(UTC))
        return RunRow(info, tuple(find_waits(facts)) if facts.is_running else (), facts.now)

    return await asyncio.gather(*[row(each) async for each in infos])
