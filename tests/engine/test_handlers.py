"""A handler is deterministic, and its steps are found, also as a partial, or decorated without `functools.wraps`."""

from __future__ import annotations

from ..bench import Bench
from . import jobs_handlers
from .jobs_handlers import decorated, partial


async def test_globals_clock_and_steps(bench: Bench) -> None:
    """Each run has the globals of its own, the run's clock, and steps whose functions are not under their own name."""
    async with bench.worker(partial, decorated):
        runs = [await bench.start(job) for job in (partial, decorated, decorated)]
        assert [await bench.result(run) for run in runs] == [[1, True, 1, 1, 2, 6]] * 3
    assert jobs_handlers.seen == []
    assert {partial.module, decorated.module} == {jobs_handlers.__name__}
