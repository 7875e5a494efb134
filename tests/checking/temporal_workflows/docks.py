"""Docks that are lent to other workflows: signals in, signals to others out, queries, state carried over."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from temporalio import workflow
from temporalio.exceptions import ApplicationError


@dataclass
class Wish:
    lorry: str
    answer_to: str


@dataclass
class Docks:
    free: list[int] = field(default_factory=list)
    lent: dict[str, int] = field(default_factory=dict)
    waiting: list[Wish] = field(default_factory=list)


@workflow.defn
class LendDocks:
    @workflow.init
    def __init__(self, docks: Docks) -> None:
        self.docks = docks
        self.closed = False

    @workflow.signal
    async def wish(self, wish: Wish) -> None:
        self.docks.waiting.append(wish)

    @workflow.signal(name="give-back")
    def give_back(self, key: str) -> None:
        dock = self.docks.lent.pop(key, None)
        if dock is None:
            workflow.logger.warning("Nobody has the key %s", key)
            return
        self.docks.free.append(dock)

    @workflow.signal
    def close(self) -> None:
        self.closed = True

    @workflow.query
    def lent(self) -> dict[str, int]:
        return dict(self.docks.lent)

    @workflow.run
    async def run(self, docks: Docks) -> None:
        while not self.closed:
            await workflow.wait_condition(
                lambda: self.closed or bool(self.docks.free and self.docks.waiting) or self.is_long()
            )
            if self.docks.free and self.docks.waiting:
                await self.lend(self.docks.waiting.pop(0))
            elif self.is_long() and workflow.all_handlers_finished():
                workflow.continue_as_new(self.docks)

    async def lend(self, wish: Wish) -> None:
        key = str(workflow.uuid4())
        dock = self.docks.free.pop()
        self.docks.lent[key] = dock
        lorry = workflow.get_external_workflow_handle(wish.lorry)
        try:
            await lorry.signal(wish.answer_to, args=[key, dock])
        except ApplicationError:
            self.give_back(key)

    def is_long(self) -> bool:
        info = workflow.info()
        return info.is_continue_as_new_suggested() or info.get_current_history_length() > 5_000


@workflow.defn
class Unload:
    def __init__(self) -> None:
        self.dock: asyncio.Future[tuple[str, int]] = asyncio.Future()

    @workflow.signal
    def lent(self, key: str, dock: int) -> None:
        if not self.dock.done():
            self.dock.set_result((key, dock))

    @workflow.run
    async def run(self, docks: str) -> int:
        handle = workflow.get_external_workflow_handle_for(LendDocks.run, docks)
        await handle.signal(LendDocks.wish, Wish(workflow.info().workflow_id, "lent"))
        key, dock = await self.dock
        await workflow.sleep(600)
        await handle.signal(LendDocks.give_back, key)
        return dock
