"""Jobs that start each other, in two modules that have to do with one another, and jobs that wait without `sleep`."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from typing import Any

from temporalio import workflow

from terse_temporal import Event, create_job, generate_text, job_step, sleep, toolbox

from . import jobs_children_elsewhere


@create_job(name="kit-parent", durable=True)
async def parent(event: Event) -> Any:
    child: str = await workflow.execute_child_workflow(event.child, event.event, id=f"{workflow.info().workflow_id}/1")
    return ["parent of", child]


async def greet(name: str) -> str:
    return f"hello {name}"


@create_job(name="kit-child", durable=True)
async def child(event: Event) -> str:
    return await job_step(run=greet, input=event.name)


@create_job(name="kit-parent-of-all", durable=True)
async def parent_by_name(event: Event) -> Any:
    return [
        await workflow.execute_child_workflow("kit-child-plain", event, id=f"{workflow.info().workflow_id}/1"),
        jobs_children_elsewhere.WHERE,
    ]


@create_job(name="kit-waits", durable=True)
async def waits(event: Event) -> str:
    match event.how:
        case "asyncio.sleep":
            await asyncio.sleep(7200)
        case "workflow.sleep":
            await workflow.sleep(timedelta(hours=2))
        case "wait_condition":
            with contextlib.suppress(TimeoutError):
                await workflow.wait_condition(lambda: False, timeout=timedelta(hours=2))
        case "beside a sleep":
            async with asyncio.timeout(3600):
                await sleep("30m")
            await asyncio.sleep(7200)
    return await job_step(run=greet, input=event.how)


@toolbox.tool("twin.a_b")
async def twin(text: str) -> str:
    return f"twin.a_b {text}"


@toolbox.tool("twin_a.b")
async def twin_of_it(text: str) -> str:
    return f"twin_a.b {text}"


@create_job(name="kit-twins", durable=True)
async def asks_with_twins(event: Event) -> str:
    return await generate_text(prompt="Call them", skills=["twin", "twin_a"])
