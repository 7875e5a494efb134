"""The first of the golden jobs with its steps changed about, which its kept history must not fit."""

from __future__ import annotations

from terse_temporal import Event, create_job, job_step


def create_order() -> None: ...


@create_job(name="golden-onboarding", durable=True)
async def onboarding(event: Event) -> None:
    await job_step(run=create_order, name="create order")
