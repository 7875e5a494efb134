"""A local step is a step in all that can be seen of it, and is recorded without an activity of its own."""

from __future__ import annotations

from typing import Any

import pytest

from terse_temporal import step, toolbox
from terse_temporal.errors import JobDefinitionError

from ..bench import Bench, scheduled, timers
from .jobs_local import failures, kinds, retries, side_by_side


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


@pytest.mark.parametrize("how", ["step", "tool"])
def test_at_most_once_is_refused(how: str) -> None:
    """`local=True` with `on_interrupt="fail"` makes no sense, and is refused where it is written."""

    def call() -> None: ...

    call.__qualname__ = "call"
    options: Any = {"local": True, "on_interrupt": "fail"}
    decorator = step(**options) if how == "step" else toolbox.tool("local_kit.never", **options)
    with pytest.raises(JobDefinitionError, match=r"test_local_steps\.py:\d+.*run again"):
        decorator(call)
