"""A tool that needs approval waits for a person, is found by whoever looks, and runs once or not at all."""

from __future__ import annotations

import pytest
from temporalio.client import WorkflowUpdateFailedError

from terse_temporal.errors import UnknownToolError

from ..bench import Bench
from ..model_server import ModelServer, calls, says
from . import jobs_agents as jobs
from .approvals import waiting


async def test_approved_or_denied(bench: Bench, model: ModelServer) -> None:
    given = {"effects": str(bench.effects), "email": "ada@example.com", "note": "hi"}
    model.script = [
        calls(("desk_add_note", given)),
        calls(("desk_add_note", {**given, "note": "no"})),
        says("done"),
    ]
    async with bench.worker(jobs.approvals):
        run = await bench.start(jobs.approvals)
        shown = (await waiting(run))["1"]
        assert (shown["tool"], shown["arguments"]) == ("desk.add_note", given)
        assert [each["id"] for each in shown["options"]] == ["approve", "deny"]
        assert bench.effects.lines() == []
        with pytest.raises(WorkflowUpdateFailedError):
            await run.execute_update("terse.input", {"id": "7", "approved": True})
        with pytest.raises(WorkflowUpdateFailedError):
            await run.execute_update("terse.input", {"id": "1", "approved": "yes"})
        await run.execute_update("terse.input", {"id": "1", "approved": True, "by": "Grace"})
        await waiting(run, "2")
        with pytest.raises(WorkflowUpdateFailedError):
            await run.execute_update("terse.input", {"id": "1", "approved": False})
        # Without an id it is the one that is open.
        await run.execute_update("terse.input", {"approved": False, "reason": "too chatty"})
        await waiting(run, "3")
        await run.execute_update("terse.input", {"approved": False, "reason": "enough"})
        answer, denied = await bench.result(run)
    assert answer == "done"
    assert denied == "the call of 'desk.add_note' was not approved: enough"
    assert [line.rsplit(" ", 1)[0] for line in bench.effects.lines()] == ["note ada@example.com hi"]
    assert "too chatty" in str(model.requests[-1]["messages"][-1])
    assert (await (await run.describe()).memo())["terse.waiting.v1"] == {}


async def test_a_run_waits_across_workers(bench: Bench, model: ModelServer) -> None:
    given = {"effects": str(bench.effects), "email": "ada@example.com", "note": "hi"}
    model.script = [calls(("desk_add_note", given)), says("done")]
    async with bench.worker(jobs.approvals):
        run = await bench.start(jobs.approvals)
        await waiting(run)
    async with bench.worker(jobs.approvals):
        await run.execute_update("terse.input", {"id": "1", "approved": True})
        await waiting(run, "2")
        await run.execute_update("terse.input", {"approved": True})
        assert await bench.result(run) == ["done", None]
    assert len(bench.effects.lines()) == 2
    assert model.turns_asked() == [0, 1]


def test_names_are_checked() -> None:
    from terse_temporal.agents.approvals import approval_list  # noqa: PLC0415

    with pytest.raises(UnknownToolError, match=r"did you mean 'desk\.add_note'"):
        approval_list({"desk_add_notes": None})
