"""Whatever has become of a run, its history is replayed as far as code of the job has come in it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle, WorkflowHistory

from terse_temporal.engine.state.workflow import WRITES_PER_RUN
from terse_temporal.serialization.wire_names import STATE_WORKFLOW
from terse_temporal.testing import JobEnvironment
from terse_temporal.worker import build_worker

from ..versions import ONBOARD, come_to, eventually, replayed, running, started, version

CHANGED = ONBOARD.replace("run=send_welcome", "run=send_check_in")

#: What a run that sleeps may come to.
ENDS = {
    "cancelled": EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED,
    "terminated": EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED,
    "timed out": EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT,
}


async def both(history: WorkflowHistory, folder: Path) -> list[Any]:
    """What comes of a history with the code that it was recorded with, and with a changed step."""
    results = []
    for source in (ONBOARD, CHANGED):
        with version(source, folder) as jobs:
            results += await replayed(jobs, history)
    return results


@pytest.mark.parametrize("end", ENDS)
async def test_ended_while_it_slept(end: str, client: Client, tmp_path: Path) -> None:
    """A run that was cancelled, terminated or timed out in its sleep fits its code, and a changed step breaks it."""
    with version(ONBOARD, tmp_path) as jobs:
        async with running(client, jobs) as task_queue:
            limit = timedelta(seconds=3) if end == "timed out" else None
            run = await started(client, "rpl-onboard", task_queue, execution_timeout=limit)
            await come_to(run, EventType.EVENT_TYPE_TIMER_STARTED)
            if end == "cancelled":
                await run.cancel()
            elif end == "terminated":
                await run.terminate()
            history = await come_to(run, ENDS[end])
    fits, breaks = await both(history, tmp_path)
    assert fits.failure is None
    assert breaks.at == "step 'send_welcome'"
    assert not breaks.waits


async def test_completed_and_failed(env: JobEnvironment, tmp_path: Path) -> None:
    """Runs that have come to their end fit their code, the failed too, and a changed step breaks them."""
    failing = ONBOARD.replace('return "done"', 'raise ValueError("no")')
    for source, ended in ((ONBOARD, True), (failing, False)):
        with version(source, tmp_path) as jobs:
            async with running(env.client, jobs) as task_queue:
                run = await started(env.client, "rpl-onboard", task_queue)
                if ended:
                    assert await run.result() == "done"
                else:
                    with pytest.raises(WorkflowFailureError):
                        await run.result()
            history = await run.fetch_history()
            assert [each.failure for each in await replayed(jobs, history)] == [None]
        changed = source.replace("await job_step(run=send_check_in)", "await job_step(run=create_account)")
        with version(changed, tmp_path) as jobs:
            (result,) = await replayed(jobs, history)
        assert result.at == "step 'send_check_in'"
        with version(ONBOARD.replace('return "done"', 'return "other"'), tmp_path) as jobs:
            (result,) = await replayed(jobs, history)
        # Another result is no difference, since the run has one already. A result where it failed is.
        assert (result.failure is None) is ended


async def test_not_begun(client: Client, tmp_path: Path) -> None:
    """A run that no worker has begun fits any code."""
    run = await started(client, "rpl-onboard", "rpl-nobody")
    history = await run.fetch_history()
    assert [each.failure for each in await both(history, tmp_path)] == [None, None]
    await run.terminate()
    history = await run.fetch_history()
    assert [each.failure for each in await both(history, tmp_path)] == [None, None]


async def test_waits_already(client: Client, tmp_path: Path) -> None:
    """A run that was blocked by other code is told of as one that waits, whether it would go on now or not."""
    with version(ONBOARD, tmp_path) as jobs:
        async with running(client, jobs) as task_queue:
            run = await started(client, "rpl-onboard", task_queue)
            await come_to(run, EventType.EVENT_TYPE_TIMER_STARTED)
    await run.cancel()  # something to do for the other worker
    with version(CHANGED, tmp_path) as jobs:
        async with build_worker(client, jobs=jobs, task_queue=task_queue, max_cached_workflows=0):
            history = await come_to(run, EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED)
    fits, breaks = await both(history, tmp_path)
    assert (fits.failure, fits.waits) == (None, True)
    assert (breaks.at, breaks.waits) == ("step 'send_welcome'", True)
    await run.terminate()
    closed = await come_to(run, EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED)
    assert [each.waits for each in await both(closed, tmp_path)] == [False, False]


async def test_reset(client: Client, tmp_path: Path) -> None:
    """A run that was reset is replayed from its first event, and told of by its own run id."""
    with version(ONBOARD, tmp_path) as jobs:
        async with running(client, jobs) as task_queue:
            first = await started(client, "rpl-onboard", task_queue)
            history = await come_to(first, EventType.EVENT_TYPE_TIMER_STARTED)
            tasks = [
                event.event_id
                for event in history.events
                if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
            ]
            answer = await client.workflow_service.reset_workflow_execution(
                ResetWorkflowExecutionRequest(
                    namespace=client.namespace,
                    workflow_execution=WorkflowExecution(workflow_id=first.id, run_id=first.first_execution_run_id),
                    workflow_task_finish_event_id=tasks[1],
                    request_id="reset",
                )
            )
            run: WorkflowHandle[Any, Any] = client.get_workflow_handle(first.id, run_id=answer.run_id)
            history = await come_to(run, EventType.EVENT_TYPE_TIMER_STARTED)
        await run.terminate()
    fits, breaks = await both(history, tmp_path)
    assert fits.failure is None
    assert breaks.at == "step 'send_welcome'"
    assert fits.run_id == answer.run_id != first.first_execution_run_id


COUNT = """
from terse_temporal import create_job

@create_job(name="rpl-count", durable=True)
async def count(event, state):
    for number in range(event.writes):
        await state.set("last", number)
    return await state.get("last")
"""


async def test_continued_as_new(env: JobEnvironment, tmp_path: Path) -> None:
    """The state of a job, which goes on in one run after the other, fits in each, and so does the job."""
    with version(COUNT, tmp_path) as jobs:
        async with running(env.client, jobs) as task_queue:
            run = await started(env.client, "rpl-count", task_queue, {"writes": WRITES_PER_RUN + 5})
            assert await run.result() == WRITES_PER_RUN + 4
        histories = [await run.fetch_history()]

        async def found() -> list[WorkflowHistory]:
            query = f'WorkflowType = "{STATE_WORKFLOW}" AND TaskQueue = "{task_queue}"'
            return [
                await env.client.get_workflow_handle(each.id, run_id=each.run_id).fetch_history()
                async for each in env.client.list_workflows(query)
            ]

        states = await eventually(found, lambda states: len(states) >= 2)
        histories += states
        ends = {history.events[-1].event_type for history in histories}
        assert EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW in ends
        assert [each.failure for each in await replayed(jobs, *histories)] == [None] * len(histories)
        assert [each.failure for each in await replayed([], *histories[1:])] == [None] * (len(histories) - 1)


PLAIN = """
from terse_temporal import create_job

@create_job(name="rpl-plain")
def plain(event):
    return {"got": event.number}
"""


async def test_not_durable(env: JobEnvironment, tmp_path: Path) -> None:
    """A job that is not durable fits; made durable, it breaks at what it was recorded as: one step of its own name."""
    with version(PLAIN, tmp_path) as jobs:
        async with running(env.client, jobs) as task_queue:
            run = await started(env.client, "rpl-plain", task_queue, {"number": 3})
            assert await run.result() == {"got": 3}
        history = await run.fetch_history()
        assert [each.failure for each in await replayed(jobs, history)] == [None]
    durable = PLAIN.replace('name="rpl-plain"', 'name="rpl-plain", durable=True').replace(
        "def plain", "async def plain"
    )
    with version(durable, tmp_path) as jobs:
        (result,) = await replayed(jobs, history)
    assert result.at == "step 'rpl-plain'"
