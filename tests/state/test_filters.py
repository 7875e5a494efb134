"""A filter may read the state."""

from __future__ import annotations

import pytest

from terse_temporal import Job

from ..bench import Bench, scheduled, steps
from .jobs_state import filter_without_reading, once_each, once_each_in_place
from .jobs_updates import filter_by_lambda, never_awaited


@pytest.mark.parametrize("job", [once_each, once_each_in_place], ids=lambda job: job.name)
async def test_a_filter_that_reads(bench: Bench, job: Job) -> None:
    """A filter of `(event, state)` is answered by what runs before have kept, also in a job that is not durable."""
    async with bench.worker(job):
        runs = [await bench.start(job, id=each) for each in ("a", "b")]
        assert [await bench.result(run) for run in runs] == ["done", "done"]
        again = await bench.start(job, id="a")
        assert await bench.result(again) == {"skipped": "filter"}
    assert await steps(again) == ["state.get"]


async def test_a_filter_that_does_not_await(bench: Bench) -> None:
    """A filter that takes a call for its answer fails the run and is told so; nothing is scheduled."""
    failure = await bench.refuse(never_awaited)
    assert "the filter of the job 'filter-that-does-not-await'" in failure.message
    assert "`await state.get(…)`" in failure.message


async def test_a_filter_by_lambda(bench: Bench) -> None:
    """A lambda that gives the coroutine of what it calls is awaited."""
    assert await bench.run(filter_by_lambda) == {"skipped": "filter"}


async def test_a_filter_that_does_not_read(bench: Bench) -> None:
    """A filter that takes the state and does not read it schedules nothing."""
    async with bench.worker(filter_without_reading):
        run = await bench.start(filter_without_reading, wanted=False)
        assert await bench.result(run) == {"skipped": "filter"}
        assert await bench.result(await bench.start(filter_without_reading, wanted=True)) == "done"
    assert await scheduled(run) == []
