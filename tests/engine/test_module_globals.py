"""A run does not see what another run left in a global of the module, and what it leaves itself is there on replay."""

from __future__ import annotations

from ..bench import Bench
from . import jobs_small
from .jobs_small import keeps_globals


async def test_globals_are_of_one_run(bench: Bench) -> None:
    """Every run begins with the module as it is written, and replays to the same globals; the process keeps its own."""
    async with bench.worker(keeps_globals):
        runs = [await bench.start(keeps_globals, who=who) for who in ("ada", "ben", "cy")]
        assert [await bench.result(run) for run in runs] == [[2, ["ada"]], [2, ["ben"]], [2, ["cy"]]]
    assert (jobs_small.counter, jobs_small.seen) == (0, [])
