"""A child workflow that asks again and again, and goes on as a new run before its history is long."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError


@activity.defn
async def where_is(parcel: str) -> str:
    return f"{parcel} is on its way"


@workflow.defn
class Track:
    @workflow.run
    async def run(self, parcel: str) -> str:
        return await workflow.execute_child_workflow(
            AskTheCarrier.run, args=[parcel, 0], id=f"{workflow.info().workflow_id}/asking"
        )


@workflow.defn
class AskTheCarrier:
    @workflow.run
    async def run(self, parcel: str, asked: int) -> str:
        while True:
            try:
                return await workflow.execute_activity(
                    where_is,
                    parcel,
                    start_to_close_timeout=timedelta(seconds=4),
                    retry_policy=RetryPolicy(maximum_attempts=1),
                )
            except ActivityError:
                asked += 1
                workflow.logger.info("Not known after %d questions", asked)
            await asyncio.sleep(2)
            if asked % 20 == 0:
                workflow.continue_as_new(args=[parcel, asked])
