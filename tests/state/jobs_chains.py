"""Jobs whose runs are reset, or continue as new."""

from __future__ import annotations

from typing import Any

from temporalio import workflow

from terse_temporal import create_job, current_step, job_step, toolbox
from terse_temporal.state import State, current_state
from tests.effects import record


@toolbox.tool("chains.key")
def tool_key() -> str:
    return current_step().idempotency_key


async def charge(data: dict[str, Any]) -> list[str]:
    await current_state().update("charged", lambda count: (count or 0) + 1)
    keys = [current_step().idempotency_key, await toolbox.chains.key()]
    record(data["effects"], " ".join(keys))
    return keys


@create_job(name="monthly", durable=True)
async def monthly(event: Any, state: State) -> str:
    """Charge, and continue as new with the next month."""
    await job_step(run=charge, input={"effects": event.effects})
    await state.update("months", lambda months, new: [*(months or []), new], event.month)
    await state.set("last", event.month)
    if event.month < 3:
        workflow.continue_as_new({"effects": event.effects, "month": event.month + 1})
    return workflow.info().run_id


@create_job(name="monthly-in-place")
async def monthly_in_place(event: Any, state: State) -> None:
    await state.update("charged", lambda count: (count or 0) + 1)
    record(event.effects, f"{await toolbox.chains.key()}")
