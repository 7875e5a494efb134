"""Three versions of a workflow in one file: before a change, with both halves behind a patch, and after it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity, exceptions, workflow


@dataclass
class Parcel:
    grams: int
    country: str = "de"


@activity.defn
async def rate(parcel: Parcel) -> int:
    if parcel.grams <= 0:
        raise exceptions.ApplicationError("a parcel weighs something", non_retryable=True)
    return 390 + parcel.grams // 100


@workflow.defn(name="rate-parcel")
class RateParcel:
    @workflow.run
    async def run(self, parcel: Parcel) -> int:
        return await workflow.execute_activity(rate, parcel, schedule_to_close_timeout=timedelta(seconds=5))


@workflow.defn(name="rate-parcel")
class RateParcelPatched:
    @workflow.run
    async def run(self, parcel: Parcel) -> int:
        if workflow.patched("island-surcharge"):
            cents = await workflow.execute_activity(rate, parcel, schedule_to_close_timeout=timedelta(minutes=1))
            await asyncio.sleep(3)
            return cents + 450
        return await workflow.execute_activity(rate, parcel, schedule_to_close_timeout=timedelta(seconds=5))


@workflow.defn(name="rate-parcel")
class RateParcelDeprecated:
    @workflow.run
    async def run(self, parcel: Parcel) -> int:
        workflow.deprecate_patch("island-surcharge")
        cents = await workflow.execute_activity(rate, parcel, schedule_to_close_timeout=timedelta(minutes=1))
        await asyncio.sleep(3)
        return cents + 450
