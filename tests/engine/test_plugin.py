"""`TersePlugin` puts jobs on a worker, client or replayer that somebody builds, beside workflows of their own."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest
from temporalio.client import Client, WorkflowFailureError
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from terse_temporal import registered_jobs
from terse_temporal.errors import UnknownJobError
from terse_temporal.plugin import TersePlugin
from terse_temporal.worker import build_worker

from ..bench import Bench
from .jobs_beside import BesideAJob, buy, fails, shout_beside
from .jobs_functions import kinds
from .jobs_retries import threads
from .jobs_sandboxed import HandWritten, shout
from .jobs_schemas import outputs, own_class
from .jobs_step_decorator import decorated


async def hand_written(bench: Bench, task_queue: str) -> Any:
    return await bench.env.client.execute_workflow(
        "hand-written", "hello", id=f"by-hand-{uuid.uuid4()}", task_queue=task_queue
    )


async def test_beside_workflows_of_ones_own(bench: Bench) -> None:
    """A worker runs its own workflows, sandboxed as ever, and named activities, and the jobs of the plugin."""
    async with Worker(
        bench.env.client,
        task_queue=bench.task_queue,
        workflows=[HandWritten],
        activities=[shout],
        plugins=[TersePlugin([kinds])],
        max_cached_workflows=bench.cache,
    ):
        results = await asyncio.gather(hand_written(bench, bench.task_queue), bench.start(kinds))
        assert results[0] == "HELLO! True"
        assert (await bench.result(results[1]))[0] == "coroutine"


async def test_a_failed_step_is_logged_once(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """A step that fails is logged once, by its own line; an activity that was written by hand as the SDK does it."""
    async with Worker(
        bench.env.client,
        task_queue=bench.task_queue,
        workflows=[BesideAJob],
        activities=[shout_beside],
        plugins=[TersePlugin([fails])],
        max_cached_workflows=bench.cache,
    ):
        run = await bench.env.start(fails, task_queue=bench.task_queue)
        by_hand = bench.env.client.execute_workflow(
            BesideAJob.run, "too loud", id=f"beside-{uuid.uuid4()}", task_queue=bench.task_queue
        )
        for failing in (run.result(), by_hand):
            with pytest.raises(WorkflowFailureError):
                await failing
    of_steps = [each for each in caplog.records if "declined, says the bank" in (each.exc_text or each.getMessage())]
    assert [each.name for each in of_steps if each.getMessage().startswith("step ")] == ["terse_temporal.worker"]
    assert [each.getMessage().split(" (")[0] for each in caplog.records if each.name == "temporalio.activity"] == [
        "Completing activity as failed"
    ]


async def test_in_one_file_with_a_workflow(bench: Bench) -> None:
    """A workflow may be written in the file of a job: both run, and the sandbox that imports it registers nothing."""
    for _ in range(2):  # the second worker takes what is registered after the first one's imports
        async with Worker(
            bench.env.client,
            task_queue=bench.task_queue,
            workflows=[BesideAJob],
            activities=[shout_beside],
            plugins=[TersePlugin([job for job in registered_jobs() if job.name == buy.name])],
            max_cached_workflows=bench.cache,
        ):
            event = {"number": "4711", "due": "2026-03-01T00:00:00Z"}
            run = await bench.env.start(buy, event, task_queue=bench.task_queue)
            by_hand = bench.env.client.execute_workflow(
                BesideAJob.run, "hello", id=f"beside-{uuid.uuid4()}", task_queue=bench.task_queue
            )
            assert await by_hand == "HELLO! True"
            assert await bench.result(run) == [
                "asked 4711",
                "charged 4711",
                "order 4711",
                "2026-03-01T00:00:00+00:00",
            ]
    assert next(job for job in registered_jobs() if job.name == buy.name) is buy


async def test_a_runner_of_ones_own(bench: Bench) -> None:
    """What a sandbox was told to pass through stays so; a runner of another class is left as it is."""
    own = SandboxedWorkflowRunner(SandboxRestrictions.default.with_passthrough_modules("mine"))
    config = _active_config(bench, workflow_runner=own)
    assert {"mine", "terse_temporal"} <= config["workflow_runner"].restrictions.passthrough_modules
    other = UnsandboxedWorkflowRunner()
    assert _active_config(bench, workflow_runner=other)["workflow_runner"] is other


def _active_config(bench: Bench, **options: Any) -> Any:
    plugins, unused = [TersePlugin([kinds])], str(uuid.uuid4())
    return Worker(bench.env.client, task_queue=unused, plugins=plugins, **options).config(active_config=True)


async def test_on_a_client(bench: Bench) -> None:
    """Every worker of a client that has the plugin runs its jobs, also after another of them has ended."""
    config: Any = bench.env.client.config()
    client = Client(**{**config, "plugins": [TersePlugin([threads])]})
    other = f"other-{bench.task_queue}"
    async with Worker(client, task_queue=bench.task_queue, max_cached_workflows=bench.cache):
        async with Worker(client, task_queue=other, workflows=[HandWritten], activities=[shout]):
            assert await hand_written(bench, other) == "HELLO! True"
        assert (await bench.result(await bench.start(threads)))[:2] == [True, True]


@pytest.mark.parametrize("job", [kinds, decorated, outputs], ids=lambda job: job.name)
async def test_on_a_replayer(bench: Bench, job: Any) -> None:
    """A replayer with the plugin replays the runs of jobs."""
    async with bench.worker(job):
        run = await bench.start(job)
        await bench.result(run)
    replayer = Replayer(workflows=[HandWritten], plugins=[TersePlugin([job])])
    assert (await replayer.replay_workflow(await run.fetch_history())).replay_failure is None


async def test_all_registered_jobs(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `jobs` it is every job that has been registered when the worker is built."""
    # Other tests of this process may have registered some that want servers of theirs.
    monkeypatch.setattr("terse_temporal.jobs.registry._registry", {job.name: job for job in (own_class, kinds)})
    async with bench.env.worker(task_queue=bench.task_queue, max_cached_workflows=bench.cache):
        assert await bench.result(await bench.start(own_class)) == [True] * 4


async def test_no_jobs(bench: Bench) -> None:
    """A worker without a job is an UnknownJobError that says what to import; so are two jobs of one name."""
    with pytest.raises(UnknownJobError, match="import the modules that create them first"):
        build_worker(bench.env.client, jobs=[])
    with pytest.raises(UnknownJobError, match="two of the same name: 'kinds-of-functions'"):
        build_worker(bench.env.client, jobs=[kinds, kinds])
