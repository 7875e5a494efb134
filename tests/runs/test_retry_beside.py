"""A run that is retried takes from before what it does not do itself: child runs, maps, data that are encrypted."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.client import Client

from terse_temporal import Job, get_run, send_event
from terse_temporal.engine.events.messages import events_workflow_id
from terse_temporal.engine.wire.history import RunHistory
from terse_temporal.engine.wire.records import ChildRecord
from terse_temporal.worker import build_worker

from ..bench import Bench
from ..engine.test_data_converters import CONVERTERS
from ..waiting import until
from . import jobs_retried as jobs
from .retrying import allow, counted, failed, go, retried


@pytest.mark.parametrize("job", [jobs.parent, jobs.siblings], ids=["one after another", "at the same time"])
async def test_child_runs(bench: Bench, job: Job) -> None:
    """One that has ended well is not run again, nor one that failed and has been retried meanwhile."""
    async with bench.worker(jobs.parent, jobs.siblings, jobs.child):
        run = await failed(bench, job)
        allow(bench, "bad")
        recorded = RunHistory((await run.fetch_history()).events)
        children = [each for each in recorded.commands if isinstance(each, ChildRecord)]
        (bad,) = [each.workflow_id for each in children if each.outcome == "failed"]
        assert await (await get_run(bad, client=bench.env.client).retry()).result("60s") == "bad done"
        assert await bench.result(await retried(bench, run)) == ["good done", "bad done"]
    assert counted(bench) == {"good-before": 1, "good": 1, "bad-before": 1, "bad": 2}


async def test_events(bench: Bench) -> None:
    """What has come before the failure is not waited for again, though the run is reset to before the wait."""
    client = bench.env.client
    async with bench.worker(jobs.waits):
        run = await bench.start(jobs.waits)
        await get_run(run.id, client=client).send("paid", {"by": "ada"}, id="1")
        await send_event(
            "sent", {"by": "bob"}, key=str(bench.effects), id="2", client=client, task_queue=bench.task_queue
        )
        await until(lambda: "after" in counted(bench), "both events have been taken")
        go(bench, "fails")
        await bench.failure(run)
        allow(bench, "fails")
        assert await bench.result(await retried(bench, run)) == ["ada bob", "fails done"]
    assert counted(bench) == {"before": 1, "after": 1, "fails": 2}


async def test_a_wait_that_stands_before_the_failure(bench: Bench) -> None:
    """The run has withdrawn its waits by key when it failed. In the run that goes on they are open again, each time."""
    client, key = bench.env.client, str(bench.effects)
    async with bench.worker(jobs.waiting):
        run = await failed(bench, jobs.waiting)
        again = await retried(bench, run)
        await bench.failure(again)
        allow(bench, "fails")
        last = await retried(bench, again)
        for number in ("1", "2"):
            await send_event("paid", {"by": number}, key=key, id=number, client=client, task_queue=bench.task_queue)
        assert await bench.result(last) == ["1", "2"]

        by_key = client.get_workflow_handle(events_workflow_id(bench.task_queue, "paid", key))
        told = [
            each.workflow_execution_signaled_event_attributes.signal_name
            for each in (await last.fetch_history()).events
            if each.HasField("workflow_execution_signaled_event_attributes")
        ]
        assert told == ["terse.event", "terse.event"], "each event is brought once"
        await by_key.terminate()  # it remembers the ids of the sender


async def test_a_map(bench: Bench) -> None:
    """Of the steps of a `job_map` those are run again that failed."""
    async with bench.worker(jobs.mapped):
        run = await failed(bench, jobs.mapped, failing=["input-1", "input-4"])
        before = counted(bench)
        allow(bench, "input-1", "input-4")
        assert await bench.result(await retried(bench, run)) == [f"input-{number} done" for number in range(6)]
    after = counted(bench)
    assert {name: after[name] - before.get(name, 0) for name in after if before.get(name)} == {
        name: int(name in ("input-1", "input-4")) for name in before
    }


async def test_encrypted(bench: Bench) -> None:
    """What only the workers can read is found all the same: results, failures and which steps failed."""
    config: Any = bench.env.client.config()
    client = Client(**{**config, "data_converter": CONVERTERS["encrypting"]})
    options: Any = {"task_queue": bench.task_queue, "max_cached_workflows": bench.cache}
    async with build_worker(client, jobs=[jobs.together, jobs.group], **options):
        for job, fails in ((jobs.together, ["fails", "caught"]), (jobs.group, ["a", "b"])):
            run = await bench.start_on_the_wall_clock(job, on=client)
            await bench.failure(run)
            allow(bench, *fails)
            await get_run(run.id, client=client).retry()
            result = await bench.result(client.get_workflow_handle(run.id))
            assert result == {"together": ["fails done", "two done", "Declined", "slow done"]}.get(
                job.name.partition("-")[2], ["a done", "b done", "c done"]
            )
    assert counted(bench) == {
        "before": 1,
        "fails": 2,
        "one": 1,
        "two": 1,
        "caught": 1,
        "slow": 1,
        "a": 2,
        "b-before": 1,
        "b": 2,
        "c": 1,
    }
