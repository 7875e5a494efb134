"""A job that makes one call of each kind, for its events and actions to be counted."""

from __future__ import annotations

from typing import Any

from terse_temporal import (
    Event,
    InputOption,
    create_job,
    current_run,
    generate_text,
    job_step,
    log,
    now,
    sleep,
    toolbox,
    uuid4,
    wait_for_event,
    wait_for_input,
)


async def double(number: int) -> int:
    """Do next to nothing."""
    return 2 * number


@toolbox.tool("costs.double", read_only=True)
async def double_by_tool(number: int) -> int:
    """Double a number."""
    return 2 * number


@create_job(name="costs-child", durable=True)
async def child(event: Event) -> None:
    """Wait for the test, so that its end does not come with its beginning."""
    if event.waits:
        await wait_for_event("go")


@create_job(name="costs-plain")
async def plain(event: Event) -> None:
    """Do nothing."""


@create_job(name="costs", durable=True)
async def costs(event: Event, state: Any) -> None:  # noqa: PLR0912  # one case for each kind of call
    """Make the call that the event names."""
    match event.call:
        case "job_step(run=…)":
            await job_step(run=double, input=1)
        case "job_step(run=…, local=True)":
            await job_step(run=double, input=1, local=True)
        case "ten of them one after the other":
            for number in range(10):
                await job_step(run=double, input=number, local=True)
        case "sleep(…)":
            await sleep("50ms")
        case "log(…), now(), uuid4(), current_run()":
            log("now")
            now()
            uuid4()
            current_run()
        case "a tool: toolbox.slack.send_message(…)":
            await toolbox.costs.double(number=1)
        case "generate_text(…), one turn":
            await generate_text(prompt="Hello", model="test:test")
        case "state.get(…)":
            await state.get("a")
        case "state.set(…)":
            await state.set("a", 1)
        case "wait_for_event(…), sent to the run":
            await wait_for_event("go")
        case "wait_for_event(…, timeout=…)":
            await wait_for_event("go", timeout="1h")
        case "wait_for_input(…), told to nobody":
            await wait_for_input(prompt="Go?", options=[InputOption("yes", "Yes")])
        case "job.run(…)":
            await child.run({"waits": True}, id=event.child)
        case "job.start(…)":
            # It goes on, as its end would be an event of this run when it comes before that of this run.
            await child.start({"waits": True}, id=event.child)
