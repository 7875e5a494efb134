"""A job and a workflow that somebody wrote by hand, in one file."""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import BaseModel
from temporalio import activity, workflow
from temporalio.exceptions import ApplicationError

from terse_temporal import create_job, job_step, sleep, step, toolbox


class Order(BaseModel):
    number: str
    due: datetime


@step
async def charge(number: str) -> str:
    return f"charged {number}"


@toolbox.tool("beside.look_up")
async def look_up(number: str) -> str:
    """Look an order up."""
    return f"order {number}"


@create_job(name="beside-a-workflow", durable=True)
async def buy(event: Order) -> list[str]:
    await sleep("10ms")
    asked = await job_step(run=lambda number: f"asked {number}", input=event.number)
    return [asked, await charge(event.number), await look_up(number=event.number), event.due.isoformat()]


def decline() -> None:
    raise PermissionError("declined, says the bank")


@create_job(name="beside-and-fails", durable=True)
async def fails(event: object) -> None:
    await job_step(run=decline)


@activity.defn
async def shout_beside(text: str) -> str:
    if text == "too loud":
        raise ApplicationError("no", non_retryable=True)
    return f"{text.upper()}!"


@workflow.defn
class BesideAJob:
    """Sandboxed, as they are unless one says otherwise."""

    @workflow.run
    async def run(self, text: str) -> str:
        await workflow.sleep(0.01)
        shouted = await workflow.execute_activity(shout_beside, text, start_to_close_timeout=timedelta(seconds=5))
        try:
            datetime.now()
        except workflow.NondeterminismError:
            return f"{shouted} {workflow.unsafe.in_sandbox()}"
        return "not sandboxed"
