"""Whether a failed call is tried again follows what the tool says of itself."""

from __future__ import annotations

import time

import pytest

from terse_temporal import toolbox
from terse_temporal.errors import TransientError

from ..bench import Bench
from ..effects import Effects
from . import jobs_toolbox as jobs


def attempts(effects: Effects) -> list[int]:
    """The numbers of the attempts, after a look at their keys: all have the same."""
    lines = [line.split() for line in effects.lines()]
    assert len({line[2] for line in lines}) == 1
    return [int(line[1]) for line in lines]


@pytest.mark.parametrize("tool", ["fail_idempotent", "fail_read_only"])
async def test_what_may_happen_twice_is_tried_again(bench: Bench, tool: str) -> None:
    """After a request that was sent too, under the same key, until it succeeds."""
    async with bench.worker(jobs.any_tool):
        run = await bench.start(jobs.any_tool, tool=f"shop.{tool}", arguments={"times": 1})
        assert await bench.result(run) == 2
    assert attempts(bench.effects) == [1, 2]


async def test_a_wait_that_is_asked_for_is_kept(bench: Bench) -> None:
    """Not before the seconds of a `Retry-After`, on the clock on the wall as on a clock that skips."""
    async with bench.worker(jobs.any_tool):
        run = await bench.start_on_the_wall_clock(
            jobs.any_tool, tool="shop.fail_idempotent", arguments={"times": 1, "after": 3}
        )
        began = time.monotonic()
        assert await bench.result(run) == 2
        assert time.monotonic() - began >= 3


async def test_any_other_is_tried_once_after_the_request_was_sent(bench: Bench) -> None:
    """It fails, and the handler knows that it may have happened."""
    async with bench.worker(jobs.any_tool):
        failure = await bench.failure(
            await bench.start(jobs.any_tool, tool="shop.fail_once_only", arguments={"times": 1})
        )
    assert failure.type == "TransientError"
    assert attempts(bench.effects) == [1]


async def test_any_other_is_tried_again_if_the_request_was_not_sent(bench: Bench) -> None:
    """Nothing can have happened, so that trying again makes it happen once."""
    async with bench.worker(jobs.any_tool):
        run = await bench.start(jobs.any_tool, tool="shop.fail_once_only", arguments={"times": 1, "sent": False})
        assert await bench.result(run) == 2
    assert attempts(bench.effects) == [1, 2]


async def test_a_rule_of_its_own_comes_first(bench: Bench) -> None:
    """`retry=` replaces what is said by `idempotent` and `read_only`."""
    async with bench.worker(jobs.any_tool):
        run = await bench.start(jobs.any_tool, tool="shop.fail_by_rule", arguments={"times": 1})
        assert await bench.result(run) == 2
    assert attempts(bench.effects) == [1, 2]


async def test_in_place_the_rules_are_the_same(effects: Effects) -> None:
    """In a script, in a step and in a job that is not durable."""
    began = time.monotonic()
    assert await toolbox.shop.fail_idempotent(effects=str(effects), times=1, after=1.5) == 2
    assert time.monotonic() - began >= 1.5
    assert attempts(effects) == [1, 2]
    with pytest.raises(TransientError):
        await toolbox.shop.fail_once_only(effects=str(effects), times=1)
    assert len(effects.lines()) == 3
