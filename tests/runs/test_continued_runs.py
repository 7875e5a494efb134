"""A run that has continued in new histories by itself is one run for whoever looks at it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest

from terse_temporal.cli import histories
from terse_temporal.cli.following import Follower
from terse_temporal.engine.wire.continued import read_history
from terse_temporal.engine.workflow.nondeterminism import recorded_calls
from terse_temporal.errors import RunRetryError
from terse_temporal.execution.run_operations import RunQuery, RunReference, RunStatus
from terse_temporal.execution.run_timeline import RunTimeline
from terse_temporal.runs import listing
from terse_temporal.runs.changing import rerun_run
from terse_temporal.runs.details import read_details
from terse_temporal.runs.failed_runs import failed_runs
from terse_temporal.runs.listing import list_runs
from terse_temporal.runs.operations import ClientOperations
from terse_temporal.runs.retrying import retry_run
from terse_temporal.runs.timeline import Entry

from ..bench import Bench, cache_on
from ..waiting import until
from .jobs_continued import continues, fails_after_a_sleep, fails_late

#: What its handler does, in its order.
STEPS = [*(f"count-{number}" for number in range(10)), "1 millisecond"]


def names(timeline: RunTimeline) -> list[str]:
    return [each.name for each in timeline.entries]


@cache_on
async def test_one_run(bench: Bench, tmp_path: Path) -> None:
    """Its timeline, its wait, its end and its retry are of all its histories, also where the earlier ones are gone."""
    client, operations = bench.env.client, ClientOperations(bench.env.client)
    gate = tmp_path / "gate"
    async with bench.worker(continues, continue_after=25):
        began = await bench.start(continues, gate=str(gate))
        first = began.first_execution_run_id or ""
        run = RunReference(began.id, first, continues.name)
        told: list[str] = []

        def tell(entry: Entry) -> None:
            told.append(f"{entry.title} {entry.state}")

        following = Follower(client, began, bench.task_queue, on_change=tell, on_notice=lambda _: None)
        follow = asyncio.create_task(following.follow())
        while "the event 'go'" not in str((waits := await read_details(client, began.id)).why.sentences):  # noqa: ASYNC110  # the server says it
            await asyncio.sleep(0.05)
        assert waits.why.run_id != first
        assert [each.title for each in waits.timeline.entries] == STEPS
        assert waits.event["gate"] == str(gate)
        assert (
            waits.timeline.started
            == waits.why.started_at
            == (await client.get_workflow_handle(began.id, run_id=first).describe()).start_time
        )
        (listed,) = [each async for each in list_runs(client, RunQuery(job=continues.name)) if each.id == began.id]
        assert (listed.status, listed.started_at) == ("running", waits.why.started_at)
        assert await operations.status(run) == "running"

        await client.get_workflow_handle(began.id).signal("go", {})
        assert (await follow).failure is not None
        once = [f"{name} done" for name in STEPS[:10]]
        assert [each for each in told if each.startswith("count") and each.endswith("done")] == once
        assert told.count("go done") == 1

        await client.workflow_service.delete_workflow_execution(
            DeleteWorkflowExecutionRequest(
                namespace=client.namespace,
                workflow_execution=WorkflowExecution(workflow_id=began.id, run_id=first),
            )
        )
        assert names(await operations.timeline(run)) == [*STEPS, "go", "gate"]
        events = (await client.get_workflow_handle(began.id).fetch_history()).events
        compared = recorded_calls(await read_history(events, client.data_converter))
        assert [each.name for each in compared] == [*STEPS, "gate"]
        gate.touch()
        again = await operations.retry(run)
        assert await operations.result(again) == 10
        timeline = await operations.timeline(again)
    assert names(timeline) == [*STEPS, "go", "gate"]
    assert {each.state for each in timeline.entries} == {"done"}
    assert bench.effects.counted() == {f"n{number}": 1 for number in range(10)}
    ended, *_ = [each async for each in list_runs(client, RunQuery(job=continues.name)) if each.id == began.id]
    anew = await rerun_run(client, ended)
    assert anew.done, anew.what
    assert (await read_details(client, anew.new_id)).event == waits.event
    await client.get_workflow_handle(anew.new_id).terminate()


@cache_on
async def test_after_a_leap_of_the_clock(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run whose clock was ahead when it continued is listed, though it starts in days to come; so when it failed."""
    client, job = bench.env.client, fails_after_a_sleep.name

    async def is_listed(status: RunStatus) -> bool:
        for query in (RunQuery(job=job, status=status), RunQuery(job=job, since=datetime.now(UTC))):
            found = [each.id async for each in list_runs(client, query)]
            if found.count(run.id) != 1:
                return False
        return True

    async with bench.worker(fails_after_a_sleep, continue_after=25):
        run = await bench.start(fails_after_a_sleep)
        await bench.env.skip(run, "3d")
        await until(partial(is_listed, "running"), "the list has the run")
        described = await client.get_workflow_handle(run.id).describe()
        while described.run_id == run.first_execution_run_id:
            await asyncio.sleep(0.05)
            described = await client.get_workflow_handle(run.id).describe()
        assert described.start_time > datetime.now(UTC) + timedelta(days=2)
        await until(partial(is_listed, "running"), "the list has the run still")
        await client.get_workflow_handle(run.id).signal("go", {})
        await bench.failure(run)
    await until(partial(is_listed, "failed"), "the list has the run that failed")
    assert run.id in [each.id async for each in failed_runs(client, job, None)]
    assert run.id in [each.id async for each in failed_runs(client, job, datetime.now(UTC))]
    monkeypatch.setattr(listing, "_SORTED_AT_ONCE", 0)
    monkeypatch.setattr(listing, "_SHORTEST", timedelta(hours=2))
    assert await is_listed("failed")


@cache_on
async def test_failed_before(bench: Bench, tmp_path: Path) -> None:
    """A run that fails for a step of an earlier history is not retried, and says why and what is possible.

    Among the runs that were closed last it is one.
    """
    async with bench.worker(fails_late, continue_after=25):
        run = await bench.start(fails_late, gate=str(tmp_path / "gate"))
        await bench.failure(run)
        with pytest.raises(RunRetryError, match=r"step 'gate', which had failed before it continued .* runs rerun"):
            await retry_run(bench.env.client, run.id)
    why = (await read_details(bench.env.client, run.id)).why

    async def closed() -> list[str]:
        """The histories that the replay gate takes for closed runs."""
        wanted = histories.RunQuery([fails_late.name], bench.task_queue, is_open=False)
        return [each.run_id async for each in histories.fetch_histories(bench.env.client, [wanted])]

    async def is_closed() -> bool:
        return why.run_id in await closed()

    await until(is_closed, "the list has the run as closed")
    assert await closed() == [why.run_id]
    assert why.run_id != run.first_execution_run_id
    assert "in the step 'gate'" in why.sentences[0]
