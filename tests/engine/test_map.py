"""`job_map` runs one step for each input, so many at once, and gives the results in the order of the inputs."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from ..bench import Bench, cache_on, scheduled
from .jobs_map import maps, maps_until_cancelled, maps_what_does_not_fit, maps_wrongly
from .test_cancellation import ends_cancelled


async def test_results_are_in_the_order_of_the_inputs(bench: Bench) -> None:
    """Whichever step ends first; each input is a step once, validated and given as its type."""
    results = await bench.run(maps, count=11, at_once=4, failing=[], max_failures=0)
    assert results == [str(number * 10) for number in range(11) if number != 1]
    assert set(bench.effects.counted().values()) == {1}
    open_now, most = 0, 0
    for line in bench.effects.lines():
        open_now += 1 if line.startswith("begin") else -1
        most = max(most, open_now)
    assert most <= 4


async def test_tolerated_failures_stand_in_the_list(bench: Bench) -> None:
    """As the step's error, in the place of the result."""
    results = await bench.run(maps, count=5, at_once=5, failing=[0, 3], max_failures=2)
    assert results == ["number 0", "20", "number 3", "40"]


@pytest.mark.parametrize("max_failures", [0, 1])
async def test_too_many_failures(bench: Bench, max_failures: int) -> None:
    """No further step begins, those that are open end, and the group has the failures in the order of the inputs."""
    said, *errors = await bench.run(maps, count=30, at_once=3, failing=[0, 1, 2], max_failures=max_failures)
    begun = Counter(line.split()[0] for line in bench.effects.lines())
    assert 3 <= begun["begin"] < 30
    assert begun["cancelled"] == 0
    assert errors == [f"charge number {number}" for number in range(3)][: len(errors)]
    assert len(errors) > max_failures
    assert "'charge' (tests/engine/jobs_map.py:" in said
    assert f"{len(errors)} of {begun['begin']} have failed, and max_failures={max_failures}" in said


async def test_cancelled(bench: Bench) -> None:
    """The open steps are cancelled and awaited, and no other is begun."""
    async with bench.worker(maps_until_cancelled):
        run = await bench.start_on_the_wall_clock(maps_until_cancelled)
        async with asyncio.timeout(20):
            while len(bench.effects.lines()) < 3:  # noqa: ASYNC110  it is told by a file
                await asyncio.sleep(0.02)
        await run.cancel()
        await ends_cancelled(bench, run)
    lines = bench.effects.lines()
    assert sorted(lines[:3]) == ["begin 0", "begin 1", "begin 2"]
    assert sorted(lines[3:6]) == ["cancelled 0", "cancelled 1", "cancelled 2"]
    assert lines[6:] == ["cleaned up"]


@cache_on
async def test_an_input_that_does_not_fit(bench: Bench) -> None:
    """Fails the run as it would that of a single step, and names the line of the map."""
    async with bench.worker(maps_what_does_not_fit):
        run = await bench.start(maps_what_does_not_fit)
        failure = await bench.failure(run)
    assert failure.type == "StepInputError"
    assert "number" in failure.message
    assert await scheduled(run) == ["charge"]


@cache_on
async def test_options_that_make_no_sense(bench: Bench) -> None:
    """Are refused when it is called, in words that say what to give."""
    said = await bench.run(maps_wrongly)
    assert [each.partition(":")[0] for each in said] == [
        *["StepInputError"] * 3,
        *["JobDefinitionError"] * 3,
        "DurationError",
        "StepInputError",
    ]
    assert "sorted(…)" in said[0]
    assert "at_once=0" in said[3]
