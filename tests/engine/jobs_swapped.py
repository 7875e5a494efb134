"""Jobs whose steps of one name may be given another input on a replay, as the process has it."""

from __future__ import annotations

import os
from typing import Any

from terse_temporal import Event, create_job, job_step, sleep
from terse_temporal.errors import StepError
from tests.effects import record

# What differs between two processes with the same code. A variable whose name stands in the code would be of the code.
PEOPLE = {"ada", "bob", "cyd", "dan", "eve"}
WHERE = os.environ.get("_".join(["TERSE", "TEST", "PROCESS"]), "")


def pay(data: dict[str, Any]) -> Any:
    record(data["effects"], f"pay {data['who']}")
    if data["who"] == "nobody":
        raise ValueError("nobody")
    return data["who"]


@create_job(name="pays-a-set", durable=True)
async def pays_a_set(event: Event) -> dict[str, Any]:
    """In the order of a set. Whatever happens is caught, and something is done in the end."""
    paid = {}
    try:
        for who in PEOPLE:
            paid[who] = await job_step(run=pay, input={"who": who, "effects": event.effects})
            if len(paid) == 1:
                await sleep("2s")
    except BaseException:
        await job_step(run=pay, input={"who": "caught", "effects": event.effects}, name="caught")
    finally:
        await job_step(run=pay, input={"who": "the rest", "effects": event.effects}, name="last")
    return paid


@create_job(name="gives-a-set", durable=True)
async def gives_a_set(event: Event) -> Any:
    """A set in an input has another order, and the step is the same."""
    who = await job_step(run=pay, input={"who": "ada", "tags": {"a", "b", "c", "d", "e"}, "effects": event.effects})
    await sleep("2s")
    return who


@create_job(name="gives-the-environment", durable=True)
async def gives_the_environment(event: Event) -> str:
    """The input hangs on the process, and the step fails."""
    try:
        await job_step(run=pay, input={"who": "nobody", "where": WHERE, "effects": event.effects})
    except StepError:
        await sleep("2s")
    return "done"
