"""A local step is a step in all that can be seen of it, and is recorded without an activity of its own."""

from __future__ import annotations

import asyncio
import re
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from temporalio.api.enums.v1 import WorkflowTaskFailedCause
from temporalio.client import Client
from temporalio.worker import Replayer

from terse_temporal import Job, get_run, step, toolbox
from terse_temporal.engine.activity import handing_over
from terse_temporal.engine.wire.history import RunHistory
from terse_temporal.engine.wire.records import StepRecord
from terse_temporal.errors import JobDefinitionError
from terse_temporal.plugin import TersePlugin
from terse_temporal.runs.timeline import Timeline
from terse_temporal.worker import build_worker

from ..bench import Bench, Run, cache_on, scheduled, timers
from ..waiting import until
from .jobs_local import failed_run, failures, held, kinds, large, late, long, loop, retries, side_by_side, told


async def test_every_kind(bench: Bench) -> None:
    """`job_step`, `@step`, a tool and `job_map`: typed results, among ordinary steps, and nothing runs twice."""
    async with bench.worker(kinds):
        run = await bench.start(kinds)
        assert await bench.result(run) == ["Line", "written", 3, "A", "written", [2, 4, 6]]
    # One activity was scheduled, for the ordinary step; but a worker without a cache hands local ones over at once.
    assert await scheduled(run) == ["write"] if bench.cache else len(await scheduled(run)) == 7
    local, ordinary = bench.effects.lines()
    assert local != ordinary  # by their keys


async def test_branches_go_on_in_the_order_in_which_they_ended(bench: Bench) -> None:
    """Local steps that run at once end in an order which a replay repeats, and `now()` goes on with them."""
    assert await bench.run(side_by_side) == [[0.0, 0.25, 0.5], True, 8]


async def test_a_failure(bench: Bench) -> None:
    """What a local step raises is journaled, and reaches the handler as its own class."""
    assert await bench.run(failures) == [["none left", "refuse", "OutOfStock"]] * 2
    assert bench.effects.lines() == ["refuse", "refuse"]


@pytest.mark.parametrize(("initial", "waits"), [("10ms", 0), ("1s", 2)], ids=["in the task", "by timers"])
async def test_retries(bench: Bench, initial: str, waits: int) -> None:
    """It is tried again as its rule says, under one key; a long delay is a timer, so that the task does not wait."""
    async with bench.worker(retries):
        run = await bench.start(retries, initial=initial)
        assert await bench.result(run) == 3
    tried = [line.split() for line in bench.effects.lines()]
    assert [each[2] for each in tried] == ["1", "2", "3"]
    assert len({each[3] for each in tried}) == 1
    assert len(await timers(run)) == (waits if bench.cache else 0)


@pytest.mark.parametrize("in_group", [False, True])
async def test_a_retried_run(bench: Bench, in_group: bool) -> None:
    """A run that failed by a local step goes on with that step, and those before it in its task are not run again."""
    async with bench.worker(failed_run):
        run = await bench.start(failed_run, in_group=in_group)
        assert (await bench.failure(run)).message.endswith("not yet")
        assert (await get_run(run.id, client=bench.env.client).timeline()).entries
        bench.effects.path.with_name("there").touch()
        await get_run(run.id, client=bench.env.client).retry()
        assert await bench.result(bench.env.client.get_workflow_handle(run.id)) == [2, "there"]
    assert sorted(line.split()[0] for line in bench.effects.lines()) == ["until", "until", "write", "write"]
    assert len(set(bench.effects.lines())) == 3


@cache_on
async def test_a_timeline(bench: Bench) -> None:
    """Local steps stand in a run's timeline, with their labels, their attempts and their times; their timers do not."""
    async with bench.worker(retries, kinds):
        run = await bench.start(retries, initial="1s")
        await bench.result(run)
        timeline = RunHistory((await run.fetch_history()).events)
        (tried,) = timeline.commands[:1]
        assert isinstance(tried, StepRecord)
        assert (tried.name, tried.attempt, tried.outcome, tried.is_local) == ("third_time", 3, "completed", True)
        assert [each.is_internal for each in timeline.timers] == [True, True]
        shown = Timeline()
        for event in (await run.fetch_history()).events:
            shown.apply(event)
        assert [entry.line().split(" in ")[0] for entry in shown.entries] == ["step  third_time  done"]


async def _replay(run: Run, job: Job) -> None:
    """Replay a run that its worker had in its cache."""
    await Replayer(workflows=[], plugins=[TersePlugin([job])]).replay_workflow(await run.fetch_history())


@cache_on
async def test_a_long_one(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """One that takes long goes on as an ordinary step, once, and nothing waits for it; the log says where it is."""
    with caplog.at_level("INFO", "terse_temporal.worker"):
        async with bench.worker(long):
            run = await bench.start(long, seconds=0)
            # The ordinary step beside it is done, and the run can be asked and told things, while it goes on.
            await until(lambda: len(bench.effects.lines()) == 2, "both have begun")
            async with asyncio.timeout(60):
                assert "in_the_end" in {
                    each.activity_type.name for each in (await run.describe()).raw_description.pending_activities
                }
            bench.effects.path.with_name("end").touch()
            assert await bench.result(run) == ["ended", "written"]
    assert sorted(line.split()[0] for line in bench.effects.lines()) == ["begins", "ended", "write"]
    assert re.search(r"in_the_end \(.*jobs_local\.py:\d+\) is a local step and takes longer", caplog.text)
    # The whole time, of which it was a local step for two seconds.
    assert re.search(r"in_the_end done in \d+(\.\d+)? seconds \(attempt 1\)", caplog.text)
    recorded = RunHistory((await run.fetch_history()).events)
    assert sorted((each.name, each.outcome) for each in recorded.steps) == [
        ("in_the_end", "completed"),
        ("write", "completed"),
    ]
    await _replay(run, long)


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a worker hand over what takes long, and look whether it is waited for, in a tenth of a second."""
    for name in ("LOCAL_PATIENCE", "_LOOKS_EVERY"):
        monkeypatch.setattr(handing_over, name, timedelta(seconds=0.1))


@cache_on
@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize("workers", [1, 2])
async def test_one_that_nobody_asks_for(bench: Bench, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """While its worker has no place free for it, one that takes long goes on, and is left to it by other workers."""
    # Seldom enough that another one, which asks the run, has had its answer: twice begun there is begun for good.
    looks_every = 0.1 if workers == 1 else 2.0
    monkeypatch.setattr(handing_over, "_LOOKS_EVERY", timedelta(seconds=looks_every))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(bench.worker(held, max_concurrent_activities=1))
        run = await bench.start_on_the_wall_clock(held)
        await until(lambda: bench.effects.lines() == ["begins 1"], "it has begun")
        if workers == 2:
            client = await Client.connect(bench.env.address)  # one client has one worker of a queue
            await stack.enter_async_context(build_worker(client, jobs=[held], task_queue=bench.task_queue))

        async def is_pending() -> bool:
            pending = (await run.describe()).raw_description.pending_activities
            return any(each.activity_type.name == "in_the_end" for each in pending)

        await until(is_pending, "it has been handed over")
        await asyncio.sleep(2.5 * looks_every)  # in which it is looked after twice
        bench.effects.path.with_name("end").touch()
        await until(lambda: "ended" in bench.effects.lines(), "it has ended")
        bench.effects.path.with_name("free").touch()
        assert await bench.result(run) == ["ended", "free"]
    assert bench.effects.lines() == ["begins 1", "ended"]


@cache_on
@pytest.mark.usefixtures("quickly")
async def test_one_that_nobody_wants(bench: Bench) -> None:
    """It is cancelled when its run is over."""
    async with bench.worker(held, max_concurrent_activities=1):
        run = await bench.start_on_the_wall_clock(held)
        await until(lambda: bench.effects.lines() == ["begins 1"], "it has begun")
        await run.terminate()
        await until(lambda: bench.effects.lines() == ["begins 1", "cancelled"], "it is cancelled")
        bench.effects.path.with_name("free").touch()


@pytest.mark.parametrize("seconds", [0.2, 2.5], ids=["while it is local", "when it goes on"])
async def test_a_cancelled_one(bench: Bench, seconds: float) -> None:
    """Cancelled by a timeout, the function is cancelled and has ended before the handler goes on."""
    async with bench.worker(long):
        run = await bench.start_on_the_wall_clock(long, seconds=seconds)
        assert await bench.result(run) == 2
    assert bench.effects.lines() == ["begins 1", "cancelled"]


@cache_on
async def test_large_results(bench: Bench) -> None:
    """What no message holds goes in several, and a result that is large by itself by an activity."""
    async with bench.worker(large):
        run = await bench.start(large)
        assert await bench.result(run) == [3_000_000, 80 * 60_000]
    assert await scheduled(run) == ["one"] * 3
    events = (await run.fetch_history()).events
    assert max(each.ByteSize() for each in events if each.HasField("marker_recorded_event_attributes")) < 70_000
    await _replay(run, large)


@cache_on
async def test_a_loop(bench: Bench) -> None:
    """Many in a row are recorded in several tasks, in between which the run can be told things; the clock repeats."""
    async with bench.worker(loop):
        run = await bench.start(loop, steps=650)
        assert await bench.result(run) == 650
    assert len(await timers(run)) >= 2
    await _replay(run, loop)


@cache_on
async def test_a_task_that_is_prolonged(bench: Bench) -> None:
    """When the task began is another moment in a replay then, which does as was done nevertheless."""
    async with bench.worker(late):
        run = await bench.env.client.start_workflow(
            late.name, {}, id=f"late-{uuid4()}", task_queue=bench.task_queue, task_timeout=timedelta(seconds=1)
        )
        assert await bench.result(run) == 2
    assert len(await timers(run)) >= 1
    await _replay(run, late)


@cache_on
async def test_a_task_that_is_turned_away(bench: Bench) -> None:
    """What comes for a run in its last task has the server refuse it: the task is done again, and its steps are not."""
    async with bench.worker(told):
        run = await bench.start(told)
        assert await bench.result(run) == ["written", "told"]
    failed = [each.workflow_task_failed_event_attributes for each in (await run.fetch_history()).events]
    assert WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND in {each.cause for each in failed}
    assert [line.split()[0] for line in bench.effects.lines()] == ["write", "tell"]


@pytest.mark.parametrize("how", ["step", "tool"])
def test_at_most_once_is_refused(how: str) -> None:
    """`local=True` with `on_interrupt="fail"` makes no sense, and is refused where it is written."""

    def call() -> None: ...

    call.__qualname__ = "call"
    options: Any = {"local": True, "on_interrupt": "fail"}
    decorator = step(**options) if how == "step" else toolbox.tool("local_kit.never", **options)
    with pytest.raises(JobDefinitionError, match=r"test_local_steps\.py:\d+.*run again"):
        decorator(call)
