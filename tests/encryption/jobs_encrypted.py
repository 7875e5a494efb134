"""A job that makes calls of every kind, each with a word of its own that is to be found nowhere."""

from __future__ import annotations

from typing import Any

from terse_temporal import (
    Event,
    InputOption,
    Retry,
    RunFailure,
    Triggers,
    create_job,
    current_run,
    current_step,
    generate_text,
    get_run,
    job_map,
    job_step,
    send_event,
    sleep,
    toolbox,
    wait_for_event,
    wait_for_input,
)


class Declined(Exception):
    """With a word in its message, and one in what it holds."""

    def __init__(self, code: str) -> None:
        super().__init__(f"declined: {code}")
        self.code = code


@toolbox.tool("encrypted.find", read_only=True)
async def find(email: str) -> dict[str, Any]:
    """Find somebody."""
    return {"email": email, "name": "zq-tool-result"}


def decline(code: str) -> None:
    raise Declined(code)


def decline_at_first(code: str) -> str:
    if current_step().attempt == 1:
        raise Declined(code)
    return "zq-step-again"


@create_job(name="encrypted-child", durable=True)
async def child(event: Event) -> str:
    """A run that another one starts, and that fails where it is told so."""
    if event.get("fail"):
        decline(event.fail)
    return f"{event.data} zq-child-result"


@create_job(name="encrypted-plain", triggers=[Triggers.schedule.cron("0 3 * * *")])
async def plain(event: Event) -> str:
    """A job that is not durable."""
    if event.get("fail"):
        decline(event.fail)
    return "zq-plain-result"


async def tell(event: Event, failure: RunFailure) -> None:
    """A step of what is done at the end."""
    await job_step(run=lambda given: None, input=failure.message, name="tell")


@create_job(name="encrypted", durable=True, on_failure=tell)
async def encrypted(event: Event, state: Any) -> dict[str, Any]:
    """Calls of every kind."""
    found: dict[str, Any] = {"event": event.data}

    def greet(name: str) -> str:
        return f"{name} zq-step-result"

    found["step"] = await job_step(run=greet, input="zq-step-input", label="zq-label")
    found["local"] = await job_step(run=greet, input="zq-local-input", name="greet here", label="zq-label", local=True)
    try:
        await job_step(run=decline, input="zq-local-failure", name="decline here", local=True)
    except Declined as error:
        found["local failure"] = error.code
    again = Retry(max_attempts=2, initial="10ms")
    found["again"] = await job_step(run=decline_at_first, input="zq-step-attempt", retry=again)
    try:
        await job_step(run=decline, input="zq-step-failure")
    except Declined as error:
        found["failure"] = error.code
    found["map"] = await job_map(run=lambda each: each.upper(), inputs=["zq-map-a", "zq-map-b"], name="upper")
    found["tool"] = await toolbox.encrypted.find(email="zq-tool-input")
    found["text"] = await generate_text(prompt="zq-prompt")
    await state.set("kept", "zq-state")
    found["state"] = [
        await state.update("kept", lambda kept, more: kept + more, " zq-state-more"),
        await state.get("kept"),
    ]
    found["child"] = await child.run({"data": "zq-child-event"})
    try:
        await child.run({"fail": "zq-child-failure"})
    except Declined as error:
        found["child failure"] = str(error)
    await send_event("paid", {"by": "zq-event-by-key"}, key="one")
    found["by key"] = await wait_for_event("paid", key="one")
    await get_run(current_run().id).send("sent", "zq-event-to-run")
    found["sent"] = await wait_for_event("sent")
    found["signal"] = await wait_for_event("signal")
    await sleep("1s")
    answer = await wait_for_input(
        prompt="zq-question",
        options=[InputOption("yes", "zq-option", "zq-description"), InputOption("no", "No", free_text=True)],
        details={"what": "zq-details"},
    )
    found["answer"] = [answer.choice, answer.text]
    if event.get("fail"):
        decline(event.fail)
    return found
