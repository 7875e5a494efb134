"""Updates that end with their workflow, compensation, tasks and futures, and the ways to wait for several."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from temporalio import activity, exceptions, workflow

Undo = Callable[[], Coroutine[Any, Any, None]]


@activity.defn
async def book(what: str) -> str:
    return f"booked {what}"


@activity.defn
async def cancel(what: str) -> None: ...


@workflow.defn
class RefundOrder:
    def __init__(self) -> None:
        self.ended: asyncio.Future[None] = asyncio.Future()
        self.undo: list[Undo] = []
        self.booked: list[str] = []

    @workflow.run
    async def run(self, parts: list[str]) -> list[str]:
        try:
            await self.book_all(parts)
            async with asyncio.timeout(60):
                await workflow.wait_condition(lambda: len(self.booked) >= len(parts))
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError | exceptions.FailureError):
                self.ended.set_exception(error)
                await workflow.wait_condition(workflow.all_handlers_finished)
                for undo in reversed(self.undo):
                    await undo()
            raise
        self.ended.set_result(None)
        return self.booked

    async def book_all(self, parts: list[str]) -> None:
        begun = [asyncio.create_task(self.book_one(part), name=part) for part in parts]
        done, waiting = await workflow.wait(begun, return_when=asyncio.FIRST_EXCEPTION)
        for task in waiting:
            task.cancel()
        for task in done:
            task.result()

    async def book_one(self, part: str) -> None:
        async def give_back() -> None:
            await workflow.execute_activity(cancel, part, start_to_close_timeout=timedelta(seconds=5))

        self.undo.append(give_back)
        self.booked.append(await workflow.execute_activity(book, part, start_to_close_timeout=timedelta(seconds=5)))

    @workflow.update
    async def confirm(self) -> bool:
        work: asyncio.Future[bool] = asyncio.ensure_future(self.ask())
        either: list[asyncio.Future[Any]] = [work, self.ended]
        await workflow.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            work.cancel()
            raise exceptions.ApplicationError("the order has ended")
        return await work

    async def ask(self) -> bool:
        for each in workflow.as_completed([self.asked_of("stock"), self.asked_of("bank")]):
            if not await each:
                return False
        async with asyncio.TaskGroup() as group:
            answers = [group.create_task(self.asked_of(name)) for name in ("depot", "carrier")]
        return all(task.result() for task in answers)

    async def asked_of(self, name: str) -> bool:
        answer: str = await workflow.execute_local_activity(book, name, start_to_close_timeout=timedelta(seconds=1))
        return bool(answer)

    @workflow.query
    def state(self) -> str:
        return "ended" if self.ended.done() else "open"
