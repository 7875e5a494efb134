"""Jobs that call the tools of a mounted MCP server."""

from __future__ import annotations

from typing import Any

from terse_temporal import Event, Skills, TerseAgent, create_job, job_step, toolbox
from terse_temporal.errors import StepError, StepInputError, ToolError, TransientError, UnknownToolError
from tests.effects import record

from . import settings

toolbox.mount(
    "tracker",
    command=settings.COMMAND,
    cwd=str(settings.ROOT),
    env={"EFFECTS": settings.effects, "TEST_TOKEN": "${TRACKER_TOKEN}", "VARIANT": settings.variant},
)


@create_job(name="mcp-durable", durable=True)
async def durable(event: Event) -> Any:
    issue = await toolbox.tracker.createIssue(title="Broken", labels=[{"name": "bug"}])
    total = await toolbox.tracker.add_numbers(first=issue["number"], secondNumber=2)
    return [issue, total]


@create_job(name="mcp-any", durable=True)
async def any_tool(event: Event) -> Any:
    return await toolbox.call(event["tool"], event.get("arguments"))


@create_job(name="mcp-plain")
async def plain(event: Event) -> Any:
    return await toolbox.call(event["tool"], event.get("arguments"))


async def file_issue(title: str) -> Any:
    return await toolbox.tracker.create_issue(title=title, labels=[])


def sum_on_a_thread(first: int) -> Any:
    import asyncio  # noqa: PLC0415  # the job's module has a pinned one

    async def call() -> Any:
        return await toolbox.tracker.add_numbers(first=first)

    return asyncio.run(call())


@create_job(name="mcp-in-steps", durable=True)
async def in_steps(event: Event) -> Any:
    return [
        await job_step(run=file_issue, input="From a step"),
        await job_step(run=sum_on_a_thread, input=4),
    ]


@create_job(name="mcp-decline", durable=True)
async def decline(event: Event) -> Any:
    try:
        await toolbox.tracker.decline(reason="no funds")
    except ToolError as err:
        step_error: Any = err  # which it is too, in a durable job
        return {
            "step": step_error.step,
            "tool": err.tool,
            "type": step_error.error_type,
            "message": str(err),
            "is a StepError": isinstance(err, StepError),
        }


@create_job(name="mcp-wrong-arguments", durable=True)
async def wrong_arguments(event: Event) -> Any:
    try:
        toolbox.tracker.create_issue(titel="Broken", labels=[{"name": 5, "color": "blue"}], assignee=None)
    except StepInputError as err:
        return str(err)


@create_job(name="mcp-corrected", durable=True)
async def corrected(event: Event) -> Any:
    """As a model does: it is told what is wrong, and does something else."""
    told = []
    for name, arguments in (("add_numbers", {"first": "two"}), ("subtract_numbers", {"first": 2})):
        try:
            await toolbox.call(f"tracker.{name}", arguments)
        except (StepInputError, UnknownToolError) as err:
            told.append(str(err))
    return [told, await toolbox.tracker.add_numbers(first=2)]


@create_job(name="mcp-dies", durable=True)
async def dies(event: Event) -> Any:
    try:
        return await toolbox.call(f"tracker.{event['tool']}")
    except TransientError as err:
        return {"sent": err.sent, "message": str(err)}


@create_job(name="mcp-restarted", durable=True)
async def restarted(event: Event) -> Any:
    before = await toolbox.tracker.pid()
    await job_step(run=kill, input={"pid": int(before), "effects": event["effects"]})
    return [before, await toolbox.tracker.pid()]


def kill(given: dict[str, Any]) -> None:
    import os  # noqa: PLC0415  # the job's module has a pinned one
    import signal  # noqa: PLC0415

    os.kill(given["pid"], signal.SIGKILL)
    record(given["effects"], "killed")


@create_job(name="mcp-linger", durable=True)
async def linger(event: Event) -> Any:
    import asyncio  # noqa: PLC0415  # the run's own

    async with asyncio.timeout(2):
        await toolbox.tracker.linger()


@create_job(name="mcp-many", durable=True)
async def many(event: Event) -> Any:
    import asyncio  # noqa: PLC0415  # the run's own

    return await asyncio.gather(*(toolbox.tracker.pid() for _ in range(20)))


@create_job(name="mcp-fixed", durable=True)
async def fixed(event: Event) -> Any:
    agent = TerseAgent.create(skills=[Skills.tracker(title=event.titles, assignee="ada")])
    return [await agent.run_and_wait("File it"), (await agent.tools.tracker.create_issue(labels=[]))["title"]]
