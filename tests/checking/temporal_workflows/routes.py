"""A plan of a delivery as a tree of dataclasses, carried out by recursion; activities are called by name."""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from temporalio import workflow


@dataclass
class Visit:
    activity: str
    reads: list[str] = field(default_factory=list)
    writes: str | None = None


@dataclass
class InOrder:
    legs: list[Leg]


@dataclass
class AtOnce:
    legs: list[Leg]


Leg = Visit | InOrder | AtOnce


@dataclass
class Plan:
    leg: Leg
    notes: dict[str, Any] = dataclasses.field(default_factory=dict)


@workflow.defn
class CarryOutPlan:
    @workflow.run
    async def run(self, plan: Plan) -> dict[str, Any]:
        self.notes = dict(plan.notes)
        workflow.logger.info("A plan with %d notes", len(self.notes))
        await self.follow(plan.leg)
        return self.notes

    async def follow(self, leg: Leg) -> None:
        match leg:
            case Visit():
                found = await workflow.execute_activity(
                    leg.activity,
                    args=[self.notes.get(name) for name in leg.reads],
                    start_to_close_timeout=timedelta(minutes=2),
                )
                if leg.writes is not None:
                    self.notes[leg.writes] = found
            case InOrder():
                for each in leg.legs:
                    await self.follow(each)
            case AtOnce():
                await asyncio.gather(*(self.follow(each) for each in leg.legs))
