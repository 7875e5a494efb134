"""A local step is a step in all that can be seen of it, and is recorded without an activity of its own."""

from __future__ import annotations

from typing import Any

import pytest

from terse_temporal import get_run, step, toolbox
from terse_temporal.engine.wire.history import RunHistory, StepRecord
from terse_temporal.errors import JobDefinitionError
from terse_temporal.runs.timeline import Timeline

from ..bench import Bench, scheduled, timers
from .jobs_local import failed_run, failures, kinds, retries, side_by_side


async def test_every_kind(bench: Bench) -> None:
    """`job_step`, `@step`, a tool and `job_map`: typed results, among ordinary steps, and nothing runs twice."""
    async with bench.worker(kinds):
        run = await bench.start(kinds)
        assert await bench.result(run) == ["Line", "written", 3, "A", "written", [2, 4, 6]]
    # One activity was scheduled, for the ordinary step.
    assert await scheduled(run) == ["write"]
    local, ordinary = bench.effects.lines()
    assert local != ordinary  # by their keys


async def test_branches_go_on_in_the_order_in_which_they_ended(bench: Bench) -> None:
    """Local steps that run at once end in an order which a replay repeats, and `now()` goes on with them."""
    assert await bench.run(side_by_side) == [[0.0, 0.08, 0.15], True, 8]


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
    assert len(await timers(run)) == waits


@pytest.mark.parametrize("in_group", [False, True])
async def test_a_retried_run(bench: Bench, in_group: bool) -> None:
    """A run that failed by a local step goes on with that step, and those before it in its task are not run again."""
    async with bench.worker(failed_run):
        run = await bench.start(failed_run, in_group=in_group)
        assert (await bench.failure(run)).message == ("not yet" if not in_group else "ExceptionGroup")
        assert (await get_run(run.id, client=bench.env.client).timeline()).entries
        bench.effects.path.with_name("there").touch()
        await get_run(run.id, client=bench.env.client).retry()
        assert await bench.result(bench.env.client.get_workflow_handle(run.id)) == [2, "there"]
    assert sorted(line.split()[0] for line in bench.effects.lines()) == ["until", "until", "write", "write"]
    assert len(set(bench.effects.lines())) == 3


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


@pytest.mark.parametrize("how", ["step", "tool"])
def test_at_most_once_is_refused(how: str) -> None:
    """`local=True` with `on_interrupt="fail"` makes no sense, and is refused where it is written."""

    def call() -> None: ...

    call.__qualname__ = "call"
    options: Any = {"local": True, "on_interrupt": "fail"}
    decorator = step(**options) if how == "step" else toolbox.tool("local_kit.never", **options)
    with pytest.raises(JobDefinitionError, match=r"test_local_steps\.py:\d+.*run again"):
        decorator(call)
