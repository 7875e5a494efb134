"""A false `filter` ends the run with `{"skipped": "filter"}`, and nothing is scheduled."""

from __future__ import annotations

import pytest

from terse_temporal import Job

from ..bench import Bench, cache_on, scheduled
from .jobs_small import async_filtered, filtered, plain_filtered, wrong_filter

JOBS = pytest.mark.parametrize("job", [filtered, async_filtered, plain_filtered], ids=lambda job: job.name)


@cache_on
@JOBS
async def test_a_false_filter(bench: Bench, job: Job) -> None:
    """With a false filter, a function or a coroutine function, the run is skipped, and nothing is scheduled or done."""
    async with bench.worker(job):
        run = await bench.start(job, wanted=0)
        assert await bench.result(run) == {"skipped": "filter"}
    assert await scheduled(run) == []
    assert bench.effects.lines() == []


@JOBS
async def test_a_true_filter(bench: Bench, job: Job) -> None:
    """With a true one the job runs."""
    assert await bench.run(job, wanted=True) == "ran"
    assert bench.effects.lines() == ["ran"]


async def test_a_filter_that_raises(bench: Bench) -> None:
    """A filter that raises fails the run with what it raised."""
    failure = await bench.refuse(wrong_filter)
    assert (failure.type, failure.message) == ("LookupError", "no such field")
