"""Jobs whose data are large."""

from __future__ import annotations

from typing import Any

from terse_temporal import create_job, job_step
from terse_temporal.errors import StepOutputError
from terse_temporal.state import State

from ..effects import record


def make(size: int) -> str:
    return "x" * size


def make_with_effect(given: dict[str, Any]) -> str:
    record(given["effects"], "made")
    return "y" * int(given["size"])


def length(text: str) -> int:
    return len(text)


@create_job(name="storage-large", durable=True, states={"kept": str})
async def large(event: dict[str, Any], state: State) -> dict[str, Any]:
    """The event, the input and the result of a step, the state and the result of the run are all large."""
    text = await job_step(run=make, input=event["size"])
    read = await job_step(run=length, input=text)
    await state.set("kept", text[:500_000])
    kept = await state.get("kept")
    return {"event": len(event["text"]), "read": read, "kept": len(kept), "text": text}


@create_job(name="storage-one-step", durable=True)
async def one_step(event: dict[str, Any]) -> int:
    """A step whose result is large."""
    return len(await job_step(run=make_with_effect, input={"size": event["size"], "effects": event["effects"]}))


@create_job(name="storage-refused", durable=True)
async def refused(event: dict[str, Any]) -> str:
    """Results that are too large without a storage, which the handler catches; then another step."""
    try:
        text = await job_step(run=make, input=event["size"])
    except StepOutputError as error:
        text = str(error)
    try:
        return str(await job_step(run=length, input="z" * event["size"]))
    except ValueError as error:
        return f"{text[:300]} / {error}"
