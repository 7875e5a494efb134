"""Golden jobs with their calls changed about, which their kept histories must not fit."""

from __future__ import annotations

from terse_temporal import Event, create_job, job_step, start_run


def create_order() -> None: ...


@create_job(name="golden-onboarding", durable=True)
async def onboarding(event: Event) -> None:
    await job_step(run=create_order, name="create order")


@create_job(name="golden-parent", durable=True)
async def parent(event: Event) -> None:
    await start_run("golden-plain", {"name": "Ada"})


@create_job(name="golden-local", durable=True)
async def local(event: Event) -> None:
    await job_step(run=create_order, name="create order", local=True)
