"""Imports passed through the sandbox, the workflow's own random numbers and clock, a clean-up that is shielded."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import uuid

    from pydantic import BaseModel

    from tests.checking.temporal_workflows.rates import Parcel


class Declaration(BaseModel):
    number: uuid.UUID
    seconds: int


@workflow.defn(sandboxed=True)
class ClearCustoms:
    def __init__(self) -> None:
        self.stamps: list[float] = []

    @workflow.run
    async def run(self, parcel: Parcel) -> Declaration:
        seconds = workflow.random().randint(1, 4)
        self.stamps.append(workflow.time())
        try:
            await asyncio.sleep(seconds)
            with workflow.unsafe.sandbox_unrestricted():
                number = uuid.UUID(int=parcel.grams)
        except asyncio.CancelledError:
            await asyncio.shield(workflow.sleep(timedelta(seconds=workflow.random().choice([1, 2]))))
            workflow.logger.warning("Withdrawn after %s", workflow.now() - workflow.info().start_time)
            raise
        return Declaration(number=number, seconds=seconds)
