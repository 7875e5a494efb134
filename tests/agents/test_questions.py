"""A question to a person is asked about a call that can be made, shown in short, and answered once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.update.v1 import UpdateRef
from temporalio.api.workflowservice.v1 import PollWorkflowExecutionUpdateRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from ..bench import Bench
from ..model_server import ModelServer, calls, says
from ..waiting import until
from . import jobs_agents
from . import jobs_model_tools as jobs
from .approvals import waiting


async def test_the_first_answer_counts(bench: Bench, model: ModelServer) -> None:
    """Answers that come together, before the run has heard of the first, do not override one another."""
    given = {"effects": str(bench.effects), "email": "ada@example.com", "note": "hi"}
    model.script = [calls(("desk_add_note", given)), says("done")]
    async with bench.worker(jobs_agents.approvals):
        run = await bench.start(jobs_agents.approvals)
        await waiting(run)
    answers = []
    for approved in (False, True):
        give = run.execute_update("terse.input", {"id": "1", "approved": approved}, id=str(approved))
        answers.append(asyncio.create_task(give))
    await until(lambda: _are_received(bench.env.client, run.id, ("False", "True")), "both answers at the server")
    async with bench.worker(jobs_agents.approvals):
        outcomes = await asyncio.gather(*answers, return_exceptions=True)
        await waiting(run, "2")
        await run.execute_update("terse.input", {"approved": False})
        await bench.result(run)
    assert sum(isinstance(outcome, Exception) for outcome in outcomes) == 1
    approved = not isinstance(outcomes[1], Exception)
    assert len(bench.effects.lines()) == approved


async def _are_received(client: Client, run: str, updates: Sequence[str]) -> bool:
    """Whether the server has all of these updates, of which no worker has heard yet."""
    for update in updates:
        asked = PollWorkflowExecutionUpdateRequest(
            namespace=client.namespace,
            update_ref=UpdateRef(workflow_execution=WorkflowExecution(workflow_id=run), update_id=update),
        )
        try:
            await client.workflow_service.poll_workflow_execution_update(asked)
        except RPCError as err:
            if err.status != RPCStatusCode.NOT_FOUND:
                raise
            return False
    return True


async def test_nobody_is_asked_about_a_call_that_cannot_be(bench: Bench, model: ModelServer) -> None:
    """Arguments are checked before somebody is asked, and shown as JSON."""
    async with bench.worker(jobs.paying):
        run = await bench.start(jobs.paying)
        assert (await waiting(run))["1"]["arguments"] == {
            "effects": str(bench.effects),
            "when": "2030-01-02T00:00:00",
            "amount": "1.50",
        }
        await run.execute_update("terse.input", {"id": "1", "approved": True})
        assert await bench.result(run) == [True, "paid"]
    assert bench.effects.lines() == ["pay 2030 1.50"]


async def test_large_arguments_do_not_stop_a_run(bench: Bench, model: ModelServer) -> None:
    """A memo shows as much of the arguments as a person reads; the tool gets all of them."""
    given = {"effects": str(bench.effects), "email": "ada@example.com", "note": "x" * 400_000}
    model.script = [calls(("desk_add_note", given), ("desk_add_note", {**given, "email": "bob"})), says("done")]
    async with bench.worker(jobs_agents.approvals):
        run = await bench.start(jobs_agents.approvals)
        shown = await waiting(run, "2")
        assert "400,1" in json.dumps(shown["1"])
        assert len(json.dumps(shown)) < 20_000
        for number in ("1", "2"):
            await run.execute_update("terse.input", {"id": number, "approved": True})
        await waiting(run, "3")
        await run.execute_update("terse.input", {"approved": False})
        await bench.result(run)
    assert sorted(len(line) // 100_000 for line in bench.effects.lines()) == [4, 4]
