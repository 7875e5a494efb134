"""Branches run at once, in the ways that asyncio has for it, and are the same on every replay."""

from __future__ import annotations

from ..bench import Bench, scheduled
from .jobs_parallel import gathers, gathers_large, group_fails, groups, limited, waits


async def test_gather(bench: Bench) -> None:
    """`asyncio.gather` gives results in order; an exception among them is the branch's own."""
    assert await bench.run(gathers) == [[0, 1, 2, 3, 4], ["a", "7"]]
    assert all(count == 1 for count in bench.effects.counted().values())


async def test_large_inputs_at_once(bench: Bench) -> None:
    """Branches whose inputs are together over what the server takes in one message all run."""
    assert await bench.run(gathers_large) == [1_500_000] * 6


async def test_task_group(bench: Bench) -> None:
    """In a TaskGroup every branch goes on by itself, through steps and sleeps."""
    assert await bench.run(groups) == [3, 3, 3]
    assert all(count == 1 for count in bench.effects.counted().values())


async def test_a_task_group_that_fails(bench: Bench) -> None:
    """When a branch of a TaskGroup fails, the others are cancelled in the same order on every replay, and clean up."""
    async with bench.worker(group_fails):
        run = await bench.start(group_fails)
        assert await bench.result(run) == ["x"]
    counted = bench.effects.counted()
    for name in range(12):
        assert counted[f"end clean {name}"] == 1
        assert counted[f"cancelled {name}"] == name % 2
    assert (await scheduled(run))[-1] == "work-after"


async def test_what_is_done_comes_in_the_same_order(bench: Bench) -> None:
    """`asyncio.wait` and `as_completed` give tasks in the same order on every replay."""
    done = await bench.run(waits)
    assert sorted(done[:15]) == sorted([*range(10), *([0] * 5)])
    assert done[15:] == [0.75, 0.25]
    assert all(count == 1 for count in bench.effects.counted().values())


async def test_a_limit_around_a_step(bench: Bench) -> None:
    """`asyncio.timeout` and `wait_for` work around a step: it is cancelled, awaited, and the job goes on."""
    assert await bench.run(limited) == [1, False, 2]
    assert bench.effects.lines() == [
        *("begin quick", "end quick", "begin slow", "cancelled slow"),
        *("begin after", "end after"),
    ]
