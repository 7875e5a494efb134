"""A long-lived workflow that answers updates under a lock, with validators, sets that are put in order, time limits."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError


@dataclass
class Shelves:
    held: dict[str, str | None] = field(default_factory=dict)
    blocked: set[str] = field(default_factory=set)
    open: bool = False


@activity.defn
async def move(parcel: str, shelf: str) -> None: ...


@activity.defn
async def broken_shelves(names: list[str]) -> set[str]:
    return set(names[:1])


@workflow.defn
class KeepShelves:
    @workflow.init
    def __init__(self, shelves: Shelves | None = None) -> None:
        self.shelves = shelves or Shelves()
        self.lock = asyncio.Lock()
        self.room = asyncio.Semaphore(3)

    @workflow.signal
    async def open(self) -> None:
        await workflow.wait_condition(lambda: not self.shelves.open)
        self.shelves.open = True

    @workflow.update
    async def put(self, parcel: str) -> str:
        await workflow.wait_condition(lambda: self.shelves.open)
        async with self.lock, self.room:
            free = sorted(
                name for name, held in self.shelves.held.items() if held is None and name not in self.shelves.blocked
            )
            if not free:
                raise ApplicationError("every shelf is full")
            self.shelves.held[free[0]] = parcel
            await workflow.execute_activity(move, args=[parcel, free[0]], start_to_close_timeout=timedelta(seconds=10))
        return free[0]

    @put.validator
    def check_parcel(self, parcel: str) -> None:
        if not parcel.strip():
            raise ValueError("a parcel has a name")

    @workflow.update(name="fetch", unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def take(self, parcel: str) -> None:
        async with self.lock:
            for name in [name for name, held in self.shelves.held.items() if held == parcel]:
                self.shelves.held[name] = None

    async def inspect(self) -> None:
        async with self.lock:
            broken = await workflow.execute_activity(
                broken_shelves,
                sorted(self.shelves.held),
                start_to_close_timeout=timedelta(seconds=10),
                retry_policy=RetryPolicy(maximum_attempts=2),
            )
            self.shelves.blocked |= broken
            for name in sorted(broken):
                workflow.logger.warning("The shelf %s is broken", name)

    @workflow.run
    async def run(self, shelves: Shelves | None = None) -> int:
        await workflow.wait_condition(lambda: self.shelves.open)
        while self.shelves.open:
            try:
                await workflow.wait_condition(lambda: not self.shelves.open, timeout=timedelta(hours=1))
            except asyncio.TimeoutError:  # noqa: UP041  as it is often written
                await self.inspect()
            if workflow.info().is_continue_as_new_suggested():
                await workflow.wait_condition(workflow.all_handlers_finished)
                workflow.continue_as_new(self.shelves)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return sum(held is not None for held in self.shelves.held.values())
