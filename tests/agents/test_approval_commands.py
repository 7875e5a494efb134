"""`terse-temporal approvals`, `approve` and `deny`, and the tokens that `trigger` tells."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from temporalio.service import RPCError, RPCStatusCode

from ..bench import Bench, Run, cache_on
from ..commands import run as run_process
from ..model_server import ModelServer, calls, says
from ..waiting import until
from . import jobs_agents as jobs
from .approvals import command, waiting


async def test_a_call_is_listed_and_decided(bench: Bench, model: ModelServer, tmp_path: Path) -> None:
    given = {"effects": str(bench.effects), "email": "ada@example.com", "note": "hi"}
    model.script = [calls(("desk_add_note", given)), says("done")]
    address = ["--address", bench.env.address]
    async with bench.worker(jobs.approvals):
        run = await bench.start(jobs.approvals)
        await waiting(run)
        listed = await command(tmp_path, "approvals", *address)
        assert run.id in listed.stdout
        assert 'desk.add_note(effects="' in listed.stdout
        rows = json.loads((await command(tmp_path, "approvals", "--json", *address)).stdout)
        (row,) = [row for row in rows if row["workflow_id"] == run.id]
        assert (row["job"], row["number"], row["tool"]) == ("agents-approvals", "1", "desk.add_note")
        assert row["arguments"] == given
        wrong = await command(tmp_path, "approve", run.id, "9", *address)
        assert wrong.status == 2
        assert "does not take it: question '9' is not open" in wrong.stderr
        approved = await command(tmp_path, "approve", run.id, *address)
        assert (approved.status, approved.stderr) == (0, "")
        await waiting(run, "2")
        denied = await command(tmp_path, "deny", run.id, "--reason", "enough", *address)
        assert (denied.status, denied.stderr) == (0, "")
        assert await bench.result(run) == ["done", "the call of 'desk.add_note' was not approved: enough"]
    nobody = await command(tmp_path, "approve", "no-such-run", *address)
    assert nobody.status == 2
    assert "'no-such-run'" in nobody.stderr


@cache_on
async def test_trigger_tells_tokens_and_decisions(bench: Bench, model: ModelServer, tmp_path: Path) -> None:
    given = {"effects": str(bench.effects), "email": "ada@example.com", "note": "hi"}
    model.script = [calls(("desk_add_note", given)), says("done")]
    options = ["--address", bench.env.address, "--task-queue", bench.task_queue, "--id", bench.task_queue]
    event = json.dumps({"effects": str(bench.effects)})
    async with bench.worker(jobs.approvals):
        # As a process: within this one, only one command runs at a time.
        trigger = ["terse-temporal", "trigger", "agents-approvals", "-e", event, "--wait", *options]
        watched = asyncio.create_task(asyncio.to_thread(run_process, *trigger, cwd=tmp_path))
        run: Run = bench.env.client.get_workflow_handle(bench.task_queue)
        await until(lambda: _is_there(run), "the run that the command starts")
        for number in ("1", "2"):
            await waiting(run, number)
            deciding = await command(tmp_path, "approve", run.id, number, "--address", bench.env.address)
            assert deciding.status == 0
        shown = await watched
    assert json.loads(shown.stdout) == ["done", None]
    assert "waits for a decision about desk.add_note(" in shown.stderr
    assert f"terse-temporal approve {bench.task_queue} 1, or deny" in shown.stderr
    assert "2 calls of a model, 20 tokens in and 10 out" in shown.stderr


async def _is_there(run: Run) -> bool:
    try:
        await run.describe()
    except RPCError as err:
        if err.status != RPCStatusCode.NOT_FOUND:
            raise
        return False
    return True
