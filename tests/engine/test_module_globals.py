"""A run does not see what another run left in a global of the module, and what it leaves itself is there on replay."""

from __future__ import annotations

import gc
from types import FunctionType

from ..bench import Bench
from ..waiting import until
from . import jobs_small
from .jobs_small import keeps_globals, same


def copies() -> list[FunctionType]:
    """The function of the steps, as the copies of the module have it that are still there."""
    gc.collect()
    return [each for each in gc.get_referrers(same.__code__) if isinstance(each, FunctionType) and each is not same]


async def test_globals_are_of_one_run(bench: Bench) -> None:
    """Every run begins with the module as it is written, and replays to the same globals; the process keeps its own.

    What the worker keeps from one step to the next is nothing of a run's: its copy of the module goes with it.
    """
    async with bench.worker(keeps_globals):
        runs = [await bench.start(keeps_globals, who=who) for who in ("ada", "ben", "cy")]
        assert [await bench.result(run) for run in runs] == [[2, ["ada"]], [2, ["ben"]], [2, ["cy"]]]
        await until(lambda: not copies(), "no copy of the module is left")
    assert (jobs_small.counter, jobs_small.seen) == (0, [])
