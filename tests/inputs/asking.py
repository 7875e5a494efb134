"""Looking at questions and answering them, as any client of Temporal can."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from terse_temporal.serialization.wire_names import INPUTS_ANSWERED_MEMO, WAITING_MEMO

from ..bench import Run
from ..waiting import SOON, until

__all__ = ["answer", "answered", "asked", "idle", "memo_of", "refused"]


async def memo_of(run: Run, name: str) -> dict[str, Any]:
    """Part of the memo of a run."""
    return dict((await (await run.describe()).memo()).get(name) or {})


async def asked(run: Run, number: str = "1") -> dict[str, Any]:
    """A question, as the memo has it, once it is asked."""
    async with asyncio.timeout(SOON):
        while True:
            if found := (await memo_of(run, WAITING_MEMO)).get(number):
                return dict(found)
            await asyncio.sleep(0.02)


async def idle(run: Run) -> None:
    """Wait until nothing of a run is under way: a worker that stops at a task takes it along, for ten seconds."""

    async def is_idle() -> bool:
        described = (await run.describe()).raw_description
        return not (described.pending_activities or described.HasField("pending_workflow_task"))

    await until(is_idle, "nothing of the run is under way")


async def answered(run: Run) -> dict[str, Any]:
    """The questions that are over, as the memo has them."""
    return await memo_of(run, INPUTS_ANSWERED_MEMO)


async def answer(run: Run, number: str = "1", /, **given: Any) -> None:
    """Answer a question, once it is asked."""
    await asked(run, number)
    await run.execute_update("terse.input", {"id": number, **given})


async def refused(run: Run, /, **given: Any) -> ApplicationError:
    """What an answer is refused with."""
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await run.execute_update("terse.input", given)
    cause = caught.value.cause
    assert isinstance(cause, ApplicationError)
    return cause
